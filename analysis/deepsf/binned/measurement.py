"""Nominal binned scale factors and their event bootstraps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from deepsf.arrays import Bools, Floats
from deepsf.binned.tag_and_probe import Iterated, TagAndProbe
from deepsf.config.binned import Binned
from deepsf.probes.bins import FlavourBins
from deepsf.probes.bootstrap import EventBootstrap
from deepsf.seeds import seed_sequence

REPLICAS_AT_ONCE = 10
"""Bootstraps that run side by side: as many as memory likes, 80 bytes an entry."""


@dataclass(frozen=True)
class BinnedMeasurement:
    """Nominal scale factors and bootstrap replicas, arrays of each flavour's shape (n_pt, n_abseta, n_disc).

    Bins that are not ``measured`` have 1, as in each of the replicas. ``iterated`` is what `TagAndProbe.iterate` gave.
    """

    bins: dict[str, FlavourBins]
    sf: dict[str, Floats]
    measured: dict[str, Bools]
    replicas: dict[str, Floats]
    replica_measured: dict[str, Bools]
    iterated: Iterated

    def error(self, flavour: str) -> Floats:
        """Return the statistical error of each bin: standard deviation of the event bootstraps, 0 if it is not known.

        Both entries of an event enter a replica together, so that their correlation is in the error.
        """
        return spread(self.replicas[flavour], self.replica_measured[flavour])


def measure(method: TagAndProbe, settings: Binned) -> BinnedMeasurement:
    """Measure the scale factors of all measured flavours and their statistical errors.

    Errors come from Poisson bootstraps by event, of data and of simulation, each with its own iteration.
    """
    nominal = method.iterate(max_change=settings.max_change, max_iterations=settings.max_iterations)
    flat = nominal.sf[0]
    replicas = np.ones((settings.n_bootstrap, len(flat)))
    measured = np.zeros(replicas.shape, np.bool_)
    seeds = [seed_sequence(settings.bootstrap_seed, "binned bootstrap", k) for k in range(settings.n_bootstrap)]
    bootstrap = EventBootstrap(method.entries)
    for first in range(0, settings.n_bootstrap, REPLICAS_AT_ONCE):
        batch = slice(first, first + REPLICAS_AT_ONCE)
        replicas[batch], measured[batch], _ = _replicas(method, bootstrap, seeds[batch], settings, flat, first)
    return BinnedMeasurement(
        bins=method.bins,
        sf=method.split(flat),
        measured=method.split(nominal.measured[0]),
        replicas=method.split(replicas),
        replica_measured=method.split(measured),
        iterated=nominal,
    )


def _replicas(
    method: TagAndProbe,
    bootstrap: EventBootstrap,
    seeds: list[np.random.SeedSequence],
    settings: Binned,
    start: Floats,
    first: int,
) -> Iterated:
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
    return method.iterate(
        variations, max_change=max(settings.max_change, 1e-4), max_iterations=4 * settings.max_iterations, start=start
    )


def spread(replicas: Floats, measured: Bools) -> Floats:
    """Return the standard deviation over the first axis of what is measured, 0 where it is not known from two."""
    count = measured.sum(axis=0)
    mean = np.where(measured, replicas, 0.0).sum(axis=0) / np.maximum(count, 1)
    square = np.where(measured, (replicas - mean) ** 2, 0.0).sum(axis=0) / np.maximum(count - 1, 1)
    return np.where(count > 1, np.sqrt(square), 0.0)
