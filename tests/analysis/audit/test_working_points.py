"""Mean scale factors between working points, worked out by hand."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from deepsf.audit.methods import DEEPSF, NONE, TRUTH, no_scale_factor
from deepsf.audit.working_points import N_JETS, bin_names, by_working_point
from deepsf.binned.scale_factor import BinnedScaleFactor
from deepsf.errors.cells import ErrorCells
from deepsf.errors.method_errors import MethodErrors, Refits
from deepsf.probes.entries import Jets
from deepsf.probes.inclusive import InclusiveJets
from deepsf.probes.score_limits import ScoreLimits
from tests.analysis.binned.by_hand import by_hand, replicas_of
from tests.analysis.errors.constant import ensemble, member

POINTS = {"T": 0.9, "L": 0.2, "M": 0.6}


def sample(scores, weight=None):
    n = len(scores)
    ones = np.ones(n, np.float32)
    of = Jets(30 * ones, ones, np.array(scores, np.float32), np.zeros(n, np.int8))
    return InclusiveJets(np.arange(n), np.ones(n) if weight is None else np.array(weight), of)


def rising(flavour, jets):
    return 1.0 + jets.discriminant.astype(float)


def errors_of(values, refits=None, model=0.0, limits=None) -> MethodErrors:
    """Return errors of an ensemble of constants, the same in all cells."""
    flat = ErrorCells(np.empty(0), np.array([0.2]), np.zeros(2), np.full((1, 2), model))
    of = ensemble(*values, limits=limits)
    return MethodErrors(of, refits or Refits(), {"b": flat}, extrapolation=0.5)


def report(jets, errors=None, table=None, truth=rising):
    binned, errors = BinnedScaleFactor({"b": table or by_hand()}, ()), errors or {DEEPSF: errors_of((1.0, 1.2))}
    results = SimpleNamespace(deepsf=errors[DEEPSF].ensemble, errors=errors, binned=binned)
    methods = {NONE: no_scale_factor, "binned": binned.evaluate, **dict.fromkeys(errors)}
    methods |= {} if truth is None else {TRUTH: truth}
    return by_working_point(results, methods, {"b": jets}, POINTS)


def test_bins_are_named_by_working_points_whatever_their_order():
    assert bin_names(POINTS) == ["below L", "L-M", "M-T", "above T"]
    assert bin_names({"M": 0.5}) == ["below M", "above M"]


def test_a_jet_at_a_threshold_fails_and_an_invalid_one_is_below_all():
    found = report(sample([-1.0, 0.1, 0.25, 0.5, 0.95]))[NONE]["b"]
    assert {name: figures["n_jets"] for name, figures in found.items()} == {"below L": 2, "L-M": 2, "above T": 1}
    at_threshold = by_working_point(
        SimpleNamespace(deepsf=ensemble(1.0), errors={}, binned=BinnedScaleFactor({}, ())),
        {NONE: no_scale_factor, TRUTH: rising}, {"b": sample([0.5, 0.75])}, {"M": 0.5},
    )  # fmt: skip
    assert [figures["truth"] for figures in at_threshold[NONE]["b"].values()] == [1.5, 1.75]


def test_means_are_weighted_and_have_the_rms_to_the_truth():
    found = report(sample([0.25, 0.5], weight=[3.0, 1.0]))[NONE]["b"]["L-M"]
    assert (found["value"], found["above"]) == (1.0, 0.2)
    assert found["truth"] == pytest.approx((3 * 1.25 + 1.5) / 4)
    assert found["rms"] == pytest.approx(np.sqrt((0.25**2 + 0.5**2) / 2))
    assert found["error"] == 0.0


def test_the_error_of_an_ensemble_has_its_parts_by_name_and_shifts_apart():
    refits = Refits((member(1.0), member(1.1)), member(1.0), {"lf_up": member(1.05), "lf_down": member(0.98)})
    limits = {"b": ScoreLimits(np.array([30.0]), np.array([0.0]), np.array([0.4]))}
    errors = {DEEPSF: errors_of((1.0, 1.2, 1.4)), "direct": errors_of((2.0, 2.0), refits, 0.3, limits)}
    found = report(sample([0.25, 0.5]), errors)
    deepsf, direct = (found[name]["b"]["L-M"] for name in errors)
    assert deepsf["value"] == pytest.approx(1.2, rel=1e-5)
    assert deepsf["errors"] == pytest.approx(
        {"train": 0.2 / np.sqrt(3), "stat": 0, "model": 0, "extrapolation": 0}, abs=1e-5
    )
    # 1.0 and 1.1 over their mean, of 2; half of the jets are beyond the limit
    wanted = {"train": 0.0, "stat": 2 * 0.1 / np.sqrt(2) / 1.05, "model": 0.3, "extrapolation": 0.5}
    assert direct["errors"] == pytest.approx(wanted, abs=1e-5)
    assert direct["error"] == pytest.approx(np.sqrt(sum(v**2 for v in wanted.values())), rel=1e-4)
    assert direct["systematic"] == pytest.approx(2 * 0.05, rel=1e-4)
    assert deepsf["extrapolated"] is None  # there are no limits


def test_the_share_of_jets_beyond_the_limits_is_that_of_deepsf():
    limits = {"b": ScoreLimits(np.array([30.0]), np.array([0.0]), np.array([0.4]))}
    found = report(sample([0.25, 0.3, 0.5]), {DEEPSF: errors_of((1.0, 1.0), limits=limits)})
    assert found[DEEPSF]["b"]["L-M"]["extrapolated"] == pytest.approx(1 / 3)


def test_without_a_truth_there_are_values_and_errors():
    found = report(sample([0.25, 0.5]), truth=None)[DEEPSF]["b"]["L-M"]
    assert found["value"] == pytest.approx(1.1, rel=1e-5)
    assert found["error"] == pytest.approx(0.1, rel=1e-4)
    assert "truth" not in found
    assert "rms" not in found


def test_shifts_of_bins_are_added_over_sources():
    # lf doubles the values, and so does its table of the normalisation not
    found = report(sample([0.25, 0.3]))["binned"]["b"]["L-M"]
    assert found["systematic"] == pytest.approx(1.0)


def test_the_error_of_bins_is_the_spread_of_normalised_bootstraps():
    # all jets in one bin, of 2 +- 0.1 over 2
    found = report(sample([0.25, 0.3, 0.35]))["binned"]["b"]["L-M"]
    assert (found["value"], found["error"]) == (pytest.approx(1.0), pytest.approx(0.05))
    # two thirds in the bin of 4 over 2, whose bootstraps move together with the other
    found = report(sample([0.25, 0.55, 0.55]))["binned"]["b"]["L-M"]
    assert (found["value"], found["error"]) == (pytest.approx((1 + 2 + 2) / 3), pytest.approx(0.05))


def test_bins_that_a_bootstrap_lacks_have_their_nominal_value():
    table = by_hand()
    parts = replicas_of(table.sf, np.full(table.sf.shape, 0.1), np.array([2.0, 0.5])[:, None])
    parts["replica_measured"][0, 0, 0, 1] = False
    found = report(sample([0.25]), table=replace(table, **parts))["binned"]["b"]["L-M"]
    # nominal 1 and 1 + 0.05 / sqrt(2)
    assert found["error"] == pytest.approx(0.025)


def test_few_jets_are_enough_and_bins_whose_weights_cancel_are_left_out():
    many = report(sample(np.full(N_JETS + 10, 0.3)))[NONE]["b"]["L-M"]
    assert many["n_jets"] == N_JETS
    found = report(sample([0.3, 0.3, 0.7], weight=[1.0, -1.0, 1.0]))
    assert list(found[NONE]["b"]) == ["M-T"]
