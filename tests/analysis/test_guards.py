"""Numbers that are not finite pass no guard, whoever gives them."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

from deepsf import NormalisationMap, normalisation_map
from deepsf.audit.methods import at_own_flavours
from deepsf.audit.two_sample import Ranking
from deepsf.efficiency.events.from_jets import wrapped
from deepsf.efficiency.networks.jet_tensors import JetScaling
from deepsf.efficiency.ratio.scale_factors import weighted
from deepsf.efficiency.truth_tagging.draws import check_nested
from deepsf.exports.event_weight import ShapeCorrection
from deepsf.guards import is_positive, require_finite
from deepsf.networks.jet_inputs import InputScaling
from deepsf.networks.scale_factor import Architecture
from deepsf.probes.bins import KinematicBins, mean_by_bin
from deepsf.probes.load import channel_scales
from deepsf.probes.tables import luminosity_weights
from deepsf.probes.weights import NormalisationTable, kappa, normalisation_table
from tests.analysis import run3_table
from tests.analysis.networks.random_members import SCALING, jets
from tests.analysis.probes.skims import REGIONS, SAMPLES

ONE = KinematicBins(np.array([]), np.array([]))
EDGES = [0, 10], [0.0, 100.0]


def ones(*last):
    return np.array([1.0, *last])


def yields(sample, kind, value):
    channels = {channel: {"sum_weights": value} for channel in ("ee", "emu", "mumu")}
    return SimpleNamespace(sample=sample, kind=kind, region_yields={"hf": channels}, sum_weights=value)


def range_of(low):
    ranges = {key: [0.0, 1.0] for key in ("pt_gev", "abseta", "delta_r", "n_jets")}
    return JetScaling.from_json({**ranges, "mean": [0.0] * 3, "width": [1.0] * 3, "abseta": [low, 1.0]})


GUARDS = {
    "kappa, simulation": lambda x: kappa(ONE, ones(), np.array([x])),
    "kappa, data": lambda x: kappa(ONE, np.array([x]), ones()),
    "normalisation, weight": lambda x: normalisation_table(ONE, jets([30.0], [0.5]), np.array([x]), ones()),
    "normalisation, scale factor": lambda x: normalisation_table(ONE, jets([30.0], [0.5]), ones(), np.array([x])),
    "stored normalisation": lambda x: NormalisationTable.from_json({"pt_gev": [], "abseta": [], "mean": [x]}),
    "stored edges": lambda x: NormalisationTable.from_json({"pt_gev": [0.5, x], "abseta": [], "mean": [1, 1, 1]}),
    "luminosity": lambda x: luminosity_weights([yields("ttbar", "simulation", x)], SAMPLES, 1.0),
    "rate of data": lambda x: channel_scales(
        [yields("ttbar", "simulation", 1.0), yields("data", "data", x)], {"ttbar": 1.0}, REGIONS),
    "rate of simulation": lambda x: channel_scales(
        [yields("ttbar", "simulation", x), yields("data", "data", 1.0)], {"ttbar": 1.0}, REGIONS),
    "AUC, data": lambda x: Ranking.of(ones(), ones()).auc(np.array([x, 1.0])),
    "AUC, simulation": lambda x: Ranking.of(ones(), ones()).auc(np.array([1.0, x])),
    "normalisation map": lambda x: NormalisationMap(EDGES, np.array([[x]]), np.array([[1.0]])).ratio,
    "normalisation map, after": lambda x: NormalisationMap(EDGES, np.array([[1.0]]), np.array([[x]])).ratio,
    "normalisation map, weight": lambda x: normalisation_map([2], [50.0], [x], [1.0], EDGES),
    "normalisation map, edges": lambda x: normalisation_map([2], [50.0], [1.0], [1.0], ([0, x], [0.0, 1.0])),
    "means in bins": lambda x: mean_by_bin(np.array([0]), np.array([x]), 1),
    "values of a method": lambda x: at_own_flavours(lambda _, of: np.full(len(of), x), ("b",), jets([30.0], [0.5])),
    "phi": lambda x: wrapped(np.array([x], np.float32)),
    "efficiencies": lambda x: check_nested(np.array([[1.0, x]])),
    "efficiency times scale factor": lambda x: weighted(np.array([[0.5, 0.5]]), x, "b"),
    "largest log S": lambda x: Architecture(2, 8, x),
    "width of inputs": lambda x: InputScaling.from_json({**SCALING.to_json(), "width": [0.5, 0.5, x]}),
    "range of jets": lambda x: range_of(x - 1.0),
    "pT of an event weight": lambda x: SHAPE.evaluate([5], [0.1], [x], [0.5]),
    "|eta| of an event weight": lambda x: SHAPE.evaluate([5], [x], [30.0], [0.5]),
}  # fmt: skip
SHAPE = ShapeCorrection.of_tree(run3_table.tree())
REFUSED_BEFORE = {("stored edges", math.inf), ("width of inputs", math.inf), ("range of jets", -math.inf),
                  ("normalisation map, edges", math.inf)}  # fmt: skip
"""Infinite numbers that the readers of files refuse, and an edge at infinity, which is one."""
BROKEN = [(name, value) for name in GUARDS for value in (math.nan, math.inf, -math.inf)]


@pytest.mark.parametrize(("name", "value"), [case for case in BROKEN if case not in REFUSED_BEFORE])
def test_no_guard_lets_a_number_pass_that_is_not_finite(name, value):
    GUARDS[name](1.0)
    with pytest.raises(ValueError, match=r"."), np.errstate(invalid="ignore"):
        GUARDS[name](value)


def test_what_is_positive_is_finite():
    assert is_positive([1e-300, 0.0, -1.0, math.inf, math.nan]).tolist() == [True, False, False, False, False]
    assert is_positive(2.5)


def test_numbers_that_are_not_finite_are_counted():
    require_finite("weights", [1.0, -2.0], "")
    with pytest.raises(ValueError, match=r"^weights: 2 of 3 values are not finite; leave them out$"):
        require_finite("weights", [1.0, math.nan, -math.inf], "leave them out")
