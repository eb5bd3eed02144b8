"""Poisson bootstraps by event, the statistical fluctuations of every method."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from deepsf.probes.entries import Floats, Mask, ProbeEntries, RegionEntries

Slots = npt.NDArray[np.int64]


class EventBootstrap:
    """Poisson bootstraps by event: all entries of an event, in whatever region, get the same factor."""

    def __init__(self, regions: Mapping[str, RegionEntries]) -> None:
        self._place: dict[str, dict[str, Slots]] = {}
        self._size: dict[str, int] = {}
        for kind in ("data", "simulation"):
            events = np.unique(np.concatenate([_of_kind(r, kind).event for r in regions.values()]))
            self._size[kind] = len(events)
            self._place[kind] = {name: np.searchsorted(events, _of_kind(r, kind).event) for name, r in regions.items()}

    def draw(self, generator: np.random.Generator) -> dict[str, tuple[Floats, Floats]]:
        """Return by region a Poisson(1) factor for each data and each simulation entry."""
        drawn = {kind: generator.poisson(1.0, size).astype(np.float64) for kind, size in self._size.items()}
        data, simulation = self._place["data"], self._place["simulation"]
        return {name: (drawn["data"][data[name]], drawn["simulation"][simulation[name]]) for name in data}


def _of_kind(entries: RegionEntries, kind: str) -> ProbeEntries:
    return entries.data if kind == "data" else entries.simulation


def split_by_event(
    regions: dict[str, RegionEntries], fraction: float, generator: np.random.Generator
) -> dict[str, tuple[Mask, Mask]]:
    """Return by region which data and simulation entries are held out; all entries of an event go together.

    An event that enters several regions is on the same side in all of them.
    """
    held: dict[str, npt.NDArray[np.int64]] = {}
    for kind in ("data", "simulation"):
        events = np.unique(np.concatenate([getattr(entries, kind).event for entries in regions.values()]))
        n_held = round(fraction * len(events))
        held[kind] = np.sort(generator.permutation(events)[:n_held])
    return {
        name: (_among(entries.data.event, held["data"]), _among(entries.simulation.event, held["simulation"]))
        for name, entries in regions.items()
    }


def _among(event: npt.NDArray[np.int64], held: npt.NDArray[np.int64]) -> Mask:
    if not len(held):
        return np.zeros(len(event), bool)
    position = np.minimum(np.searchsorted(held, event), len(held) - 1)
    is_held: Mask = held[position] == event
    return is_held
