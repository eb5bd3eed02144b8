"""Particle-level events: dileptonic ttbar and Z(ll) with radiated jets, after the generator filter.

On-shell decays with the W helicity of the standard model, a Breit-Wigner Z, radiation with a power law in pT that
recoils against the hard system. Radiation, pT spectra and jet counts were set by comparison with Pythia 8.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from deepsf.arrays import Bools, Ints, Reals
from deepsf.generator.composition import Composition
from deepsf.generator.decays import M_TOP, at_rapidity, boosted, decay_top, pt_eta_phi, two_body
from deepsf.generator.jagged import event_sums, order_by_event_and_pt, renumbered, rows

M_Z, WIDTH_Z = 91.1876, 2.4952
LEPTON_PT_MIN_GEV, LEPTON_ABSETA_MAX = 15.0, 2.5
JET_PT_MIN_GEV, JET_ABSETA_MAX = 14.0, 2.7
TTBAR_HEAVY_FRACTIONS = (0.012, 0.050)
# Leading-jet pT at which the probability of a negative weight is the asked one, and the width of the rise in ln(pT).
NEGATIVE_PT_GEV, NEGATIVE_WIDTH = 55.0, 0.4
_NEGATIVE_MAX = 0.45


class ParticleJets(NamedTuple):
    """Particle-level jets, flat: entry k belongs to event ``event[k]``. ``survival`` is uniform in [0, 1)."""

    event: Ints
    pt_gev: Reals
    eta: Reals
    phi: Reals
    hadron_flavour: Ints
    is_radiated: Bools
    survival: Reals


class ParticleEvents(NamedTuple):
    """Particle-level events: arrays of shape ``(n,)`` or, for the two leptons, ``(n, 2)``."""

    lepton_pdg_id: Ints
    lepton_pt_gev: Reals
    lepton_eta: Reals
    lepton_phi: Reals
    lepton_is_isolated: Bools
    met_x_gev: Reals
    met_y_gev: Reals
    weight: Reals
    jets: ParticleJets


class Generation(NamedTuple):
    """Filtered events of one batch, with the sums before any filter."""

    events: ParticleEvents
    n_generated: int
    sum_weights: float


class Radiation(NamedTuple):
    """Radiated jets: Poisson count, Pareto pT, normal eta."""

    mean: float
    pareto: float
    pt_min_gev: float
    n_min: int


TTBAR_RADIATION = Radiation(mean=1.75, pareto=1.15, pt_min_gev=14.0, n_min=0)
ZJETS_RADIATION = Radiation(mean=1.45, pareto=1.35, pt_min_gev=15.0, n_min=1)


def generate(
    rng: np.random.Generator, process: str, n: int, composition: Composition, negative_weight_fraction: float = 0.0
) -> Generation:
    """Generate a batch of filtered events.

    Parameters
    ----------
    process
        ``ttbar``, ``zjets``, or ``zcc``: Z+jets whose two hardest jets are c jets, from a gluon that split.
    n
        Luminosity times cross section: the expected sum of weights before the filter.
    composition
        Jet losses and flavour fractions, see `deepsf.generator.tuning.tune`.
    negative_weight_fraction
        Of ``zjets``: the density of signed events is that of the unsigned ones (see `signed`).

    Returns
    -------
    Generation
        Events that pass the filter, number and sum of weights of the events before it.
    """
    if process == "ttbar":
        generation = ttbar(rng, n)
        jets = lose_jets(generation.events.jets, composition)
        generation = generation._replace(events=generation.events._replace(jets=jets))
    elif process == "zcc":
        generation = zjets(rng, n, composition.zjets_b_fraction, composition.zjets_c_fraction)
        generation = generation._replace(events=with_charm_pair(generation.events))
    else:
        generation = zjets(rng, n, composition.zjets_b_fraction, composition.zjets_c_fraction, negative_weight_fraction)
    return generation._replace(events=select(generation.events, has_two_jets(generation.events)))


def ttbar(rng: np.random.Generator, n: int) -> Generation:
    """Return dileptonic ttbar events with all their jets, after the filter on leptons only."""
    count, pt, eta, phi = _radiate(rng, n, TTBAR_RADIATION)
    event = np.repeat(np.arange(n), count)
    recoil_x, recoil_y = (-event_sums(event, pt * f(phi), n) for f in (np.cos, np.sin))
    mass = 2 * M_TOP + rng.gamma(1.9, 75.0, n)
    system = at_rapidity(mass, recoil_x, recoil_y, rng.normal(0.0, 1.15, n))
    top = two_body(rng, mass, M_TOP)
    decays = [decay_top(rng, boosted(t, system)) for t in (top, np.concatenate([top[:1], -top[1:]]))]
    leptons = [pt_eta_phi(lepton) for lepton, _, _ in decays]
    b_jets = [pt_eta_phi(b) for _, b, _ in decays]
    met = decays[0][2] + decays[1][2]
    flavour = _flavours(rng, len(pt), *TTBAR_HEAVY_FRACTIONS)
    jets = ParticleJets(
        event=np.concatenate([np.arange(n), np.arange(n), event]),
        pt_gev=np.concatenate([b_jets[0][0], b_jets[1][0], pt]),
        eta=np.concatenate([b_jets[0][1], b_jets[1][1], eta]),
        phi=np.concatenate([b_jets[0][2], b_jets[1][2], phi]),
        hadron_flavour=np.concatenate([np.full(2 * n, 5), flavour]),
        is_radiated=np.arange(2 * n + len(pt)) >= 2 * n,
        survival=rng.random(2 * n + len(pt)),
    )
    pdg_id = np.where(rng.random((n, 2)) < 0.5, 11, 13) * np.array([-1, 1])
    is_isolated = rng.random((n, 2)) >= 0.10
    events = ParticleEvents(pdg_id, *_pairs(leptons), is_isolated, met[0], met[1], np.ones(n), jets)
    return Generation(select(events, has_two_leptons(events)), n, float(n))


def zjets(
    rng: np.random.Generator, n: int, b_fraction: float, c_fraction: float, negative_weight_fraction: float = 0.0
) -> Generation:
    """Return Z(ll) events with radiated jets, signed if asked, after the filter on jets and leptons."""
    n_proposed = round(n / (1.0 - 2.0 * max_negative_probability(negative_weight_fraction)))
    count, pt, eta, phi = _radiate(rng, n_proposed, ZJETS_RADIATION)
    event: Ints = np.repeat(np.arange(n_proposed), count)
    lead_pt = np.maximum.reduceat(pt, np.cumsum(count) - count) if n_proposed else pt
    keep, weight = signed(rng, lead_pt, negative_weight_fraction)
    n_generated, sum_weights = int(keep.sum()), float(weight[keep].sum())
    recoil = [-event_sums(event, pt * f(phi), n_proposed) for f in (np.cos, np.sin)]
    keep &= np.bincount(event[_is_in_filter(pt, eta)], minlength=n_proposed) >= 2
    of_kept, event = renumbered(event, keep)
    n_kept, n_jets = int(keep.sum()), len(event)
    jets = ParticleJets(
        event, pt[of_kept], eta[of_kept], phi[of_kept], _flavours(rng, n_jets, b_fraction, c_fraction),
        np.ones(n_jets, bool), np.zeros(n_jets),  # nothing is lost
    )  # fmt: skip
    x, y = (r[keep] + rng.normal(0.0, 6.0, n_kept) for r in recoil)
    mass = np.clip(M_Z + 0.5 * WIDTH_Z * np.tan(np.pi * (rng.random(n_kept) - 0.5)), 60.0, 150.0)
    z_boson = at_rapidity(mass, x, y, rng.normal(0.0, 2.05, n_kept))
    lepton = boosted(two_body(rng, mass, 0.0), z_boson)
    leptons = [pt_eta_phi(lepton), pt_eta_phi(z_boson - lepton)]
    pdg_id = np.where(rng.random((n_kept, 1)) < 0.5, 11, 13) * np.array([-1, 1])
    zeros = np.zeros(n_kept)
    is_isolated = rng.random((n_kept, 2)) >= 0.04
    events = ParticleEvents(pdg_id, *_pairs(leptons), is_isolated, zeros, zeros, weight[keep], jets)
    return Generation(select(events, has_two_leptons(events)), n_generated, sum_weights)


def with_charm_pair(events: ParticleEvents) -> ParticleEvents:
    """Return the events with the two hardest jets of each in acceptance as c jets."""
    jets = events.jets
    order, first = accepted_jets(events)
    rank = np.arange(len(order)) - first[jets.event[order]]
    flavour = jets.hadron_flavour.copy()
    flavour[order[rank < 2]] = 4
    return events._replace(jets=jets._replace(hadron_flavour=flavour))


def accepted_jets(events: ParticleEvents) -> tuple[Ints, Ints]:
    """Return the jets in the filter's acceptance by event and falling pT, and where those of each event begin."""
    jets = events.jets
    accepted = np.flatnonzero(_is_in_filter(jets.pt_gev, jets.eta))
    order = accepted[order_by_event_and_pt(jets.event[accepted], jets.pt_gev[accepted])]
    count = np.bincount(jets.event[accepted], minlength=len(events.weight))
    return order, np.cumsum(count) - count


def max_negative_probability(fraction: float) -> float:
    """Return the largest probability of a negative weight: 1.5 times the fraction, at most 0.45."""
    return max(fraction, min(1.5 * fraction, _NEGATIVE_MAX))


def negative_probability(lead_pt_gev: Reals, fraction: float) -> Reals:
    """Return the probability of a negative weight, rising with the leading jet's pT around the asked fraction."""
    amplitude = max_negative_probability(fraction) - fraction
    return np.asarray(fraction + amplitude * np.tanh(np.log(lead_pt_gev / NEGATIVE_PT_GEV) / (2 * NEGATIVE_WIDTH)))


def signed(rng: np.random.Generator, lead_pt_gev: Reals, fraction: float) -> tuple[Bools, Reals]:
    """Thin proposed events and give them signs so that the signed density is the proposed one times a constant.

    An event with the probability f of a negative weight counts 1 - 2f on average; it is kept with a probability
    proportional to 1 / (1 - 2f), 1 at the largest f.

    Returns
    -------
    keep, weight
        Mask, and weights +1 or -1, both of the proposed events' shape.
    """
    if fraction == 0.0:
        return np.ones(len(lead_pt_gev), bool), np.ones(len(lead_pt_gev))
    probability = negative_probability(lead_pt_gev, fraction)
    accept = (1.0 - 2.0 * max_negative_probability(fraction)) / (1.0 - 2.0 * probability)
    keep = rng.random(len(lead_pt_gev)) < accept
    return keep, np.where(rng.random(len(lead_pt_gev)) < probability, -1.0, 1.0)


def lose_jets(jets: ParticleJets, composition: Composition) -> ParticleJets:
    """Return the jets that a ttbar event keeps: part of the radiation, and of the b jets those in acceptance."""
    keep = kept_jets(jets.is_radiated, jets.survival, composition.ttbar_radiation_kept, composition.ttbar_b_jets_lost)
    return rows(jets, keep)


def kept_jets(is_radiated: Bools, survival: Reals, radiation_kept: float, b_jets_lost: float) -> Bools:
    """Return the mask of kept jets; the masks are nested as the parameters change."""
    return np.asarray(np.where(is_radiated, survival < radiation_kept, survival >= b_jets_lost))


def has_two_leptons(events: ParticleEvents) -> Bools:
    """Return the events whose two leptons have pT > 15 GeV and |eta| < 2.5."""
    good = (events.lepton_pt_gev > LEPTON_PT_MIN_GEV) & (np.abs(events.lepton_eta) < LEPTON_ABSETA_MAX)
    return np.asarray(good.all(axis=1))


def has_two_jets(events: ParticleEvents) -> Bools:
    """Return the events with at least two jets of pT > 14 GeV and |eta| < 2.7."""
    jets = events.jets
    good = jets.event[_is_in_filter(jets.pt_gev, jets.eta)]
    return np.asarray(np.bincount(good, minlength=len(events.weight)) >= 2)


def select(events: ParticleEvents, keep: Bools) -> ParticleEvents:
    """Return the kept events with their jets renumbered."""
    of_kept, event = renumbered(events.jets.event, keep)
    jets = rows(events.jets, of_kept)._replace(event=event)
    columns = {name: column[keep] for name, column in events._asdict().items() if name != "jets"}
    return ParticleEvents(**columns, jets=jets)


def _is_in_filter(pt_gev: Reals, eta: Reals) -> Bools:
    return (pt_gev > JET_PT_MIN_GEV) & (np.abs(eta) < JET_ABSETA_MAX)


def _radiate(rng: np.random.Generator, n: int, radiation: Radiation) -> tuple[Ints, Reals, Reals, Reals]:
    count = rng.poisson(radiation.mean, n)
    while (few := np.flatnonzero(count < radiation.n_min)).size:
        count[few] = rng.poisson(radiation.mean, few.size)
    total = int(count.sum())
    pt = np.minimum(radiation.pt_min_gev * (1.0 + rng.pareto(radiation.pareto, total)), 800.0)
    eta = np.clip(rng.normal(0.0, 1.9, total), -4.6, 4.6)
    return count, pt, eta, rng.uniform(-np.pi, np.pi, total)


def _flavours(rng: np.random.Generator, n: int, b_fraction: float, c_fraction: float) -> Ints:
    uniform = rng.random(n)
    return np.where(uniform < b_fraction, 5, np.where(uniform < b_fraction + c_fraction, 4, 0))


def _pairs(leptons: list[tuple[Reals, Reals, Reals]]) -> tuple[Reals, Reals, Reals]:
    """Return pT, eta and phi of both leptons, each of shape ``(n, 2)``."""
    pt, eta, phi = (np.stack(pair, axis=1) for pair in zip(*leptons, strict=True))
    return pt, eta, phi
