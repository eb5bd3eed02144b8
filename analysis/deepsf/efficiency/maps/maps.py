"""Efficiency maps: tagged over all jets in bins of flavour, pT, eta and, on request, distance to the closest jet.

Bins are filled with signed weights. A bin without jets takes the efficiency of all eta, see
`deepsf.efficiency.maps.estimates.efficiencies`; `EfficiencyMap.fallbacks` says how many do.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import hist
import numpy as np
import numpy.typing as npt

from deepsf.arrays import Bools, Floats, Ints
from deepsf.config.efficiency.maps import EfficiencyMaps
from deepsf.efficiency.events.closest import closest_jet
from deepsf.efficiency.events.events import JetEvents
from deepsf.efficiency.maps.estimates import (
    ONE_SIGMA,
    Interval,
    Ratio,
    Sums,
    clopper_pearson,
    efficiencies,
    fill,
    inclusive,
    ratio,
)
from deepsf.probes.histograms import from_json, to_json

UNTAGGED = "untagged"
_FORMAT = "efficiency-map-1"


class Fallbacks(NamedTuple):
    """Numbers of a flavour's bins, and of those that take the efficiency of all eta.

    ``negative`` have jets, but their signed weights give no efficiency.
    """

    bins: int
    without_jets: int
    negative: int


@dataclass(frozen=True)
class EfficiencyMap:
    """Efficiencies in bins of flavour, pT and eta, and of the distance to the closest jet if it was fitted with it.

    Attributes
    ----------
    counts
        Histogram of weighted jets with the axes flavour, pt_gev, eta, delta_r (if any), and passed, the tightest
        working point that a jet passes (``untagged`` first).
    prior_jets
        Jets added to each bin, see `deepsf.efficiency.maps.estimates.efficiencies`.
    """

    counts: hist.Hist[Any]
    prior_jets: float

    @classmethod
    def fit(
        cls, events: JetEvents, settings: EfficiencyMaps, *, delta_r: bool = False, weight: npt.ArrayLike | None = None
    ) -> EfficiencyMap:
        """Return the map that is filled with the jets of some events.

        Parameters
        ----------
        events
            Events with tags.
        settings
            Edges of the bins, and ``prior_jets``.
        delta_r
            Whether to bin in the distance to the closest jet, too.
        weight
            Weights of the events, ``(n_events,)``; by default those in ``events``.

        Raises
        ------
        ValueError
            If an event has no finite weight.
        """
        result = cls(_empty(events, settings, delta_r), settings.prior_jets)
        event_weight = np.asarray(events.weight if weight is None else weight, np.float64)
        if event_weight.shape != (len(events),) or not np.isfinite(event_weight).all():
            raise ValueError(
                f"weight must be one finite number an event, ({len(events)},), got shape {event_weight.shape} with "
                f"{int(np.sum(~np.isfinite(event_weight)))} that are not finite"
            )
        of_jets = np.repeat(event_weight, events.n_jets)
        sums = fill(result.bins(events), events.tag_bin, of_jets, of_jets**2, result.counts.shape)
        view: Any = result.counts.view()
        view.value, view.variance = sums
        return result

    @property
    def flavours(self) -> tuple[str, ...]:
        """Names of the flavours."""
        return tuple(self.counts.axes["flavour"])

    @property
    def working_points(self) -> tuple[str, ...]:
        """Names of the working points, from the loosest to the tightest."""
        return tuple(self.counts.axes["passed"])[1:]

    @cached_property
    def sums(self) -> Sums:
        """Sums of weights and squares, ``(n_flavours, n_pt, n_eta[, n_delta_r], K + 1)``."""
        return Sums(np.asarray(self.counts.values()), np.asarray(self.counts.variances()))

    @cached_property
    def ratio(self) -> Ratio:
        """Efficiency of the jets of each bin alone, and their effective number."""
        return ratio(self.sums)

    @cached_property
    def efficiency(self) -> Floats:
        """Probability to pass each working point by bin, ``(n_flavours, n_pt, n_eta[, n_delta_r], K)``.

        NaN for the flavours in `absent`.
        """
        return efficiencies(self.sums, self.prior_jets, np.full((len(self.flavours), len(self.working_points)), np.nan))

    @property
    def absent(self) -> tuple[str, ...]:
        """Flavours without jets in the sample, or whose signed weights sum up to a negative number in a tag bin."""
        n_effective = inclusive(self.sums).n_effective
        return tuple(name for name, number in zip(self.flavours, n_effective, strict=True) if number == 0)

    @property
    def fallbacks(self) -> dict[str, Fallbacks]:
        """How many bins of each flavour take the efficiency of all eta."""
        has_jets = self.sums.squared.sum(axis=-1) > 0
        unusable = self.ratio.n_effective == 0
        return {
            name: Fallbacks(jets.size, int(np.sum(~jets)), int(np.sum(jets & bad)))
            for name, jets, bad in zip(self.flavours, has_jets, unusable, strict=True)
        }

    def interval(self, level: float = ONE_SIGMA) -> Interval:
        """Return the Clopper-Pearson interval of the jets in each bin, shaped as `efficiency`; [0, 1] without jets."""
        return clopper_pearson(self.ratio, level)

    def bins(self, events: JetEvents) -> Ints:
        """Return the flat bin of each jet, ``(n_jets,)``; jets out of range are in the nearest one.

        Raises
        ------
        ValueError
            If flavours or working points of the events are not those of the map.
        """
        if (events.flavours, events.working_points) != (self.flavours, self.working_points):
            raise ValueError(
                f"the map has the flavours {self.flavours} and working points {self.working_points}, the events have "
                f"{events.flavours} and {events.working_points}"
            )
        columns = {"pt_gev": events.pt_gev, "eta": events.eta}
        if "delta_r" in self.counts.axes.name:
            columns["delta_r"] = closest_jet(events)[0]
        index = events.flavour.astype(np.int64)
        for name, values in columns.items():
            inner = self._edges(name)[1:-1]
            index = index * (len(inner) + 1) + np.searchsorted(inner, values, side="right")
        return index

    def evaluate(self, events: JetEvents) -> Floats:
        """Return the probability of each jet to pass each working point, float64, ``(n_jets, K)``.

        Raises
        ------
        ValueError
            If flavours or working points are not those of the map, or a jet has a flavour without efficiency in it.
        """
        self.check_flavours(events)
        return self.flat[self.bins(events)]

    def check_flavours(self, events: JetEvents) -> None:
        """Refuse jets of flavours for which the map has no efficiency, see `absent`.

        Raises
        ------
        ValueError
            If there are any; the message has the flavours and their number of jets.
        """
        count = np.bincount(events.flavour, minlength=len(self.flavours))
        if unknown := {name: int(n) for name, n in zip(self.flavours, count, strict=True) if n and name in self.absent}:
            raise ValueError(
                f"the map has no efficiency of {list(unknown)} jets: its sample had none, or negative weights "
                f"outweigh the others in a tag bin; there are {unknown} to be evaluated: make the map from "
                "more events, or leave these jets out"
            )

    def out_of_range(self, events: JetEvents) -> Bools:
        """Return which jets are outside of the bins in pT or eta, ``(n_jets,)``; the nearest bin is theirs."""
        outside = np.zeros(len(events.pt_gev), np.bool_)
        for name, values in (("pt_gev", events.pt_gev), ("eta", events.eta)):
            edges = self._edges(name)
            outside |= (values < edges[0]) | (values > edges[-1])
        return outside

    def to_json(self) -> str:
        """Return the map as JSON, with the histogram in the UHI format, which any histogram library reads."""
        return to_json({"format": _FORMAT, "counts": self.counts, "prior_jets": self.prior_jets})

    @classmethod
    def from_json(cls, text: str) -> EfficiencyMap:
        """Return the map that `to_json` has written.

        Raises
        ------
        ValueError
            If the text is not that of a map.
        """
        content = from_json(text)
        if not isinstance(content, dict) or content.get("format") != _FORMAT:
            raise ValueError(f"not an efficiency map: its format must be {_FORMAT}")
        return cls(content["counts"], content["prior_jets"])

    @cached_property
    def flat(self) -> Floats:
        """`efficiency` by flat bin, ``(n_bins, K)``."""
        return self.efficiency.reshape(-1, len(self.working_points))

    def _edges(self, name: str) -> Floats:
        return np.asarray(self.counts.axes[name].edges)


def _empty(events: JetEvents, settings: EfficiencyMaps, delta_r: bool) -> hist.Hist[Any]:
    axes: list[Any] = [
        hist.axis.StrCategory(events.flavours, name="flavour", flow=False),
        hist.axis.Variable(settings.pt_gev, name="pt_gev", label="pT [GeV]", flow=False),
        hist.axis.Variable(settings.eta, name="eta", flow=False),
    ]
    if delta_r:
        axes.append(hist.axis.Variable(settings.delta_r, name="delta_r", label="DeltaR", flow=False))
    axes.append(hist.axis.StrCategory((UNTAGGED, *events.working_points), name="passed", flow=False))
    return hist.Hist(*axes, storage=hist.storage.Weight(), name="weighted jets")
