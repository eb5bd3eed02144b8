"""Poisson bootstraps by event of efficiency maps, the statistical error of what the maps predict."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from deepsf.arrays import Floats
from deepsf.efficiency.events.events import JetEvents
from deepsf.efficiency.events.random import event_poisson, stream
from deepsf.efficiency.maps.estimates import efficiencies, fill, inclusive
from deepsf.efficiency.maps.maps import EfficiencyMap


@dataclass(frozen=True)
class MapReplicas:
    """Maps of bootstrapped samples: `efficiency` is (n_replicas, n_bins, K), in the flat bins of ``nominal``."""

    nominal: EfficiencyMap
    efficiency: Floats

    @property
    def n_replicas(self) -> int:
        """Number of bootstraps."""
        return len(self.efficiency)

    def members(self, events: JetEvents) -> Iterator[Floats]:
        """Yield what each replica says of each jet, float64, ``(n_jets, K)``."""
        self.nominal.check_flavours(events)
        bins = self.nominal.bins(events)
        for values in self.efficiency:
            yield values[bins]


def bootstrap(fitted: EfficiencyMap, events: JetEvents, n_replicas: int, *, seed: int) -> MapReplicas:
    """Return maps of Poisson bootstraps by event.

    Parameters
    ----------
    events
        Those that the map was made of, with their own weights.
    seed
        With the number of an event it decides how often that is drawn, in whatever order events are.
    """
    key, bins = stream(seed, "efficiency maps"), fitted.bins(events)
    weight = events.weight.astype(np.float64)
    fallback = inclusive(fitted.sums)
    usual = np.where(fallback.n_effective[:, None] > 0, fallback.value, np.nan)
    replicas = np.empty((n_replicas, *fitted.flat.shape))
    for number in range(n_replicas):
        # an event drawn n times is n events: sums of n w and of n w^2
        drawn = weight * event_poisson(key, events.event, number)
        of_jets, squared = (np.repeat(values, events.n_jets) for values in (drawn, drawn * weight))
        sums = fill(bins, events.tag_bin, of_jets, squared, fitted.counts.shape)
        replicas[number] = efficiencies(sums, fitted.prior_jets, usual).reshape(fitted.flat.shape)
    return MapReplicas(fitted, replicas)
