"""Normalisation maps r(n_jets, HT): event weights by shape scale factors times r leave the yields of a process alone.

Scale factors have mean 1 over the jets of a flavour, but an event weight is a product over several jets of an analysis'
own selection; so analyses multiply by ``r = sum of w / sum of w * (event weight)`` before any b-tag cut, by process and
shift.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from deepsf.config.exports import MapEdges
from deepsf.exports.correctionlib_json import Label, Tree
from deepsf.exports.event_weight import ShapeCorrection
from deepsf.exports.systematics import NOMINAL, systematic_of
from deepsf.probes.entries import Floats, Mask
from deepsf.skim.cut_flow import SkimReport, read_metadata
from deepsf.skim.shifts import read_shift


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
        return np.asarray(np.divide(self.before, self.after, out=whole, where=self.usable))


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
    before = np.bincount(index, base, size).astype(np.float64).reshape(shape)
    after = np.bincount(index, base * np.asarray(event_weight, np.float64), size).astype(np.float64).reshape(shape)
    return NormalisationMap(edges, before, after)


Maps = Mapping[str, Mapping[str, NormalisationMap]]
"""Maps by process and shift."""


def maps_of_skims(paths: Iterable[Path], correction: ShapeCorrection, edges: MapEdges) -> Maps:
    """Return the maps of all simulated samples for all shifts of a correction.

    Shifts of the jets' kinematics are taken from the rows of that shift in the skim, shifts of weights with the shifted
    weights, before and after the scale factors alike; all others from the nominal rows.

    Parameters
    ----------
    paths
        Tables of all jets of the skim; those of data are left out.
    """
    maps: dict[str, dict[str, NormalisationMap]] = {}
    for path in sorted(paths):
        metadata = read_metadata(path)
        if metadata["kind"] != "simulation":
            continue
        report = SkimReport.from_metadata(metadata)
        own_rows = {*report.kinematic_shifts, *report.weight_shifts} - {NOMINAL}
        nominal = _events(read_shift(path, metadata, NOMINAL, _COLUMNS))
        of_sample = maps.setdefault(report.sample, {})
        for shift in correction.shifts:
            events = _events(read_shift(path, metadata, shift, _COLUMNS)) if shift in own_rows else nominal
            found = events.map(correction, shift, edges)
            of_sample[shift] = of_sample[shift] + found if shift in of_sample else found
    return maps


_COLUMNS = ("entry", "rank", "weight", "pt_gev", "eta", "discriminant", "hadron_flavour", "n_jets", "ht_gev")


class _Events(NamedTuple):
    """Jets, those of an event one after the other, and the row of the first jet of each event."""

    jets: dict[str, npt.NDArray[Any]]
    first: npt.NDArray[np.int64]

    def map(self, correction: ShapeCorrection, shift: str, edges: MapEdges) -> NormalisationMap:
        jets, first = self.jets, self.first
        if not len(first):
            return normalisation_map([], [], [], [], edges)
        sf = correction.evaluate(
            jets["hadron_flavour"], np.abs(jets["eta"]), jets["pt_gev"], jets["discriminant"], shift
        )
        product = np.multiply.reduceat(sf, first)
        n_jets, ht, weight = (jets[name][first] for name in ("n_jets", "ht_gev", "weight"))
        return normalisation_map(n_jets, ht, weight, product, edges)


def _events(table: pa.Table) -> _Events:
    ordered = table.sort_by([("entry", "ascending"), ("rank", "ascending")])
    jets = {name: ordered[name].to_numpy() for name in _COLUMNS}
    entry = jets["entry"]
    is_first = np.ones(len(entry), np.bool_)
    is_first[1:] = entry[1:] != entry[:-1]
    return _Events(jets, np.flatnonzero(is_first))


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
    said = (
        f" Bins without simulation have the ratio of the whole process: {', '.join(gaps(maps))}." if gaps(maps) else ""
    )
    return {
        "name": label.name,
        "description": f"{label.head()} Multiply events weighted with the shape scale factors by this, before any "
        "b-tag cut: sum of weights without over with scale factors, by process. Made on events with the dilepton "
        f"preselection of the measurement; clamped beyond the outer bins.{said}",
        "version": 1,
        "inputs": [
            {"name": "process", "type": "string", "description": "sample name in the configuration"},
            {"name": "systematic", "type": "string", "description": "as of the scale factors"},
            {"name": "n_jets", "type": "int", "description": "number of selected jets"},
            {"name": "ht", "type": "real", "description": "scalar sum of the selected jets' pT [GeV]"},
        ],
        "output": {"name": "weight", "type": "real"},
        "data": {"nodetype": "category", "input": "process", "content": content},
    }


def _binning(r: NormalisationMap) -> Tree:
    return {
        "nodetype": "multibinning",
        "inputs": ["n_jets", "ht"],
        "edges": [[float(edge) for edge in edges] for edges in (r.edges.n_jets, r.edges.ht_gev)],
        "content": [float(f"{value:.9g}") for value in r.ratio.ravel()],
        "flow": "clamp",
    }


def gaps(maps: Maps) -> list[str]:
    """Return by process, in words, how many bins have the ratio of the whole process for want of simulation."""
    nominal = {process: by_shift[NOMINAL] for process, by_shift in maps.items()}
    bad = {process: int((~r.usable).sum()) for process, r in nominal.items()}
    return [f"{bad[process]} of {r.usable.size} for {process}" for process, r in nominal.items() if bad[process]]
