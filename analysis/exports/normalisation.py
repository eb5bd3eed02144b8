"""Normalisation maps r(n_jets, HT): event weights by shape scale factors times r leave the yields of a process alone.

Scale factors have mean 1 over the jets of a flavour, but an event weight is a product over several jets of an analysis'
own selection; so analyses multiply by ``r = sum of w / sum of w * (event weight)`` before any b-tag cut, by process and
shift.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.config.exports import MapEdges
from analysis.exports.correctionlib_json import Label, Tree
from analysis.exports.systematics import systematic_of
from analysis.tables import Floats, Mask


@dataclass(frozen=True)
class NormalisationMap:
    """Sums of weights before and after the event weight, shapes ``(n_jets bins, HT bins)``."""

    edges: MapEdges
    before: Floats
    after: Floats

    def __add__(self, other: NormalisationMap) -> NormalisationMap:
        return NormalisationMap(self.edges, self.before + other.before, self.after + other.after)

    @property
    def usable(self) -> Mask:
        """Bins whose sums are both positive."""
        return (self.before > 0) & (self.after > 0)

    @property
    def ratio(self) -> Floats:
        """``r`` by bin; in bins that are not usable that of the whole process.

        Raises
        ------
        ValueError
            If not even the whole process has positive sums.
        """
        before, after = self.before.sum(), self.after.sum()
        if before <= 0 or after <= 0:
            raise ValueError(
                f"cannot normalise event weights: sums of weights {before:.3g} before and {after:.3g} after them"
            )
        whole = np.full(self.before.shape, before / after)
        return np.divide(self.before, self.after, out=whole, where=self.usable)


def normalisation_map(
    n_jets: npt.ArrayLike, ht: npt.ArrayLike, weight: npt.ArrayLike, event_weight: npt.ArrayLike, edges: MapEdges
) -> NormalisationMap:
    """Return the sums behind r of some events; maps of several files are added.

    Parameters
    ----------
    n_jets, ht, weight, event_weight
        Number of jets, scalar sum of their pT [GeV], weight without scale factors, and product of the jets' scale
        factors, shapes ``(n_events,)``. Events beyond the outer edges belong to the outer bins.
    """
    shape = (len(edges.n_jets) - 1, len(edges.ht_gev) - 1)
    bins = (
        np.searchsorted(inner[1:-1], np.asarray(values, np.float64), side="right")
        for inner, values in ((edges.n_jets, n_jets), (edges.ht_gev, ht))
    )
    index = np.ravel_multi_index(tuple(bins), shape)
    base, size = np.asarray(weight, np.float64), int(np.prod(shape))
    before = np.bincount(index, base, size).reshape(shape)
    after = np.bincount(index, base * np.asarray(event_weight, np.float64), size).reshape(shape)
    return NormalisationMap(edges, before, after)


Maps = Mapping[str, Mapping[str, NormalisationMap]]
"""Maps by process and shift."""


def map_correction(maps: Maps, label: Label) -> Tree:
    """Return the maps as a correction of (process, systematic, n_jets, ht), for correctionlib."""
    content = [
        {
            "key": process,
            "value": {
                "nodetype": "category",
                "input": "systematic",
                "content": [{"key": systematic_of(shift), "value": _binning(r)} for shift, r in by_shift.items()],
            },
        }
        for process, by_shift in maps.items()
    ]
    unusable = [
        f"{int((~r.usable).sum())} of {r.usable.size} for {process}"
        for process, by_shift in maps.items()
        if not (r := next(iter(by_shift.values()))).usable.all()
    ]
    gaps = f" Bins without simulation, which have the ratio of the whole process: {', '.join(unusable)}." * bool(unusable)
    return {
        "name": label.name,
        "description": f"{label.head()} Multiply events weighted with the shape scale factors by this, before any b-tag "
        "cut: sum of weights without over with scale factors, by process. Made on events with the dilepton "
        f"preselection of the measurement; clamped beyond the outer bins.{gaps}",
        "version": 1,
        "inputs": [
            {"name": "process", "type": "string", "description": "sample name in the configuration"},
            {"name": "systematic", "type": "string", "description": "as of the scale factors"},
            {"name": "n_jets", "type": "real", "description": "number of selected jets"},
            {"name": "ht", "type": "real", "description": "scalar sum of the selected jets' pT [GeV]"},
        ],
        "output": {"name": "weight", "type": "real"},
        "data": {"nodetype": "category", "input": "process", "content": content},
    }


def _binning(r: NormalisationMap) -> Tree:
    return {
        "nodetype": "multibinning",
        "inputs": ["n_jets", "ht"],
        "edges": [list(r.edges.n_jets), list(r.edges.ht_gev)],
        "content": [float(f"{value:.9g}") for value in r.ratio.ravel()],
        "flow": "clamp",
    }


def unusable_bins(maps: Maps) -> int:
    """Return the number of bins, over all maps, that have the ratio of their whole process."""
    return sum(int((~r.usable).sum()) for by_shift in maps.values() for r in by_shift.values())
