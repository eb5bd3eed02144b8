"""Jets near other jets: an optional effect on generated scores, and the efficiencies that follow from it.

Without it a score depends on its own jet alone, and efficiencies of generated jets are functions of pT and eta. With
it, every neighbour j of jet i multiplies the odds of i to pass a cut on the score, whatever the cut, by

    1 - A exp(-(DeltaR_ij / L)^2),

A by the flavours of both, L by that of the neighbour. With F, the product over neighbours, and P0, the probability of
the jet alone, the probability to pass is

    P = F P0 / (1 - P0 + F P0)

For rare tags that is F P0, as in the toy of efficiencies (`deepsf.efficiency.toy.truth`), and P stays below 1 for any
F. Scores are moved, none is drawn anew: the logit of the quantile of a valid score is shifted by ln F. So scores keep
their range and their order, and all else that is generated is what it was. Pseudo-data follow the injected scale factor
at the moved scores. Its mean over the score depends on the neighbours then, so `deepsf.generator.truth` is not theirs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from deepsf.arrays import Bools, Ints, Reals
from deepsf.config.mismodelling import JetFlavour
from deepsf.config.neighbours import NeighbourEffect
from deepsf.generator.detector import RecoJets
from deepsf.generator.discriminant import Tagger, cumulative, invalid_probability
from deepsf.generator.jagged import flavour_place

_FLAVOURS: Sequence[JetFlavour] = ("b", "c", "udsg")
"""In the order of `deepsf.generator.jagged.HADRON_FLAVOURS`."""


def odds_factor(effect: NeighbourEffect, jets: RecoJets) -> Reals:
    """Return the factor F on the odds of every jet, ``(n,)``.

    Neighbours are jets of the hard process within the effect's limits, not leptons or pile-up.
    """
    is_neighbour = np.isfinite(jets.survival)
    is_neighbour &= (jets.pt_gev >= effect.pt_min_gev) & (np.abs(jets.eta) <= effect.abseta_max)
    return factor_of_neighbours(effect, jets.event, jets.eta, jets.phi, jets.hadron_flavour, is_neighbour)


# 6 arguments of one jet each
def factor_of_neighbours(
    effect: NeighbourEffect, event: Ints, eta: Reals, phi: Reals, hadron_flavour: Ints, is_neighbour: Bools
) -> Reals:
    """Return the product of the factors of a jet's neighbours.

    Parameters
    ----------
    event
        Number of each jet's event, jets of an event side by side.
    is_neighbour
        Which jets have an effect on others; all arguments are ``(n,)``.
    """
    width = np.array([effect.width[name] for name in _FLAVOURS])
    amplitude = np.array([[effect.amplitude[own][other] for other in _FLAVOURS] for own in _FLAVOURS])
    place, eta, phi = flavour_place(hadron_flavour), eta.astype(float), phi.astype(float)
    factor = np.ones(len(event))
    step = 1
    # jets that are `step` places apart: as many rounds as the largest event has jets
    while len(first := np.flatnonzero(event[step:] == event[:-step])):
        second = first + step
        delta_phi = np.remainder(phi[first] - phi[second] + np.pi, 2 * np.pi) - np.pi
        squared = (eta[first] - eta[second]) ** 2 + delta_phi**2
        for jet, other in ((first, second), (second, first)):
            size = amplitude[place[jet], place[other]] * np.exp(-squared / width[place[other]] ** 2)
            # a jet occurs once in each of both
            factor[jet] *= np.where(is_neighbour[other], 1.0 - size, 1.0)
        step += 1
    return factor


def pass_probability(
    tagger: Tagger, hadron_flavour: Ints, pt_gev: Reals, abseta: Reals, cut: float, factor: Reals
) -> Reals:
    """Return the true probability that the score of simulated jets exceeds a cut above 0, ``(n,)``.

    Parameters
    ----------
    factor
        Of `factor_of_neighbours`; 1 for jets alone.
    """
    alone = 1.0 - cumulative(tagger, hadron_flavour, pt_gev, abseta, np.full(len(pt_gev), cut))
    valid = 1.0 - invalid_probability(tagger, hadron_flavour, pt_gev) if tagger.has_invalid else 1.0
    return np.asarray(valid * factor * alone / (1.0 - alone + factor * alone))
