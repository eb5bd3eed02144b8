"""Rates of pseudo-data that simulation lacks: offsets by channel, and a tilt in the jets' pT."""

from __future__ import annotations

import numpy as np

from deepsf.arrays import Bools, Reals
from deepsf.config.generator import Generator
from deepsf.config.selection import CHANNELS
from deepsf.generator.kinematics import ParticleEvents, accepted_jets

TILT_PT_RANGE_GEV = (20.0, 600.0)


def rate(generator: Generator, events: ParticleEvents) -> Reals:
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


def thin(rng: np.random.Generator, generator: Generator, events: ParticleEvents) -> Bools:
    """Return which of the proposed events happen: a fraction `rate` / `max_rate`."""
    return np.asarray(rng.random(len(events.weight)) * max_rate(generator) < rate(generator, events))


def _tilt(tilt: float, events: ParticleEvents) -> Reals:
    order, first = accepted_jets(events)
    lead, sub_lead = (np.clip(events.jets.pt_gev[order[first + rank]], *TILT_PT_RANGE_GEV) for rank in (0, 1))
    return np.asarray(
        (1.0 + tilt * np.log(lead / 60.0) / np.log(3.0)) * (1.0 + tilt * np.log(sub_lead / 60.0) / np.log(3.0))
    )
