"""Nominal binned scale factors and their event bootstraps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from deepsf.arrays import Floats
from deepsf.binned.tag_and_probe import TagAndProbe
from deepsf.config.binned import Binned
from deepsf.probes.bins import FlavourBins
from deepsf.probes.bootstrap import EventBootstrap
from deepsf.seeds import seed_sequence

REPLICAS_AT_ONCE = 10
"""Bootstraps that run side by side: as many as memory likes, 80 bytes an entry."""


@dataclass(frozen=True)
class BinnedMeasurement:
    """Nominal scale factors and bootstrap replicas, arrays of each flavour's shape (n_pt, n_abseta, n_disc).

    ``flat`` holds the nominal ones as `TagAndProbe.iterate` gives them.
    """

    bins: dict[str, FlavourBins]
    sf: dict[str, Floats]
    replicas: dict[str, Floats]
    changes: tuple[float, ...]
    flat: Floats

    def error(self, flavour: str) -> Floats:
        """Return the statistical error of each bin: standard deviation of the event bootstraps.

        Both entries of an event enter a replica together, so that their correlation is in the error.
        """
        return spread(self.replicas[flavour])


def measure(method: TagAndProbe, settings: Binned) -> BinnedMeasurement:
    """Measure the scale factors of all measured flavours and their statistical errors.

    Errors come from Poisson bootstraps by event, of data and of simulation, each with its own iteration.
    """
    nominal = method.iterate(max_change=settings.max_change, max_iterations=settings.max_iterations)
    flat = nominal.sf[0]
    replicas = np.empty((settings.n_bootstrap, len(flat)))
    seeds = [seed_sequence(settings.bootstrap_seed, "binned bootstrap", k) for k in range(settings.n_bootstrap)]
    bootstrap = EventBootstrap(method.entries)
    for first in range(0, settings.n_bootstrap, REPLICAS_AT_ONCE):
        batch = slice(first, first + REPLICAS_AT_ONCE)
        replicas[batch] = _replicas(method, bootstrap, seeds[batch], settings, flat, first)
    return BinnedMeasurement(method.bins, method.split(flat), method.split(replicas), nominal.changes[0], flat)


def _replicas(
    method: TagAndProbe,
    bootstrap: EventBootstrap,
    seeds: list[np.random.SeedSequence],
    settings: Binned,
    start: Floats,
    first: int,
) -> Floats:
    data, simulation = (
        {name: np.empty((len(entries), len(seeds))) for name, entries in of_kind.items()}
        for of_kind in (
            {name: region.data for name, region in method.entries.items()},
            {name: region.simulation for name, region in method.entries.items()},
        )
    )
    for column, seed in enumerate(seeds):
        for name, factors in bootstrap.draw(np.random.default_rng(seed)).items():
            region = method.entries[name]
            data[name][:, column] = region.data.weight * factors[0]
            simulation[name][:, column] = region.simulation.weight * factors[1]
    variations = method.variations(
        tuple(f"bootstrap {first + column}" for column in range(len(seeds))),
        data=data,
        simulation=simulation,
        column=np.arange(len(seeds), dtype=np.int32),
    )
    iterated = method.iterate(
        variations, max_change=max(settings.max_change, 1e-4), max_iterations=4 * settings.max_iterations, start=start
    )
    return iterated.sf


def spread(replicas: Floats) -> Floats:
    """Return the standard deviation over the first axis; NaN values are left out, NaN where fewer than two are left."""
    if len(replicas) < 2:
        return np.full(replicas.shape[1:], np.nan)
    finite = np.isfinite(replicas)
    count = finite.sum(axis=0)
    mean = np.where(finite, replicas, 0.0).sum(axis=0) / np.maximum(count, 1)
    square = np.where(finite, (replicas - mean) ** 2, 0.0).sum(axis=0) / np.maximum(count - 1, 1)
    return np.where(count > 1, np.sqrt(square), np.nan)
