"""Iterative tag and probe: scale factors in bins of (pT, |eta|, discriminant), arXiv:1712.07158.

In the region that enriches flavour f, with simulation normalised to data per kinematic bin (`deepsf.probes.weights`),

    S_f <- (data - sum_{g != f} m_g S_g) / m_f        in every bin of f,

for all measured flavours in turn until no bin moves any more. Flavours of unit scale factor stay at 1. Nominal, shifts
and bootstraps are variations of that iteration, each with its own scale factors; many run side by side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from deepsf.arrays import Array, Bools, Floats, Ints
from deepsf.binned.curves import FlavourCurves
from deepsf.binned.kernel import EntryBins, Indices, histograms, kinematic_sums
from deepsf.binned.variations import Variations, VariationWeights
from deepsf.config.regions import Region
from deepsf.config.weights import EventWeight
from deepsf.probes.bins import FlavourBins, KinematicBins
from deepsf.probes.entries import Jets, RegionEntries
from deepsf.probes.weights import RegionWeights, kappa


class Iterated(NamedTuple):
    """Scale factors by variation, ``(n_variations, n_bins)``, and the largest change of each step.

    A bin without simulation of the flavour is not ``measured``; its scale factor is 1.
    """

    sf: Floats
    measured: Bools
    changes: tuple[tuple[float, ...], ...]


class NotConvergedError(RuntimeError):
    """The iteration still moved at its last step."""


class TagAndProbe:
    """The entries of all regions, sorted into bins once; `iterate` then runs on them.

    All scale factors lie in one flat vector: the bins of each measured flavour, then one bin of value 1. What jets are
    weighted with lies in another: the cells of the curves, or the bins, then one of value 1 that all jets of other
    flavours share.

    Parameters
    ----------
    flavours
        All flavours, in the order of the jets' flavour index.
    bins
        Those of the measured flavours; regions that enrich none of them are left out.
    curves
        Weight contamination and tag jets with these, by measured flavour, in place of the bins.
    min_effective_entries
        A bin with less simulation of the flavour, (sum w)^2 / sum w^2, is not measured.
    """

    def __init__(
        self,
        entries: Mapping[str, RegionEntries],
        regions: Mapping[str, Region],
        flavours: tuple[str, ...],
        bins: Mapping[str, FlavourBins],
        event_weight: EventWeight,
        *,
        curves: Mapping[str, FlavourCurves] = MappingProxyType({}),
        min_effective_entries: float = 0.0,
    ) -> None:
        self.measured, self.bins = tuple(bins), dict(bins)
        self.flavours, self.regions, self.event_weight = flavours, regions, event_weight
        self._curves, self._min_effective_entries = dict(curves), min_effective_entries
        self._offset, self.size = _offsets({name: edges.size for name, edges in bins.items()})
        sizes = {name: curves[name].size if curves else edges.size for name, edges in bins.items()}
        self._weight_offset, self._n_weights = _offsets(sizes)
        self.entries = {name: entries[name] for name, region in regions.items() if region.enriched_flavour in bins}
        self.parts = {name: self._part(part, regions[name].enriched_flavour) for name, part in self.entries.items()}

    def of(self, entries: Mapping[str, RegionEntries]) -> TagAndProbe:
        """Return the same measurement of other entries: a shift of the jets' kinematics."""
        options: Any = {"curves": self._curves, "min_effective_entries": self._min_effective_entries}
        return TagAndProbe(entries, self.regions, self.flavours, self.bins, self.event_weight, **options)

    def _weight_index(self, jets: Jets) -> Ints:
        """Return the index of what each simulated jet is weighted with, shape ``(n,)``."""
        index = np.full(len(jets), self._n_weights, np.int64)
        for name, indexed in (self._curves or self.bins).items():
            chosen = np.flatnonzero(jets.flavour == self.flavours.index(name))
            index[chosen] = self._weight_offset[name] + indexed.index(jets[chosen])
        return index

    def _weights(self, flat: Floats, measured: Bools) -> Floats:
        """Return what jets are weighted with, shape ``(n_weights + 1, n_variations)``."""
        if not self._curves:
            return flat
        own = {name: slice(first, first + self.bins[name].size) for name, first in self._offset.items()}
        parts = [curves.values(flat[own[name]], measured[own[name]]) for name, curves in self._curves.items()]
        return np.ascontiguousarray(np.concatenate([*parts, flat[-1:]]))

    def _part(self, entries: RegionEntries, enriched: str) -> RegionPart:
        bins, number = self.bins[enriched], self.flavours.index(enriched)
        data, simulation = entries.data.probe, entries.simulation.probe
        weights = RegionWeights(entries, number, self.event_weight)
        tag_index = self._weight_index(entries.simulation.tag)
        if weights.tag_counts is not None:
            tag_index[~weights.tag_counts] = self._n_weights
        is_other = simulation.flavour != number
        probe_index = np.where(is_other, self._weight_index(simulation), self._n_weights)
        # contamination is counted in a second copy of the bins: one sum for both
        target = bins.index(simulation) + bins.size * is_other
        columns = (weights.index, target, tag_index, probe_index)
        of_flavour = np.flatnonzero(~is_other)
        entries_of_bin = effective_entries(target[of_flavour], entries.simulation.weight[of_flavour], bins.size)
        return RegionPart(
            first=self._offset[enriched],
            size=bins.size,
            data_bin=bins.index(data),
            data_kinematic=weights.bins.index(data.pt_gev, data.abseta),
            kinematic=weights.bins,
            simulation=EntryBins(*(column.astype(np.int32) for column in (*columns, simulation.flavour))),
            has_enough=entries_of_bin >= self._min_effective_entries,
        )

    def variations(
        self,
        names: tuple[str, ...],
        *,
        simulation: Mapping[str, Floats] | None = None,
        data: Mapping[str, Floats] | None = None,
        column: Indices | None = None,
        factor: Mapping[str, Floats] | None = None,
        offset: Floats | None = None,
    ) -> Variations:
        """Return variations of the given names; what is left out is nominal and the same in all of them.

        Parameters are by region those of `VariationWeights`, and ``column`` and ``offset`` of `Variations`.
        """
        weights = {}
        for name, entries in self.entries.items():
            weights[name] = VariationWeights(
                data=entries.data.weight[:, None] if data is None else data[name],
                simulation=entries.simulation.weight[:, None] if simulation is None else simulation[name],
                column=np.zeros(len(names), np.int32) if column is None else column,
                factor=np.ones((len(self.flavours), len(names))) if factor is None else factor[name],
            )
        return Variations(names, weights, offset)

    def iterate(
        self,
        variations: Variations | None = None,
        *,
        max_change: float,
        max_iterations: int,
        start: Floats | None = None,
    ) -> Iterated:
        """Return the scale factors of every variation; each ends by itself once it moves no more.

        Parameters
        ----------
        variations
            What to iterate; the nominal alone by default.
        start
            Flat scale factors to start from, shape ``(n_bins,)``; 1 everywhere by default.

        Raises
        ------
        NotConvergedError
            If the last iteration still moved a bin of a variation by more than ``max_change``.
        ValueError
            If a kinematic bin has data and no simulation, or a sum of weights is not finite.
        """
        variations = self.variations(("nominal",)) if variations is None else variations
        n = len(variations.names)
        flat = np.ones((self.size + 1, n))
        if start is not None:
            flat[:-1] = start[:, None]
        data = {name: part.data_sums(variations.weights[name].data) for name, part in self.parts.items()}
        sf, measured = np.ones((n, self.size)), np.ones((n, self.size), np.bool_)
        changes: list[list[float]] = [[] for _ in range(n)]
        active = np.arange(n)
        for _ in range(max_iterations):
            before = np.ascontiguousarray(flat[:, active])
            weights = self._weights(before, measured[active].T)
            updated, is_measured = self._step(variations, data, before, weights, active)
            moved = np.abs(updated - before).max(axis=0)
            flat[:, active], sf[active], measured[active] = updated, updated[:-1].T, is_measured.T
            for variation, change in zip(active, moved, strict=True):
                changes[variation].append(float(change))
            active = active[~(moved <= max_change)]
            if not active.size:
                return Iterated(sf, measured, tuple(tuple(of_variation) for of_variation in changes))
        name, last = variations.names[active[0]], changes[active[0]]
        raise NotConvergedError(
            f"binned scale factors ({name}) still move by {last[-1]:.2e} > {max_change:.0e} after {max_iterations} "
            f"iterations (last changes {', '.join(f'{c:.1e}' for c in last[-4:])}); regions too impure, or bins too "
            "empty"
        )

    def _step(
        self, variations: Variations, data: Mapping[str, DataSums], flat: Floats, sf: Floats, active: Ints
    ) -> tuple[Floats, Bools]:
        """Return the next scale factors, shape ``(n_bins + 1, n_active)``, and which are measured, without the last.

        ``sf`` is what jets are weighted with (`_weights`).
        """
        updated, measured = flat.copy(), np.zeros((self.size, len(active)), np.bool_)
        for name, part in self.parts.items():
            weights, sums = variations.weights[name].of(active), data[name].of(active)
            own = slice(part.first, part.first + part.size)
            try:
                updated[own], measured[own] = part.update(weights, sums, sf)
            except _VariationError as error:
                raise ValueError(f"region {name}, {variations.names[active[error.variation]]}: {error}") from None
        if variations.offset is not None:
            updated[:-1] += np.where(measured, variations.offset[:, active], 0.0)
        return updated, measured

    def joined(self, parts: Mapping[str, Floats]) -> Floats:
        """Return arrays in the bins of some flavours as one flat vector, shape ``(n_bins,)``; 0 elsewhere."""
        flat = np.zeros(self.size)
        for name, part in parts.items():
            first = self._offset[name]
            flat[first : first + part.size] = part.ravel()
        return flat

    def split(self, flat: Array) -> dict[str, Array]:
        """Return flat arrays of all bins by flavour, shape (..., n_pt, n_abseta, n_disc)."""
        parts = {}
        for name in self.measured:
            first, bins = self._offset[name], self.bins[name]
            parts[name] = flat[..., first : first + bins.size].reshape(*flat.shape[:-1], *bins.shape)
        return parts


def effective_entries(index: Ints, weight: Floats, n_bins: int) -> Floats:
    """Return (sum w)^2 / sum w^2 of the entries of each bin, shape ``(n_bins,)``; 0 without entries."""
    total, squares = np.bincount(index, weight, n_bins), np.bincount(index, weight**2, n_bins)
    return np.divide(total**2, squares, out=np.zeros(n_bins), where=squares > 0)


def _offsets(sizes: Mapping[str, int]) -> tuple[dict[str, int], int]:
    """Return where each part of a joint vector begins, and its size."""
    ends = np.cumsum([0, *sizes.values()])
    return dict(zip(sizes, ends[:-1].tolist(), strict=True)), int(ends[-1])


class _VariationError(ValueError):
    def __init__(self, variation: int, reason: str) -> None:
        super().__init__(reason)
        self.variation = variation


@dataclass(frozen=True)
class DataSums:
    """Data in the flavour's bins and in those of kappa, ``(n_bins, n_variations)``, or ``(n_bins, 1)`` if shared."""

    histogram: Floats
    kinematic: Floats

    def of(self, variations: Ints) -> DataSums:
        """Return the sums of some variations."""
        shared = self.histogram.shape[1] == 1
        return self if shared else DataSums(self.histogram[:, variations], self.kinematic[:, variations])


@dataclass(frozen=True)
class RegionPart:
    """One region, sorted into bins; its flavour has ``size`` of the scale factors, from ``first`` on.

    ``has_enough`` says which bins have enough simulation to be measured, shape ``(size,)``.
    """

    first: int
    size: int
    data_bin: Ints
    data_kinematic: Ints
    kinematic: KinematicBins
    simulation: EntryBins
    has_enough: Bools

    def data_sums(self, weight: Floats) -> DataSums:
        """Return the data of every column of weights, shape ``(n_data, n_columns)``."""

        def sums(index: Ints, size: int) -> Floats:
            columns = [np.bincount(index, weight[:, variation], size) for variation in range(weight.shape[1])]
            return np.stack(columns, axis=1).astype(np.float64)

        return DataSums(sums(self.data_bin, self.size), sums(self.data_kinematic, self.kinematic.size))

    def update(self, weights: VariationWeights, data: DataSums, sf: Floats) -> tuple[Floats, Bools]:
        """Return (data - contamination) / simulation in the flavour's bins, shape ``(size, n_variations)``.

        And which bins are measured, those with enough simulation and a positive sum of weights; all others have 1.

        ``sf`` holds what jets are weighted with, the one of value 1 last, shape ``(n_weights + 1, n_variations)``.
        """
        weighted = weights.simulation, weights.column, weights.factor, sf
        total = kinematic_sums(self.simulation, *weighted, self.kinematic.size)
        scale = np.empty_like(total)
        counted = np.broadcast_to(data.kinematic, total.shape)
        for variation in range(total.shape[1]):
            try:
                scale[:, variation] = kappa(self.kinematic, counted[:, variation], total[:, variation])
            except ValueError as error:
                raise _VariationError(variation, str(error)) from None
        sums = histograms(self.simulation, *weighted, scale, 2 * self.size)
        enriched, contamination = sums[: self.size], sums[self.size :]
        excess = data.histogram - contamination
        broken = ~(np.isfinite(excess) & np.isfinite(enriched)).all(axis=0)
        if broken.any():
            raise _VariationError(int(np.argmax(broken)), "sums of weights are not finite; check the weights")
        measured = (enriched > 0) & self.has_enough[:, None]
        return np.divide(excess, enriched, out=np.ones_like(enriched), where=measured), measured
