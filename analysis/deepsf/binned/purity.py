"""How well regions tell flavours apart: purities, and the condition number of the equations that are solved.

In every bin N_R = sum_f m_Rf S_f. With rows divided by their sums, the matrix holds the fraction of each flavour in
each region; its condition number bounds the factor by which relative errors of the data grow in the scale factors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import hist
import numpy as np

from deepsf.arrays import Floats
from deepsf.binned.tag_and_probe import TagAndProbe
from deepsf.probes.bins import FlavourBins
from deepsf.probes.entries import Jets

LARGEST_CONDITION = 1e16
"""Larger ones, infinity of a singular matrix among them, are given as this: rounding cannot tell them apart."""


@dataclass(frozen=True)
class FlavourPurities:
    """Fractions and condition numbers in bins that are fine enough for all measured flavours.

    Attributes
    ----------
    fraction
        Of each flavour among simulated probe jets, shape (n_regions, n_flavours, n_pt, n_abseta, n_disc); NaN in bins
        without simulation.
    condition
        Condition number of the regions' fractions of the measured flavours, shape (n_pt, n_abseta, n_disc); NaN where a
        region is empty, infinite where the regions cannot tell flavours apart.
    """

    regions: tuple[str, ...]
    flavours: tuple[str, ...]
    bins: FlavourBins
    fraction: Floats
    condition: Floats

    def purity(self, region: str, flavour: str) -> Floats:
        """Return the fraction of a flavour in a region, shape (n_pt, n_abseta, n_disc)."""
        return np.asarray(self.fraction[self.regions.index(region), self.flavours.index(flavour)])

    def best(self, flavour: str, jets: Jets) -> Floats:
        """Return for each jet the largest fraction of a flavour in any region, shape ``(n,)``.

        It says how well the data know the scale factor there: 0 where no region has simulation, and never above 1, as
        signed weights of a few jets may be.
        """
        fraction = self.fraction[:, self.flavours.index(flavour)].reshape(len(self.regions), -1)
        largest = np.where(np.isfinite(fraction), fraction, 0.0).max(axis=0)
        return np.asarray(np.clip(largest, 0.0, 1.0)[self.bins.index(jets)])

    def to_json(self) -> dict[str, Any]:
        """Return histograms of fraction and condition; to be written with `deepsf.probes.histograms`."""
        region, flavour = (
            hist.axis.StrCategory(names, name=name, label=name, flow=False)
            for name, names in (("region", self.regions), ("flavour", self.flavours))
        )
        double, of_bins = hist.storage.Double(), axes(self.bins)
        fraction = hist.Hist(region, flavour, *of_bins, storage=double, data=self.fraction)
        return {"fraction": fraction, "condition": hist.Hist(*of_bins, storage=double, data=self.condition)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> FlavourPurities:
        """Return the purities of `to_json`."""
        fraction, condition = stored["fraction"], stored["condition"]
        return cls(
            tuple(fraction.axes["region"]),
            tuple(fraction.axes["flavour"]),
            FlavourBins(*(np.asarray(axis.edges) for axis in condition.axes)),
            np.asarray(fraction.values()),
            np.asarray(condition.values()),
        )


def flavour_purities(method: TagAndProbe) -> FlavourPurities:
    """Return purities and condition numbers of a measurement, from the weights of its simulated entries."""
    bins = FlavourBins(*(np.unique(np.concatenate(edges)) for edges in zip(*method.bins.values(), strict=True)))
    size, n_flavours = bins.size, len(method.flavours)
    sums = np.empty((len(method.entries), n_flavours, size))
    for number, entries in enumerate(method.entries.values()):
        jets, weight = entries.simulation.probe, entries.simulation.weight
        index = bins.index(jets)
        sums[number] = np.bincount(jets.flavour.astype(np.int64) * size + index, weight, n_flavours * size).reshape(
            n_flavours, size
        )
    total = sums.sum(axis=1, keepdims=True)
    fraction = np.divide(sums, total, out=np.full_like(sums, np.nan), where=total > 0)
    measured = [method.flavours.index(name) for name in method.measured]
    matrix = np.moveaxis(fraction[:, measured], -1, 0)
    known = np.isfinite(matrix).all(axis=(1, 2))
    condition = np.full(size, np.nan)
    condition[known] = np.minimum(np.linalg.cond(matrix[known]), LARGEST_CONDITION)
    return FlavourPurities(
        tuple(method.entries),
        method.flavours,
        bins,
        fraction.reshape(*fraction.shape[:2], *bins.shape),
        condition.reshape(bins.shape),
    )


def axes(bins: FlavourBins) -> tuple[hist.axis.Variable, ...]:
    """Return the axes pt, abseta, discriminant of a histogram in these bins."""
    return (
        hist.axis.Variable(bins.pt_gev, name="pt", label="jet pT [GeV]", flow=False),
        hist.axis.Variable(bins.abseta, name="abseta", label="jet |eta|", flow=False),
        hist.axis.Variable(bins.discriminant, name="discriminant", label="discriminant", flow=False),
    )
