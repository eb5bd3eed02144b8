"""Normalisation maps of the skims of a campaign, for all shifts of exported scale factors."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from deepsf.arrays import Floats
from deepsf.exports.event_weight import ShapeCorrection
from deepsf.exports.normalisation_maps import MapEdges, Maps, NormalisationMap, normalisation_map
from deepsf.exports.systematics import NOMINAL
from deepsf.guards import is_positive
from deepsf.skim.cut_flow import read_report
from deepsf.skim.event_table import EventTable, read_events

N_EVENTS = 20_000
"""Events of a file that shifts are evaluated on; the nominal scale factors are at all of them."""


def maps_of_skims(paths: Iterable[Path], correction: ShapeCorrection, edges: MapEdges) -> Maps:
    """Return the maps of all simulated samples for all shifts of a correction.

    Shifts of the jets' kinematics are taken from the rows of that shift in the skim, shifts of weights with the shifted
    weights, before and after the scale factors alike; all others from the nominal rows. Of large files, a shift is the
    nominal map of all events times its ratio to the nominal one at a part of them: the same events, so that the ratio
    is precise.

    Parameters
    ----------
    paths
        Tables of all jets of the skim; those of data are left out.
    """
    whole: dict[str, NormalisationMap] = {}
    parts: dict[str, dict[str, NormalisationMap]] = {}
    for path in sorted(paths):
        report = read_report(path)
        if report.kind != "simulation":
            continue
        own_rows = {*report.kinematic_shifts, *report.weight_shifts} - {NOMINAL}
        nominal = read_events(path, report, NOMINAL, _COLUMNS)
        step = -(-len(nominal.first) // N_EVENTS) or 1
        _add(whole, report.sample, _map(nominal, correction, NOMINAL, edges))
        part, of_sample = nominal.every(step), parts.setdefault(report.sample, {})
        for shift in correction.shifts:
            events = read_events(path, report, shift, _COLUMNS).every(step) if shift in own_rows else part
            _add(of_sample, shift, _map(events, correction, shift, edges))
    return {
        sample: {shift: _scaled(whole[sample], of[NOMINAL], of[shift]) for shift in of} for sample, of in parts.items()
    }


def _add(maps: dict[str, NormalisationMap], name: str, more: NormalisationMap) -> None:
    maps[name] = maps[name] + more if name in maps else more


def _scaled(whole: NormalisationMap, nominal: NormalisationMap, shifted: NormalisationMap) -> NormalisationMap:
    """Return the map of all events times the ratio of a shift to the nominal at a part of them."""

    def ratio(numerator: Floats, denominator: Floats) -> Floats:
        known = is_positive(denominator) & is_positive(numerator)
        return np.divide(numerator, denominator, out=np.ones(numerator.shape), where=known)

    before = whole.before * ratio(shifted.before, nominal.before)
    return NormalisationMap(whole.edges, before, whole.after * ratio(shifted.after, nominal.after))


_COLUMNS = ("weight", "pt_gev", "eta", "discriminant", "hadron_flavour", "ht_gev")


def _map(events: EventTable, correction: ShapeCorrection, shift: str, edges: MapEdges) -> NormalisationMap:
    jets = {name: events.jets[name].to_numpy() for name in _COLUMNS}
    if not len(events.first):
        return normalisation_map([], [], [], [], edges)
    sf = correction.evaluate(jets["hadron_flavour"], np.abs(jets["eta"]), jets["pt_gev"], jets["discriminant"], shift)
    ht, weight = (jets[name][events.first] for name in ("ht_gev", "weight"))
    return normalisation_map(events.n_jets, ht, weight, np.multiply.reduceat(sf, events.first), edges)
