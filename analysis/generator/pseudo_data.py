"""Pseudo-data: discriminants that follow the injected scale factor, and rates that simulation does not describe."""

from __future__ import annotations

import numpy as np

from analysis.config.events import CHANNELS
from analysis.config.methods import Generator
from analysis.generator.arrays import Bools, Floats, Ints, flavour_index, order_by_event_and_pt
from analysis.generator.discriminant import TAGGER_ABSETA_MAX, Tagger, draw
from analysis.generator.kinematics import JET_ABSETA_MAX, JET_PT_MIN_GEV, Events
from analysis.generator.true_sf import InjectedScaleFactor

TILT_PT_RANGE_GEV = (20.0, 600.0)
MAX_ROUNDS = 1000


def discriminant_of_data(
    rng: np.random.Generator,
    tagger: Tagger,
    injected: InjectedScaleFactor,
    hadron_flavour: Ints,
    pt_gev: Floats,
    abseta: Floats,
) -> Floats:
    """Draw discriminants by accept-reject: their density is that of simulation times SF / <SF>.

    <SF> is the mean over the discriminant at the jet's flavour, pT and |eta|, so that no jet is lost and the rate stays
    exactly what it was. Jets from |eta| = 2.5 on are not tagged and follow simulation.

    Raises
    ------
    ValueError
        If the scale factor exceeds the ceiling found from its table, or is zero for all discriminants of a jet.
    """
    values = draw(rng, tagger, hadron_flavour, pt_gev, abseta)
    ceiling = injected.ceilings[flavour_index(hadron_flavour)]
    todo = np.flatnonzero(abseta < TAGGER_ABSETA_MAX)
    for _ in range(MAX_ROUNDS):
        sf = injected.evaluate(hadron_flavour[todo], abseta[todo], pt_gev[todo], values[todo])
        above = sf > ceiling[todo]
        if above.any():
            jet = todo[above][0]
            raise ValueError(
                f"{injected.label}: {sf[above][0]:g} for flavour {hadron_flavour[jet]} at |eta| = {abseta[jet]:.4g}, "
                f"pT = {pt_gev[jet]:.4g} GeV, discriminant = {values[jet]:.6g} exceeds the ceiling {ceiling[jet]:g} "
                "found by scanning the table; smooth the table"
            )
        todo = todo[rng.random(len(todo)) * ceiling[todo] >= sf]
        if not len(todo):
            return values
        values[todo] = draw(rng, tagger, hadron_flavour[todo], pt_gev[todo], abseta[todo])
    jet = todo[0]
    raise ValueError(
        f"{injected.label}: no discriminant was accepted in {MAX_ROUNDS} draws for flavour {hadron_flavour[jet]} at "
        f"|eta| = {abseta[jet]:.4g}, pT = {pt_gev[jet]:.4g} GeV; the scale factor must not vanish there"
    )


def rate(generator: Generator, events: Events) -> Floats:
    """Return the rate of pseudo-data over that of simulation, per event: (1 + offset) times the tilt of two jets.

    The tilt is the product of 1 + tilt ln(pT / 60 GeV) / ln 3 over the two leading jets in the generator filter's
    acceptance, with pT clipped to 20 and 600 GeV.
    """
    offsets = np.array([1.0 + generator.rate_offsets.get(channel, 0.0) for channel in CHANNELS])
    n_muons = (np.abs(events.lepton_pdg_id) == 13).sum(axis=1)
    return np.asarray(offsets[n_muons] * _tilt(generator.pt_tilt, events))


def max_rate(generator: Generator) -> float:
    """Return the largest value that `rate` can take."""
    tilts = [1.0 + generator.pt_tilt * np.log(pt / 60.0) / np.log(3.0) for pt in TILT_PT_RANGE_GEV]
    return float(max(1.0 + generator.rate_offsets.get(channel, 0.0) for channel in CHANNELS) * max(tilts) ** 2)


def thin(rng: np.random.Generator, generator: Generator, events: Events) -> Bools:
    """Return which of the proposed events happen: a fraction `rate` / `max_rate`."""
    return np.asarray(rng.random(len(events.weight)) * max_rate(generator) < rate(generator, events))


def _tilt(tilt: float, events: Events) -> Floats:
    jets = events.jets
    accepted = np.flatnonzero((jets.pt_gev > JET_PT_MIN_GEV) & (np.abs(jets.eta) < JET_ABSETA_MAX))
    order = accepted[order_by_event_and_pt(jets.event[accepted], jets.pt_gev[accepted])]
    count = np.bincount(jets.event[accepted], minlength=len(events.weight))
    first = np.cumsum(count) - count
    lead, sub_lead = (np.clip(jets.pt_gev[order[first + rank]], *TILT_PT_RANGE_GEV) for rank in (0, 1))
    return np.asarray(
        (1.0 + tilt * np.log(lead / 60.0) / np.log(3.0)) * (1.0 + tilt * np.log(sub_lead / 60.0) / np.log(3.0))
    )
