"""Iterative tag and probe: scale factors in bins of (pT, |eta|, discriminant), arXiv:1712.07158.

In the region that enriches flavour f, with simulation normalised to data per kinematic bin (`analysis.weights`),

    S_f <- (data - sum_{g != f} m_g S_g) / m_f        in every bin of f,

for all measured flavours in turn until no bin moves any more. Flavours of unit scale factor stay at 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.config.events import EventWeight, Region
from analysis.config.methods import Binned, Bins
from analysis.tables import Entries, Floats, Jets, RegionEntries
from analysis.weights import RegionWeights

Slots = npt.NDArray[np.int64]


@dataclass(frozen=True)
class FlavourBins:
    """Edges of one flavour's bins; the last pT bin is open upwards, the first discriminant bin holds invalid scores."""

    pt_gev: Floats
    abseta: Floats
    discriminant: Floats

    def __iter__(self) -> Iterator[Floats]:
        """Yield the edges in pT, |eta| and discriminant."""
        return iter((self.pt_gev, self.abseta, self.discriminant))

    @classmethod
    def of(cls, bins: Bins) -> FlavourBins:
        """Return the edges of a configuration's binning as arrays."""
        return cls(np.array(bins.pt_gev), np.array(bins.abseta), np.array(bins.discriminant))

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of bins in pT, |eta| and discriminant."""
        return len(self.pt_gev) - 1, len(self.abseta) - 1, len(self.discriminant) - 1

    def index(self, pt_gev: npt.ArrayLike, abseta: npt.ArrayLike, discriminant: npt.ArrayLike) -> Slots:
        """Return the flat bin of each jet; jets beyond an outer edge belong to the outer bin."""
        axes = (
            np.searchsorted(edges[1:-1], np.asarray(values, np.float64), side="right")
            for edges, values in zip(self, (pt_gev, abseta, discriminant), strict=True)
        )
        return np.ravel_multi_index(tuple(axes), self.shape).astype(np.int64)


@dataclass(frozen=True)
class BinnedMeasurement:
    """Nominal scale factors and bootstrap replicas, arrays of each flavour's shape (n_pt, n_abseta, n_disc)."""

    bins: dict[str, FlavourBins]
    sf: dict[str, Floats]
    replicas: dict[str, Floats]
    changes: tuple[float, ...]

    def error(self, flavour: str) -> Floats:
        """Return the statistical error of each bin: standard deviation of the event bootstraps.

        Both entries of an event enter a replica together, so that their correlation is in the error.
        """
        return _nan_std(self.replicas[flavour])


class NotConvergedError(RuntimeError):
    """The iteration still moved at its last step."""


class TagAndProbe:
    """The entries of all regions, sorted into bins once; `iterate` then runs on sums alone.

    All scale factors lie in one flat vector: the bins of each measured flavour, then one slot of value 1 that all jets
    of other flavours share.
    """

    def __init__(
        self,
        regions: Mapping[str, RegionEntries],
        definitions: Mapping[str, Region],
        flavours: tuple[str, ...],
        measured: tuple[str, ...],
        bins: Mapping[str, FlavourBins],
        event_weight: EventWeight,
    ) -> None:
        self.measured, self.bins = measured, {name: bins[name] for name in measured}
        self._offset: dict[str, int] = {}
        self._size = 0
        for name in measured:
            self._offset[name] = self._size
            self._size += int(np.prod(bins[name].shape))
        self._flavours = flavours
        self._parts = {
            name: self._part(regions[name], definition.enriched_flavour, event_weight)
            for name, definition in definitions.items()
            if definition.enriched_flavour in measured
        }

    def slots(self, jets: Jets) -> Slots:
        """Return where in the flat vector the scale factor of each simulated jet lies."""
        slot = np.full(len(jets), self._size, np.int64)
        for name in self.measured:
            mine = np.flatnonzero(jets.flavour == self._flavours.index(name))
            chosen = jets[mine]
            slot[mine] = self._offset[name] + self.bins[name].index(chosen.pt_gev, chosen.abseta, chosen.discriminant)
        return slot

    def _part(self, entries: RegionEntries, enriched: str, event_weight: EventWeight) -> _RegionPart:
        bins, number = self.bins[enriched], self._flavours.index(enriched)
        data, simulation = entries.data.probe, entries.simulation.probe
        weights = RegionWeights(entries, number, event_weight)
        is_other = simulation.flavour != number
        size = int(np.prod(bins.shape))
        return _RegionPart(
            enriched=enriched,
            size=size,
            data_bin=bins.index(data.pt_gev, data.abseta, data.discriminant),
            # contamination is counted in a second copy of the bins: one sum for both
            bin_by_kind=bins.index(simulation.pt_gev, simulation.abseta, simulation.discriminant) + size * is_other,
            data_kappa_index=weights.bins.index(data.pt_gev, data.abseta),
            other_slot=np.where(is_other, self.slots(simulation), self._size),
            tag_slot=self.slots(entries.simulation.tag),
            weights=weights,
        )

    def iterate(
        self,
        *,
        max_change: float,
        max_iterations: int,
        start: Floats | None = None,
        event_factors: Mapping[str, tuple[Floats, Floats]] | None = None,
    ) -> tuple[Floats, tuple[float, ...]]:
        """Return the flat scale factors (NaN: no simulation in the bin) and the largest change of each iteration.

        Parameters
        ----------
        start
            Flat scale factors to start from; 1 everywhere by default.
        event_factors
            By region, factors on the weights of data and simulation entries: a bootstrap replica.

        Raises
        ------
        NotConvergedError
            If the last iteration still moved a bin by more than ``max_change``.
        """
        weights = {name: self._replica(name, (event_factors or {}).get(name)) for name in self._parts}
        flat = np.ones(self._size + 1) if start is None else np.nan_to_num(np.append(start, 1.0), nan=1.0)
        data = {
            name: np.bincount(part.data_bin, weights[name].data, part.size).astype(np.float64)
            for name, part in self._parts.items()
        }
        changes: list[float] = []
        while len(changes) < max_iterations:
            updated = flat.copy()
            for name, part in self._parts.items():
                first = self._offset[part.enriched]
                updated[first : first + len(data[name])] = self._update(part, weights[name], data[name], flat)
            applied = np.nan_to_num(updated, nan=1.0)
            changes.append(float(np.abs(applied - flat).max()))
            flat, result = applied, updated
            if changes[-1] <= max_change:
                return result[:-1], tuple(changes)
        raise NotConvergedError(
            f"binned scale factors still move by {changes[-1]:.2e} > {max_change:.0e} after "
            f"{max_iterations} iterations "
            f"(last changes {', '.join(f'{c:.1e}' for c in changes[-4:])}); regions too impure, or bins too empty"
        )

    def _update(self, part: _RegionPart, weights: RegionWeights, data: Floats, flat: Floats) -> Floats:
        weight = weights.simulation(flat[part.tag_slot])
        sums = np.bincount(part.bin_by_kind, weight * flat[part.other_slot], 2 * part.size)
        enriched, contamination = sums[: part.size], sums[part.size :]
        update = np.full(part.size, np.nan)
        np.divide(data - contamination, enriched, out=update, where=enriched > 0)
        return update

    def _replica(self, name: str, factors: tuple[Floats, Floats] | None) -> RegionWeights:
        part = self._parts[name]
        if factors is None:
            return part.weights
        data, simulation = factors
        return part.weights.with_weights(
            part.weights.data * data, part.weights.base * simulation, part.data_kappa_index
        )

    def split(self, flat: Floats) -> dict[str, Floats]:
        """Return flat scale factors as arrays by flavour, shape (..., n_pt, n_abseta, n_disc)."""
        parts = {}
        for name in self.measured:
            first, shape = self._offset[name], self.bins[name].shape
            parts[name] = flat[..., first : first + int(np.prod(shape))].reshape(*flat.shape[:-1], *shape)
        return parts


@dataclass(frozen=True)
class _RegionPart:
    enriched: str
    size: int
    data_bin: Slots
    bin_by_kind: Slots
    data_kappa_index: Slots
    other_slot: Slots
    tag_slot: Slots
    weights: RegionWeights


def measure(
    regions: Mapping[str, RegionEntries],
    definitions: Mapping[str, Region],
    *,
    flavours: tuple[str, ...],
    measured: tuple[str, ...],
    settings: Binned,
    event_weight: EventWeight,
) -> BinnedMeasurement:
    """Measure the binned scale factors of all measured flavours and their statistical errors.

    Errors come from Poisson bootstraps by event, of data and of simulation, each with its own iteration.

    Raises
    ------
    NotConvergedError
        If the nominal iteration does not converge.
    """
    bins = {name: FlavourBins.of(settings.bins[name]) for name in measured}
    method = TagAndProbe(regions, definitions, flavours, measured, bins, event_weight)
    flat, changes = method.iterate(max_change=settings.max_change, max_iterations=settings.max_iterations)
    seeds = np.random.SeedSequence([settings.bootstrap_seed, 0x62696E]).spawn(settings.n_bootstrap)
    replicas = np.empty((settings.n_bootstrap, len(flat)))
    bootstrap = EventBootstrap(regions)
    for number, seed in enumerate(seeds):
        replicas[number], _ = method.iterate(
            max_change=max(settings.max_change, 1e-4),
            max_iterations=4 * settings.max_iterations,
            start=flat,
            event_factors=bootstrap.draw(np.random.default_rng(seed)),
        )
    return BinnedMeasurement(bins, method.split(flat), method.split(replicas), changes)


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


def _of_kind(entries: RegionEntries, kind: str) -> Entries:
    return entries.data if kind == "data" else entries.simulation


def _nan_std(replicas: Floats) -> Floats:
    if len(replicas) < 2:
        return np.full(replicas.shape[1:], np.nan)
    finite = np.isfinite(replicas)
    count = finite.sum(axis=0)
    mean = np.where(finite, replicas, 0.0).sum(axis=0) / np.maximum(count, 1)
    square = np.where(finite, (replicas - mean) ** 2, 0.0).sum(axis=0) / np.maximum(count - 1, 1)
    return np.where(count > 1, np.sqrt(square), np.nan)
