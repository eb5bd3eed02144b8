"""Normalisation maps of the skims of a campaign, for all shifts of exported scale factors."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from deepsf.exports.event_weight import ShapeCorrection
from deepsf.exports.normalisation_maps import MapEdges, Maps, NormalisationMap, normalisation_map
from deepsf.exports.systematics import NOMINAL
from deepsf.skim.cut_flow import read_report
from deepsf.skim.event_table import EventTable, read_events


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
        report = read_report(path)
        if report.kind != "simulation":
            continue
        own_rows = {*report.kinematic_shifts, *report.weight_shifts} - {NOMINAL}
        nominal = read_events(path, report, NOMINAL, _COLUMNS)
        of_sample = maps.setdefault(report.sample, {})
        for shift in correction.shifts:
            events = read_events(path, report, shift, _COLUMNS) if shift in own_rows else nominal
            of_file = _map(events, correction, shift, edges)
            of_sample[shift] = of_sample[shift] + of_file if shift in of_sample else of_file
    return maps


_COLUMNS = ("weight", "pt_gev", "eta", "discriminant", "hadron_flavour", "ht_gev")


def _map(events: EventTable, correction: ShapeCorrection, shift: str, edges: MapEdges) -> NormalisationMap:
    jets = {name: events.jets[name].to_numpy() for name in _COLUMNS}
    if not len(events.first):
        return normalisation_map([], [], [], [], edges)
    sf = correction.evaluate(jets["hadron_flavour"], np.abs(jets["eta"]), jets["pt_gev"], jets["discriminant"], shift)
    ht, weight = (jets[name][events.first] for name in ("ht_gev", "weight"))
    return normalisation_map(events.n_jets, ht, weight, np.multiply.reduceat(sf, events.first), edges)
