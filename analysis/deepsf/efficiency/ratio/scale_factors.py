"""Scale factors of tag bins: the ratio of data to simulation in regions of mixed flavours.

theta = (pT, |eta|) of a jet, k the tag bin that it is in (0: untagged). The density ratio of data to
simulation in region R is r_R(k, theta). The tagger's contribution is

    r_R(k, theta) / r_R(theta) = P_R(k | theta; data) / P_R(k | theta; simulation):

a ratio of conditional probabilities, from which spectra and rates of the region have dropped out. They are mixtures,

    P_R(k | theta; data) = sum_f q_R(f | theta) e_fk(theta),    e_f = softmax(log e^MC_f + s_f(theta)),  s_f0 = 0,

with the composition q_R of the simulation. The scale factors SF_fk = e_fk / e^MC_fk have the mean 1 over the bins,
sum_k e^MC_fk SF_fk = 1, whatever the networks s_f give. Three classifiers (`deepsf.training.classifier`) are trained:
of bins in the simulation of each flavour, e^MC_f; of flavours in that of each region, q_R; of bins in the data of all
regions together, with P_R in the place of the probabilities of its classes, which gives s_f. That is done in
`deepsf.efficiency.ratio.fit`; here is what comes of it.

theta is what data can be conditioned on. Efficiencies that know the whole event enter as their mean at theta; at a jet,
tagged bins weigh SF(theta), and the untagged one the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from deepsf.arrays import Floats, Reals
from deepsf.efficiency.ratio.mixture import shifted
from deepsf.efficiency.truth_tagging.scale_factors import TaggedJets, bin_probabilities
from deepsf.guards import is_positive
from deepsf.networks.class_probabilities import ClassProbabilities


class BinProbabilities(NamedTuple):
    """Probabilities of bins in simulation and data, each ``(n, K + 1)``."""

    simulation: Floats
    data: Floats


@dataclass(frozen=True)
class Theta:
    """Network inputs log pT and |eta|, with zero mean and unit width; clipped to the range of the simulation."""

    low: Floats
    high: Floats
    mean: Floats
    width: Floats

    @classmethod
    def fit(cls, pt_gev: Reals, abseta: Reals) -> Theta:
        """Return the scaling to these jets."""
        values = _theta(pt_gev, abseta)
        return cls(values.min(axis=0), values.max(axis=0), values.mean(axis=0), values.std(axis=0))

    def features(self, pt_gev: Reals, abseta: Reals) -> Tensor:
        """Return the inputs, float32 of shape ``(n, 2)``."""
        values = np.clip(_theta(pt_gev, abseta), self.low, self.high)
        return torch.from_numpy(((values - self.mean) / self.width).astype(np.float32))


def _theta(pt_gev: Reals, abseta: Reals) -> Floats:
    return np.stack([np.log(pt_gev.astype(np.float64)), abseta.astype(np.float64)], axis=1)


@dataclass(frozen=True)
class RatioScaleFactors:
    """Efficiencies of simulation by flavour, and what shifts them to those of data.

    Flavours without a shift have the scale factor of ``fixed`` in all tagged bins. ``hadron_flavours`` holds the codes
    of each flavour, in their order.
    """

    hadron_flavours: Mapping[str, tuple[int, ...]]
    theta: Theta
    simulation: Mapping[str, ClassProbabilities]
    shifts: Mapping[str, ClassProbabilities]
    fixed: Mapping[str, float]

    def bins(self, flavour: str, pt_gev: Reals, abseta: Reals) -> BinProbabilities:
        """Return the probabilities of all bins for jets of a flavour."""
        features = self.theta.features(pt_gev, abseta)
        log_e = self.simulation[flavour].log_probability(features)
        with torch.no_grad():
            in_data = shifted(log_e, self.shifts[flavour](features)) if flavour in self.shifts else None
        of_simulation = normalised(log_e)
        if in_data is None:
            return BinProbabilities(of_simulation, weighted(of_simulation, self.fixed[flavour], flavour))
        return BinProbabilities(of_simulation, normalised(in_data))

    def evaluate(self, flavour: str, pt_gev: Reals, abseta: Reals) -> Floats:
        """Return the scale factors of all bins for jets of a flavour, shape ``(n, K + 1)``."""
        bins = self.bins(flavour, pt_gev, abseta)
        return bins.data / bins.simulation

    def in_bins(self, jets: TaggedJets, efficiency: Floats) -> Floats:
        """Return the scale factor of each jet in each tag bin, ``(n, K + 1)``, given its own efficiencies ``(n, K)``.

        Tagged bins have the scale factor at theta, the untagged one what makes the mean over bins 1: that is negative
        where efficiencies times scale factors exceed 1, as in `tagged_scale_factors.of_working_points`.

        Raises
        ------
        ValueError
            If a jet's hadron flavour belongs to none of the flavours.
        """
        inside = bin_probabilities(efficiency)
        result = np.ones(inside.shape)
        unknown = np.ones(len(inside), bool)
        for flavour, codes in self.hadron_flavours.items():
            chosen = np.flatnonzero(np.isin(jets.hadron_flavour, codes))
            result[chosen] = self.evaluate(flavour, jets.pt_gev[chosen], jets.abseta[chosen])
            unknown[chosen] = False
        if unknown.any():
            codes_there = np.unique(jets.hadron_flavour[unknown]).tolist()
            raise ValueError(f"hadron flavours {codes_there} are not among those known: {dict(self.hadron_flavours)}")
        tagged = (inside[:, 1:] * result[:, 1:]).sum(axis=1)
        result[:, 0] = np.divide(1.0 - tagged, inside[:, 0], out=np.ones(len(inside)), where=inside[:, 0] > 0)
        return result


def normalised(log_probability: Tensor) -> Floats:
    """Return probabilities in double precision that add up to 1 in it."""
    p = np.exp(log_probability.double().numpy())
    return np.asarray(p / p.sum(axis=1, keepdims=True))


def weighted(bins: Floats, factor: float, flavour: str) -> Floats:
    """Return probabilities with all tagged bins times a factor; the untagged one is the rest.

    Raises
    ------
    ValueError
        If tagged bins add up to 1 or more.
    """
    tagged = factor * bins[:, 1:]
    rest = 1.0 - tagged.sum(axis=1, keepdims=True)
    if not is_positive(rest).all():
        raise ValueError(
            f"a scale factor of {factor:g} makes the efficiency of {flavour} jets {1 - rest.min():.3g}, above 1, where "
            f"that of simulation is {1 - bins[:, 0].min():.3g}; fix a smaller one"
        )
    return np.concatenate([rest, tagged], axis=1)
