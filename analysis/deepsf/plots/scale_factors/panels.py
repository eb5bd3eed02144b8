"""What the figures of scale factors show of a flavour: every method in its (pT, |eta|) bins, the jets, the truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import hist
import numpy as np

from deepsf.arrays import Floats
from deepsf.audit.methods import DEEPSF, NONE
from deepsf.audit.truth import FlavourTruth
from deepsf.binned.flavour import BinnedFlavour
from deepsf.binned.normalised import normalised_bins, normalised_curve, systematic_envelope
from deepsf.networks.ensemble import FlavourSummary
from deepsf.plots.discriminant_axis import DiscriminantAxis, drawn_edges
from deepsf.plots.scale_factors.reference import Reference
from deepsf.probes.bins import FlavourBins

_FINE_PER_BIN = 15


class BinValues(NamedTuple):
    """What every method gives in bins, normalised alike; arrays of one shape, NaN where nothing was measured.

    Attributes
    ----------
    binned, error
        Binned scale factor and its statistical error.
    mean, mean_error
        Mean over the jets of a bin of the ensemble, and its total error; NaN where that is not known.
    other
        Means of the other methods by name.
    truth
        Mean over the jets of a bin; None if it is not known.
    systematic
        Lower and upper end of the envelope of the binned scale factor's systematic shifts; None if there are none.
    """

    binned: Floats
    error: Floats
    mean: Floats
    mean_error: Floats
    other: dict[str, Floats]
    truth: Floats | None = None
    systematic: tuple[Floats, Floats] | None = None

    def each(self, function: Callable[[Floats], Floats]) -> BinValues:
        """Return what a function makes of every array."""
        ends = self.systematic
        return BinValues(
            binned=function(self.binned),
            error=function(self.error),
            mean=function(self.mean),
            mean_error=function(self.mean_error),
            other={name: function(values) for name, values in self.other.items()},
            truth=None if self.truth is None else function(self.truth),
            systematic=None if ends is None else (function(ends[0]), function(ends[1])),
        )

    def ratios(self) -> BinValues:
        """Return the ratios to the truth, to the ensemble where it is not known; NaN where that is not positive.

        Not to the binned scale factor: its fluctuations would be in all others.
        """
        below = self.mean if self.truth is None else self.truth
        positive = np.where(below > 0, below, np.nan)
        return self.each(lambda values: np.asarray(values / positive))

    def precise(self, error_max: float) -> BinValues:
        """Return values with an error below ``error_max``, NaN elsewhere; an error not known is that of the binned."""
        poor = ~(self.error < error_max)
        poor_mean = np.where(np.isnan(self.mean_error), poor, self.mean_error >= error_max)
        kept = self.each(lambda values: np.where(poor, np.nan, values))
        mean, mean_error = (np.where(poor_mean, np.nan, values) for values in (self.mean, self.mean_error))
        return kept._replace(mean=mean, mean_error=mean_error)

    def shown(self) -> list[Floats]:
        """Return what a range has to hold: every value with its error."""
        error, mean_error = np.nan_to_num(self.error), np.nan_to_num(self.mean_error)
        values = [self.binned - error, self.binned + error, self.mean - mean_error, self.mean + mean_error]
        return [*values, *self.other.values(), *([] if self.truth is None else [self.truth]), *(self.systematic or ())]


class JetValues(NamedTuple):
    """Scale factors of jets: ``counts`` by bin and value ``(..., n_values)``, flow left out; ``n_jets`` of a bin."""

    counts: Floats
    edges: Floats
    n_jets: Floats

    @property
    def share_outside(self) -> float:
        """Return the share of jets whose value lies beyond ``edges``."""
        total = float(self.n_jets.sum())
        return 1.0 - float(self.counts.sum()) / total if total > 0 else 0.0

    def central_range(self, tail: float) -> Floats:
        """Return the range of values in each bin without a share ``tail`` of its jets at either end, ``(n, 2)``."""
        total = self.counts.sum(axis=1, keepdims=True)
        share = np.divide(np.cumsum(self.counts, axis=1), total, out=np.zeros_like(self.counts), where=total > 0)
        low = self.edges[np.argmax(share > tail, axis=1)]
        high = self.edges[np.argmax(share >= 1 - tail, axis=1) + 1]
        empty = total[:, 0] == 0
        return np.stack([np.where(empty, np.nan, low), np.where(empty, np.nan, high)], axis=1)


class KinematicBin(NamedTuple):
    """One (pT, |eta|) bin; the last one in pT is open upwards."""

    pt_gev: tuple[float, float]
    abseta: tuple[float, float]
    is_last_pt: bool


class LabelledCurve(NamedTuple):
    """A curve and what the legend calls it."""

    label: str
    values: Floats


class Panel(NamedTuple):
    """One (pT, |eta|) bin of a flavour, all arrays by discriminant bin.

    Attributes
    ----------
    node
        Median discriminant of a bin's jets.
    sem
        Standard error of the ensemble's mean, the root of its mean square over the bin's jets.
    fine
        Discriminants of the curves ``smooth`` and ``reference``.
    """

    flavour: str
    bin: KinematicBin
    edges: Floats
    node: Floats
    values: BinValues
    jets: JetValues
    n_members: int
    sem: float
    fine: Floats
    smooth: Floats
    reference: LabelledCurve | None


@dataclass(frozen=True)
class FlavourResults:
    """All of one flavour.

    Attributes
    ----------
    summary
        The ensemble in the bins of the binned scale factor.
    grid
        The ensemble on a grid, of `deepsf.networks.ensemble.on_grid`.
    other
        Means of the other methods over the jets of each bin, by name.
    errors
        Total errors of the means of ``deepsf`` and the other methods.
    truth
        None if it is not known.

    Raises
    ------
    ValueError
        If ensemble, truth or other methods have other bins than the binned scale factor.
    """

    flavour: str
    table: BinnedFlavour
    summary: FlavourSummary
    grid: Mapping[str, Any] = field(default_factory=dict)
    other: Mapping[str, hist.Hist[Any]] = field(default_factory=dict)
    errors: Mapping[str, hist.Hist[Any]] = field(default_factory=dict)
    truth: FlavourTruth | None = None
    reference: Reference | None = None

    def __post_init__(self) -> None:
        truth = {} if self.truth is None else {"the truth": self.truth.bin_means}
        errors = {f"the error of {name}": histogram for name, histogram in self.errors.items()}
        for what, histogram in {"the ensemble's summary": self.summary.values, **truth, **self.other, **errors}.items():
            _check_bins(self.table.bins, histogram, f"{what} of {self.flavour}")

    @cached_property
    def values(self) -> BinValues:
        """All values, with the axes pT, |eta|, discriminant."""
        (binned, error), estimate = normalised_bins(self.table), self.summary.estimate()
        binned, error = np.where(self.table.measured, binned, np.nan), np.where(error > 0, error, np.nan)
        envelope = systematic_envelope(self.table)
        return BinValues(
            binned,
            error,
            estimate.mean,
            np.asarray(self.errors[DEEPSF].values()) if DEEPSF in self.errors else np.full_like(estimate.mean, np.nan),
            {name: np.asarray(means.values()) for name, means in self.other.items()},
            truth=None if self.truth is None else np.asarray(self.truth.bin_means.values()),
            systematic=None if envelope is None else (binned - envelope.down, binned + envelope.up),
        )

    @cached_property
    def jets(self) -> JetValues:
        """The probe jets, with the axes pT, |eta|, discriminant."""
        counts = np.asarray(self.summary.values.values(flow=True), np.float64)
        edges = np.asarray(self.summary.values.axes[-1].edges)
        return JetValues(counts[..., 1:-1], edges, counts.sum(axis=-1))

    @property
    def n_members(self) -> int:
        """Number of the ensemble's members."""
        return len(np.asarray(self.summary.member_means.values()))

    def by_method(self) -> dict[str, Floats]:
        """Return the mean of each bin by method."""
        values = self.values
        return {NONE: np.ones_like(values.binned), "binned": values.binned, **values.other, DEEPSF: values.mean}

    def panel(self, pt_bin: int, abseta_bin: int) -> Panel:
        """Return one (pT, |eta|) bin."""
        bins, place = self.table.bins, (pt_bin, abseta_bin)
        pt, abseta = ((float(edges[i]), float(edges[i + 1])) for edges, i in zip(bins, place, strict=False))
        fine = DiscriminantAxis(bins.discriminant, True).fine(_FINE_PER_BIN)
        return Panel(
            flavour=self.flavour,
            bin=KinematicBin(pt, abseta, pt_bin == bins.shape[0] - 1),
            edges=bins.discriminant,
            node=_nodes(self.table),
            values=self.values.each(lambda values: values[place]),
            jets=JetValues(self.jets.counts[place], self.jets.edges, self.jets.n_jets[place]),
            n_members=self.n_members,
            sem=_root_mean_square(self.summary.estimate().sem[place], self.jets.n_jets[place]),
            fine=fine,
            smooth=self._curve(pt_bin, abseta_bin, fine),
            reference=self._reference_at(pt, abseta, fine),
        )

    def _curve(self, pt_bin: int, abseta_bin: int, fine: Floats) -> Floats:
        """Return the smooth scale factor of a (pT, |eta|) bin, NaN if nothing was measured there."""
        curve = normalised_curve(self.table, pt_bin, abseta_bin, fine)
        return curve if self.table.measured[pt_bin, abseta_bin, 1:].any() else np.full_like(curve, np.nan)

    def _reference_at(self, pt: tuple[float, float], abseta: tuple[float, float], fine: Floats) -> LabelledCurve | None:
        """Return the reference at the centre of a (pT, |eta|) bin."""
        if self.reference is None:
            return None
        centre_pt, centre_abseta = np.sqrt(pt[0] * pt[1]), 0.5 * (abseta[0] + abseta[1])
        at = np.full_like(fine, centre_pt), np.full_like(fine, centre_abseta), fine
        return LabelledCurve(self.reference.label, np.asarray(self.reference.evaluate(self.flavour, *at)))

    def panels(self) -> list[Panel]:
        """Return all (pT, |eta|) bins."""
        n_pt, n_abseta, _ = self.table.bins.shape
        return [self.panel(i, j) for i in range(n_pt) for j in range(n_abseta)]


def _root_mean_square(values: Floats, n_jets: Floats) -> float:
    known = np.isfinite(values) & (n_jets > 0)
    return float(np.sqrt(np.average(values[known] ** 2, weights=n_jets[known]))) if known.any() else float("nan")


def _check_bins(bins: FlavourBins, other: hist.Hist[Any], what: str) -> None:
    for name, edges in zip(("pt", "abseta", "discriminant"), bins, strict=True):
        given = np.asarray(other.axes[name].edges)
        if not np.array_equal(given, edges):
            raise ValueError(
                f"{what} has the {name} edges {given.tolist()}, the binned scale factor {edges.tolist()}; "
                "both must come from the same binned.bins"
            )


def _nodes(table: BinnedFlavour) -> Floats:
    """Return where points are drawn; that of invalid scores in the middle of their slot."""
    drawn = drawn_edges(table.bins.discriminant)
    positions = table.positions
    positions[0] = 0.5 * (drawn[0] + drawn[1])
    return np.asarray(np.clip(positions, drawn[:-1], drawn[1:]))
