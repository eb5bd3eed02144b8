"""Bins of jets: of one flavour's scale factor, and quantile bins of their kinematics."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import hist
import numpy as np
import numpy.typing as npt

from deepsf.arrays import Floats, Ints, Reals
from deepsf.config.binned import Bins
from deepsf.guards import require_finite
from deepsf.probes.entries import Jets


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

    @property
    def size(self) -> int:
        """Number of all bins."""
        return int(np.prod(self.shape))

    def index(self, jets: Jets) -> Ints:
        """Return the flat bin of each jet; jets beyond an outer edge belong to the outer bin."""
        axes = (
            np.searchsorted(edges[1:-1], values.astype(np.float64), side="right")
            for edges, values in zip(self, (jets.pt_gev, jets.abseta, jets.discriminant), strict=True)
        )
        return np.ravel_multi_index(tuple(axes), self.shape).astype(np.int64)

    def axes(self) -> list[hist.axis.Variable]:
        """Return the axes pt, abseta, discriminant of a histogram in these bins."""
        names = ("pt", "abseta", "discriminant")
        return [hist.axis.Variable(edges, name=name, flow=False) for name, edges in zip(names, self, strict=True)]


def mean_by_bin(index: Ints, values: Floats, size: int) -> Floats:
    """Return the mean of the values, which are finite, in each bin, shape ``(size,)``; NaN where there are none."""
    require_finite("values of jets in bins", values, "look for their source")
    count = np.bincount(index, minlength=size)
    means: Floats = np.full(size, np.nan)
    np.divide(np.bincount(index, values, size), count, out=means, where=count > 0)
    return means


@dataclass(frozen=True)
class KinematicBins:
    """Bins of (pT, |eta|): inner edges alone, the outer bins are open."""

    pt_gev: Floats
    abseta: Floats

    @classmethod
    def of_quantiles(cls, pt_gev: Reals, abseta: Reals, n_pt: int, n_abseta: int) -> KinematicBins:
        """Return bins of equal content in pT and in |eta|."""
        parts = ((pt_gev, n_pt), (abseta, n_abseta))
        return cls(*(np.quantile(values.astype(np.float64), np.linspace(0, 1, n + 1)[1:-1]) for values, n in parts))

    @property
    def size(self) -> int:
        """Number of bins."""
        return (len(self.pt_gev) + 1) * (len(self.abseta) + 1)

    def index(self, pt_gev: npt.ArrayLike, abseta: npt.ArrayLike) -> Ints:
        """Return the flat bin of each jet."""
        row = np.searchsorted(self.pt_gev, np.asarray(pt_gev, np.float64), side="right")
        return row * (len(self.abseta) + 1) + np.searchsorted(self.abseta, np.asarray(abseta, np.float64), side="right")

    def describe(self, index: int) -> str:
        """Return a bin in words, for messages."""
        row, column = divmod(index, len(self.abseta) + 1)
        return f"pT {_interval(self.pt_gev, row)} GeV, |eta| {_interval(self.abseta, column)}"


def _interval(inner: Floats, index: int) -> str:
    low = f"{inner[index - 1]:.4g}" if index else "lowest"
    high = f"{inner[index]:.4g}" if index < len(inner) else "highest"
    return f"{low} to {high}"
