"""Weights of simulated entries: omega of the tag jet, kappa per kinematic bin, and the normalisation of scale factors.

A simulated entry weighs ``W = w * omega * kappa``. kappa carries rates and kinematics, so that scale factors describe
shapes alone. The probe's own scale factor must not enter kappa's sum: the normalisation of S would be a free direction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from deepsf.arrays import Bools, Floats
from deepsf.config.weights import EventWeight
from deepsf.guards import is_positive
from deepsf.probes.bins import KinematicBins
from deepsf.probes.entries import Jets, RegionEntries


def kappa(bins: KinematicBins, data: npt.NDArray[Any], simulation: npt.NDArray[Any]) -> Floats:
    """Return data over simulation by kinematic bin, 0 in bins without either; one number a bin.

    Raises
    ------
    ValueError
        If a bin with data has no positive sum of simulated weights, or a sum is not finite.
    """
    bad = np.flatnonzero(~(np.isfinite(data) & np.isfinite(simulation) & ((simulation > 0) | (data <= 0))))
    if bad.size:
        raise ValueError(
            f"{bad.size} kinematic bin(s) have data but no positive, finite sum of simulated weights, first "
            f"{bins.describe(int(bad[0]))}: {simulation[bad[0]]:.3g} for {data[bad[0]]:.3g} in data; lower "
            "event_weight.n_pt or n_abseta, or add simulation"
        )
    scale: Floats = np.divide(data, simulation, out=np.zeros(len(simulation)), where=simulation > 0)
    return scale


class RegionWeights:
    """Weights of one region's simulated entries, given the scale factors of their tag jets.

    ``kappa(pT, |eta|) = sum of data / sum of w * omega`` per quantile bin of the data's probe jets; with
    ``settings.kappa`` off, one factor for the whole region.

    Parameters
    ----------
    entries
        Data and simulation of the region.
    enriched
        Index of the region's enriched flavour.
    data_weight, simulation_weight
        Replace the entries' weights (bootstraps), shapes ``(n_data,)`` and ``(n_simulation,)``.
    counted
        Masks of the data and simulated entries that kappa is made from (a training split); all by default. ``W`` is
        given for every entry.
    """

    def __init__(
        self,
        entries: RegionEntries,
        enriched: int,
        settings: EventWeight,
        data_weight: Floats | None = None,
        simulation_weight: Floats | None = None,
        counted: tuple[Bools, Bools] | None = None,
    ) -> None:
        data, simulation = entries.data, entries.simulation
        self.data = data.weight if data_weight is None else data_weight
        self.base = simulation.weight if simulation_weight is None else simulation_weight
        n_pt, n_abseta = (settings.n_pt, settings.n_abseta) if settings.kappa else (1, 1)
        self.bins = KinematicBins.of_quantiles(data.probe.pt_gev, data.probe.abseta, n_pt, n_abseta)
        self.index = self.bins.index(simulation.probe.pt_gev, simulation.probe.abseta)
        data_index = self.bins.index(data.probe.pt_gev, data.probe.abseta)
        in_sum = self.data if counted is None else self.data * counted[0]
        self._counted = None if counted is None else counted[1]
        self._data_sum = np.bincount(data_index, in_sum, self.bins.size)
        self.tag_counts = None if settings.jets == "all_jets" else simulation.tag.flavour != enriched

    def kappa(self, tag_sf: Floats | None) -> Floats:
        """Return kappa by bin, shape ``(n_bins,)``."""
        return self._kappa(self.weighted(tag_sf))

    def simulation(self, tag_sf: Floats | None = None) -> Floats:
        """Return ``W`` of every simulated entry, shape ``(n,)``; ``tag_sf`` holds S of the tag jets, none means 1."""
        weighted = self.weighted(tag_sf)
        return weighted * self._kappa(weighted)[self.index]

    def _kappa(self, weighted: Floats) -> Floats:
        total = np.bincount(self.index, weighted if self._counted is None else weighted * self._counted, self.bins.size)
        return kappa(self.bins, self._data_sum, total)

    def weighted(self, tag_sf: Floats | None) -> Floats:
        """Return ``w * omega`` of every simulated entry, shape ``(n,)``: all of ``W`` but kappa."""
        if tag_sf is None:
            return self.base
        return self.base * (tag_sf if self.tag_counts is None else np.where(self.tag_counts, tag_sf, 1.0))


@dataclass(frozen=True)
class NormalisationTable:
    """Mean of a flavour's scale factor by (pT, |eta|) bin; scale factors are divided by it."""

    bins: KinematicBins
    mean: Floats

    def divisor(self, pt_gev: npt.ArrayLike, abseta: npt.ArrayLike) -> Floats:
        """Return the number to divide the scale factor of each jet by, shape ``(n,)``."""
        return self.mean[self.bins.index(pt_gev, abseta)]

    def to_json(self) -> dict[str, list[float]]:
        """Return the table as plain lists."""
        return {
            "pt_gev": self.bins.pt_gev.tolist(),
            "abseta": self.bins.abseta.tolist(),
            "mean": self.mean.tolist(),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> NormalisationTable:
        """Return the table of `to_json`.

        Raises
        ------
        ValueError
            If it has not one mean above 0 for every bin, or edges that fall.
        """
        bins = KinematicBins(np.array(stored["pt_gev"], np.float64), np.array(stored["abseta"], np.float64))
        mean = np.array(stored["mean"], np.float64)
        if mean.shape != (bins.size,):
            raise ValueError(f"a normalisation has {mean.size} means for {bins.size} bins of pT and |eta|")
        if not ((mean > 0) & (mean < np.inf)).all():
            raise ValueError("a normalisation has means that are not above 0 and finite")
        if not all((np.diff(edges) >= 0).all() for edges in (bins.pt_gev, bins.abseta)):
            raise ValueError("a normalisation has edges of pT or |eta| that do not increase")
        return cls(bins, mean)


def normalisation_table(bins: KinematicBins, jets: Jets, weight: Floats, sf: Floats) -> NormalisationTable:
    """Return the table that makes the weighted mean of ``sf`` one in every bin.

    Parameters
    ----------
    jets, weight, sf
        Inclusive jets of one flavour, their weights and scale factors, shapes ``(n,)``.

    Raises
    ------
    ValueError
        If a bin's weights, or weights times scale factors, do not sum to a positive number.
    """
    index = bins.index(jets.pt_gev, jets.abseta)
    total = np.bincount(index, weight, bins.size)
    weighted = np.bincount(index, weight * sf, bins.size)
    bad = np.flatnonzero(~(is_positive(total) & is_positive(weighted)))
    if bad.size:
        raise ValueError(
            f"cannot normalise scale factors in {bins.describe(int(bad[0]))}: sum of weights {total[bad[0]]:.3g}, with "
            f"scale factors {weighted[bad[0]]:.3g}; lower normalisation.n_pt or n_abseta, or add simulation"
        )
    return NormalisationTable(bins, weighted / total)


@dataclass(frozen=True)
class SmoothNormalisation:
    """A normalisation without steps: linear in log(pT) and |eta| between nodes, constant beyond the outermost ones.

    Attributes
    ----------
    bins
        In which the mean of the scale factor is one.
    pt_gev, abseta
        Nodes, rising: the median of the jets in each row of bins.
    at_node
        Divisors at the nodes, shape ``(n_pt, n_abseta)``.
    """

    bins: KinematicBins
    pt_gev: Floats
    abseta: Floats
    at_node: Floats

    def divisor(self, pt_gev: npt.ArrayLike, abseta: npt.ArrayLike) -> Floats:
        """Return the number to divide the scale factor of each jet by, shape ``(n,)``."""
        return _Bilinear.at(self.pt_gev, self.abseta, pt_gev, abseta).of(self.at_node)

    def to_json(self) -> dict[str, Any]:
        """Return all of it as plain lists."""
        nodes = {"pt_gev": self.pt_gev.tolist(), "abseta": self.abseta.tolist(), "at_node": self.at_node.tolist()}
        return {"bins": [self.bins.pt_gev.tolist(), self.bins.abseta.tolist()], **nodes}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> SmoothNormalisation:
        """Return the normalisation of `to_json`.

        Raises
        ------
        ValueError
            If there is not one divisor above 0 for every node, or nodes do not increase.
        """
        bins = KinematicBins(*(np.array(edges, np.float64) for edges in stored["bins"]))
        pt, abseta, at_node = (np.array(stored[key], np.float64) for key in ("pt_gev", "abseta", "at_node"))
        if at_node.shape != (len(pt), len(abseta)) or not at_node.size:
            raise ValueError(
                f"a normalisation has divisors of shape {at_node.shape} at {len(pt)} x {len(abseta)} nodes"
            )
        if not ((at_node > 0) & (at_node < np.inf)).all():
            raise ValueError("a normalisation has divisors that are not above 0 and finite")
        if not ((pt > 0).all() and all((np.diff(nodes) > 0).all() for nodes in (pt, abseta))):
            raise ValueError("a normalisation has nodes of pT or |eta| that do not increase")
        return cls(bins, pt, abseta, at_node)


def smooth_normalisation(bins: KinematicBins, jets: Jets, weight: Floats, sf: Floats) -> SmoothNormalisation:
    """Return the smooth normalisation that makes the weighted mean of ``sf`` one in every bin.

    Parameters and errors are those of `normalisation_table`.
    """
    means = normalisation_table(bins, jets, weight, sf).mean
    index, n_abseta = bins.index(jets.pt_gev, jets.abseta), len(bins.abseta) + 1
    pt, abseta = (
        _medians(values, row, n)
        for values, row, n in (
            (jets.pt_gev, index // n_abseta, len(bins.pt_gev) + 1),
            (jets.abseta, index % n_abseta, n_abseta),
        )
    )
    place = _Bilinear.at(pt, abseta, jets.pt_gev, jets.abseta)
    total, at_node = np.bincount(index, weight, bins.size), means.reshape(len(pt), len(abseta))
    for _ in range(_MOST_STEPS):
        off = np.bincount(index, weight * sf / place.of(at_node), bins.size) / total
        if not (off > 0).all():
            break
        at_node = at_node * off.reshape(at_node.shape)
        if np.abs(off - 1.0).max() < _NEAR_ONE:
            return SmoothNormalisation(bins, pt, abseta, at_node)
    raise ValueError(
        "the normalisation of scale factors cannot be made smooth; lower normalisation.n_pt or n_abseta, or add "
        "simulation"
    )


_MOST_STEPS, _NEAR_ONE = 500, 1e-10


def _medians(values: npt.NDArray[Any], row: npt.NDArray[Any], n: int) -> Floats:
    return np.array([np.median(values[row == k]) for k in range(n)], np.float64)


class _Bilinear(NamedTuple):
    """Where jets lie between nodes: the four nodes around each, as flat numbers, and their shares; ``(4, n)``."""

    node: npt.NDArray[Any]
    share: Floats

    @classmethod
    def at(cls, pt_nodes: Floats, abseta_nodes: Floats, pt_gev: npt.ArrayLike, abseta: npt.ArrayLike) -> _Bilinear:
        row, u = _between(np.log(pt_nodes), np.log(np.asarray(pt_gev, np.float64)))
        column, v = _between(abseta_nodes, np.asarray(abseta, np.float64))
        n_pt, n_abseta = len(pt_nodes), len(abseta_nodes)
        rows, columns = (row, np.minimum(row + 1, n_pt - 1)), (column, np.minimum(column + 1, n_abseta - 1))
        node = np.stack([r * n_abseta + c for r in rows for c in columns])
        return cls(node, np.stack([a * b for a in (1.0 - u, u) for b in (1.0 - v, v)]))

    def of(self, values: Floats) -> Floats:
        return np.asarray((values.ravel()[self.node] * self.share).sum(axis=0))


def _between(nodes: Floats, values: Floats) -> tuple[npt.NDArray[Any], Floats]:
    """Return the node below each value and how far it is from there to the next, from 0 to 1."""
    below = np.clip(np.searchsorted(nodes, values, side="right") - 1, 0, max(len(nodes) - 2, 0))
    if len(nodes) == 1:
        return below, np.zeros(values.shape)
    return below, np.clip((values - nodes[below]) / (nodes[below + 1] - nodes[below]), 0.0, 1.0)
