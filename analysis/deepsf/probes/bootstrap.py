"""Random parts of the entries by event: Poisson bootstraps, and what a training holds out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np

from deepsf.arrays import Bools, Floats, Ints
from deepsf.probes.entries import RegionEntries
from deepsf.seeds import part_of

Kind = Literal["data", "simulation"]
KINDS: tuple[Kind, ...] = ("data", "simulation")


class EventBootstrap:
    """Poisson bootstraps by event: all entries of an event, in whatever region, get the same factor."""

    def __init__(self, entries: Mapping[str, RegionEntries]) -> None:
        self._n_events: dict[Kind, int] = {}
        self._event: dict[Kind, dict[str, Ints]] = {}
        for kind in KINDS:
            by_region = _events(entries, kind)
            events = np.unique(np.concatenate(list(by_region.values())))
            self._n_events[kind] = len(events)
            self._event[kind] = {name: np.searchsorted(events, event) for name, event in by_region.items()}

    def draw(self, generator: np.random.Generator) -> dict[str, tuple[Floats, Floats]]:
        """Return by region a Poisson(1) factor for each data and each simulation entry."""
        drawn = {kind: generator.poisson(1.0, size).astype(np.float64) for kind, size in self._n_events.items()}
        data, simulation = ({name: drawn[kind][event] for name, event in self._event[kind].items()} for kind in KINDS)
        return {name: (data[name], simulation[name]) for name in data}


def split_by_event(
    entries: Mapping[str, RegionEntries], fraction: float, generator: np.random.Generator
) -> dict[str, tuple[Bools, Bools]]:
    """Return by region which data and simulation entries are held out; all entries of an event go together.

    An event that enters several regions is on the same side in all of them.
    """
    held_out: dict[Kind, dict[str, Bools]] = {}
    for kind in KINDS:
        by_region = _events(entries, kind)
        events = np.unique(np.concatenate(list(by_region.values())))
        chosen = generator.permutation(events)[: round(fraction * len(events))]
        held_out[kind] = {name: np.isin(event, chosen) for name, event in by_region.items()}
    return {name: (held_out["data"][name], held_out["simulation"][name]) for name in entries}


def held_out_of(
    entries: Mapping[str, RegionEntries], fraction: float, seed: np.random.SeedSequence
) -> dict[str, tuple[Bools, Bools]]:
    """Return what a training of a given seed holds out: `split_by_event` with a stream of its own."""
    return split_by_event(entries, fraction, np.random.default_rng(part_of(seed, "split")))


def _events(entries: Mapping[str, RegionEntries], kind: Kind) -> dict[str, Ints]:
    return {name: region.data.event if kind == "data" else region.simulation.event for name, region in entries.items()}
