"""Where data say nothing on a scale factor: limits of the score beyond which no region has enough of a flavour.

Where jets of a flavour f are a small fraction p in every region, S_f is what is left when all others are subtracted: an
error c of the contamination moves it by c (1 - p) / p. Where they are few besides, the others fluctuate by more than
what is left. Networks go on smoothly there, with no more spread than elsewhere. They are therefore held at their value
where p falls below ``extrapolation.purity``, if all data beyond give no better error on a common scale factor than
``extrapolation.counting_error``; jets beyond are flagged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from deepsf.arrays import Bools, Floats
from deepsf.config.weights import EventWeight, Extrapolation
from deepsf.probes.entries import Jets, RegionEntries
from deepsf.probes.weights import RegionWeights

_N_PT, _N_SCORE, _N_SMOOTHED = 3, 60, 2


@dataclass(frozen=True)
class ScoreLimits:
    """Lowest and highest score at which data determine a flavour's scale factor, linear in log(pT) between nodes.

    Attributes
    ----------
    pt_gev, low, high
        Nodes in pT [GeV], rising, and the limits there, shapes ``(n_nodes,)``.
    lowest, highest
        Ends of the scores that were looked at; a limit that is there is none.
    """

    pt_gev: Floats
    low: Floats
    high: Floats
    lowest: float = 0.0
    highest: float = 1.0

    @classmethod
    def none(cls) -> ScoreLimits:
        """Return limits that hold nothing."""
        return cls(np.array([1.0]), np.array([0.0]), np.array([1.0]))

    def held(self, jets: Jets) -> Jets:
        """Return the jets with scores beyond a limit moved to it; invalid scores stay."""
        low, high = self._at(jets)
        score = jets.discriminant
        held = np.clip(score, low, high).astype(np.float32)
        return replace(jets, discriminant=np.where(score >= 0, held, score))

    def is_beyond(self, jets: Jets) -> Bools:
        """Return which jets have a valid score beyond a limit, shape ``(n,)``."""
        low, high = self._at(jets)
        score = jets.discriminant
        return np.asarray((score >= 0) & ((score < low) | (score > high)))

    def _at(self, jets: Jets) -> tuple[Floats, Floats]:
        place, nodes = np.log(jets.pt_gev.astype(np.float64)), np.log(self.pt_gev)
        low, high = np.interp(place, nodes, self.low), np.interp(place, nodes, self.high)
        return np.where(low > self.lowest, low, -np.inf), np.where(high < self.highest, high, np.inf)

    def to_json(self) -> dict[str, Any]:
        """Return the limits as plain lists and numbers."""
        nodes = {key: getattr(self, key).tolist() for key in ("pt_gev", "low", "high")}
        return {**nodes, "lowest": self.lowest, "highest": self.highest}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> ScoreLimits:
        """Return the limits of `to_json`.

        Raises
        ------
        ValueError
            If there is not one low and one high limit for each pT, pT is not above 0 and rising, or low limits are not
            below high ones.
        """
        pt, low, high = (np.array(stored[key], np.float64) for key in ("pt_gev", "low", "high"))
        if pt.ndim != 1 or not pt.size or not pt.shape == low.shape == high.shape:
            raise ValueError("limits of the score are not one low and one high limit for each pT")
        if not ((pt > 0).all() and (np.diff(pt) > 0).all() and (low < high).all()):
            raise ValueError("limits of the score need pT above 0 that rises, and low limits below high ones")
        return cls(pt, low, high, float(stored["lowest"]), float(stored["highest"]))


def score_limits(
    entries: Mapping[str, RegionEntries],
    enriched: Mapping[str, int],
    flavour: int,
    settings: Extrapolation,
    event_weight: EventWeight,
) -> ScoreLimits:
    """Return the limits of a flavour: from where it is measured best to where no region determines it.

    That is decided in quantiles of the score of all probe jets, smoothed, and three quantiles of pT.

    Parameters
    ----------
    enriched
        Index of the flavour that each region enriches.
    flavour
        Index of the flavour.
    """
    scores = np.concatenate([e.simulation.probe.discriminant for e in entries.values()])
    edges = np.unique(np.quantile(scores[scores >= 0].astype(np.float64), np.linspace(0, 1, _N_SCORE + 1)))
    if len(edges) < 3 or not settings.purity > 0:
        return ScoreLimits.none()
    own = [e.simulation.probe.pt_gev[e.simulation.probe.flavour == flavour] for e in entries.values()]
    pt = np.concatenate(own).astype(np.float64)
    pt_edges = np.quantile(pt, np.linspace(0, 1, _N_PT + 1)[1:-1])
    sums = np.stack(
        [_sums(of, enriched[name], flavour, (pt_edges, edges), event_weight) for name, of in entries.items()], axis=1
    )
    of_flavour, total = _smoothed(sums)
    known = (of_flavour > 0) & (total > 0)
    purity = np.divide(of_flavour, total, out=np.zeros(total.shape), where=known)
    # 1 / variance of a scale factor that is subtracted from data: (sum of the flavour)^2 / sum of all
    information = (purity * of_flavour).sum(axis=0)
    is_pure, enough = (purity >= settings.purity).any(axis=0), settings.counting_error**-2
    from_below = is_pure | (information.cumsum(axis=1) >= enough)
    from_above = is_pure | (information[:, ::-1].cumsum(axis=1)[:, ::-1] >= enough)
    first, last = _spans(from_below, from_above, information.argmax(axis=1))
    nodes = np.quantile(pt, (np.arange(_N_PT) + 0.5) / _N_PT)
    return ScoreLimits(nodes, edges[first], edges[last + 1], float(edges[0]), float(edges[-1]))


def _sums(
    entries: RegionEntries, enriched: int, flavour: int, edges: tuple[Floats, Floats], event_weight: EventWeight
) -> Floats:
    """Return the weights of the flavour and of all probe jets with a valid score, shape (2, n_pt, n_score)."""
    probe, (pt_edges, score_edges) = entries.simulation.probe, edges
    weight = RegionWeights(entries, enriched, event_weight).simulation() * (probe.discriminant >= 0)
    shape = len(pt_edges) + 1, len(score_edges) - 1
    row = np.searchsorted(pt_edges, probe.pt_gev, side="right")
    column = np.searchsorted(score_edges[1:-1], probe.discriminant, side="right")
    index, size = row * shape[1] + column, shape[0] * shape[1]
    both = [np.bincount(index, counted, size) for counted in (weight * (probe.flavour == flavour), weight)]
    return np.stack(both).astype(np.float64).reshape(2, *shape)


def _smoothed(sums: Floats) -> Floats:
    """Return sums with a share of their neighbours' in the score, 1-2-1, twice."""
    for _ in range(_N_SMOOTHED):
        padded = np.pad(sums, [(0, 0)] * (sums.ndim - 1) + [(1, 1)], mode="edge")
        sums = 0.25 * (padded[..., :-2] + 2 * padded[..., 1:-1] + padded[..., 2:])
    return sums


def _spans(from_below: Bools, from_above: Bools, start: Any) -> tuple[Any, Any]:
    """Return the first and the last bin that are determined without a gap from the start on, in each row."""
    column, start_of_row = np.arange(from_below.shape[1]), start[:, None]
    first = np.where(~from_below & (column < start_of_row), column, -1).max(axis=1) + 1
    last = np.where(~from_above & (column > start_of_row), column, len(column)).min(axis=1) - 1
    return first, last
