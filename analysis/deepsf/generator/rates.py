"""Rates of pseudo-data that simulation lacks: offsets by channel, a tilt in the jets' pT, a wrong composition."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from deepsf.arrays import Bools, Ints, Reals
from deepsf.config.generator import Generator
from deepsf.config.mismodelling import PT_RANGE_GEV, Departure, JetFlavour, Process
from deepsf.config.selection import CHANNELS
from deepsf.generator.jagged import FLAVOUR_CODES
from deepsf.generator.kinematics import ParticleEvents, accepted_jets


def rate(generator: Generator, events: ParticleEvents, process: Process | None = None) -> Reals:
    """Return the rate of pseudo-data over that of simulation, per event.

    It is 1 + offset of the channel times, for each of the two leading jets in the generator filter's acceptance, the
    tilt 1 + tilt ln(pT / 60 GeV) / ln 3 and the frequency of jets of its flavour in the process
    (`deepsf.config.mismodelling.Departure`); pT is clipped to 20 and 600 GeV. Without a process there is no other
    frequency.
    """
    offsets = np.array([1.0 + generator.rate_offsets.get(channel, 0.0) for channel in CHANNELS])
    n_muons = (np.abs(events.lepton_pdg_id) == 13).sum(axis=1)
    leading = _leading_jets(events)
    pt = [np.clip(events.jets.pt_gev[jets], *PT_RANGE_GEV) for jets in leading]
    tilts = [1.0 + generator.pt_tilt * np.log(of_jets / 60.0) / np.log(3.0) for of_jets in pt]
    tilted = offsets[n_muons] * (tilts[0] * tilts[1])
    departures = generator.mismodelling.of(process)
    for jets, of_jets in zip(leading, pt, strict=True):
        tilted = tilted * frequency(departures, events.jets.hadron_flavour[jets], of_jets)
    return np.asarray(tilted)


def max_rate(generator: Generator, process: Process | None = None) -> float:
    """Return an upper bound of what `rate` can be; without departures its largest value."""
    tilts = [1.0 + generator.pt_tilt * np.log(pt / 60.0) / np.log(3.0) for pt in PT_RANGE_GEV]
    largest = max(1.0 + generator.rate_offsets.get(channel, 0.0) for channel in CHANNELS) * max(tilts) ** 2
    departures = generator.mismodelling.of(process).values()
    frequencies = [departure.frequency(np.log(pt / 60.0)) for departure in departures for pt in PT_RANGE_GEV]
    return float(largest * max([1.0, *frequencies]) ** 2)


def thin(
    rng: np.random.Generator, generator: Generator, events: ParticleEvents, process: Process | None = None
) -> Bools:
    """Return which of the proposed events happen: a fraction `rate` / `max_rate`."""
    return np.asarray(rng.random(len(events.weight)) * max_rate(generator, process) < rate(generator, events, process))


def frequency(departures: Mapping[JetFlavour, Departure], hadron_flavour: Ints, pt_gev: Reals) -> Reals:
    """Return how often there are such jets, over simulation, per jet."""
    frequencies = np.ones(len(pt_gev))
    for flavour, departure in departures.items():
        chosen = hadron_flavour == FLAVOUR_CODES[flavour]
        frequencies[chosen] = departure.frequency(np.log(pt_gev[chosen] / 60.0))
    return frequencies


def _leading_jets(events: ParticleEvents) -> tuple[Ints, Ints]:
    order, first = accepted_jets(events)
    return order[first], order[first + 1]
