"""Normalisation maps of the skims of a campaign, for all shifts of exported scale factors."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from deepsf.exports.event_weight import ShapeCorrection
from deepsf.exports.normalisation_maps import MapEdges, Maps, NormalisationMap, normalisation_map
from deepsf.exports.systematics import NOMINAL
from deepsf.skim.cut_flow import SkimReport, read_metadata
from deepsf.skim.shifts import read_shift


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
            of_file = events.map(correction, shift, edges)
            of_sample[shift] = of_sample[shift] + of_file if shift in of_sample else of_file
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
