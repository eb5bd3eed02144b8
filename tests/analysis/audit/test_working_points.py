"""Mean scale factors between working points, worked out by hand."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from deepsf.audit.methods import DEEPSF, NONE, TRUTH, no_scale_factor
from deepsf.audit.working_points import N_JETS, bin_names, by_working_point
from deepsf.binned.scale_factor import BinnedScaleFactor
from deepsf.probes.entries import Jets
from deepsf.probes.inclusive import InclusiveJets
from tests.analysis.binned.by_hand import by_hand, replicas_of

POINTS = {"T": 0.9, "L": 0.2, "M": 0.6}


class Members:
    """Members whose scale factors are constants."""

    def __init__(self, *values):
        self.values = np.array(values)

    def member_values(self, flavour, jets):
        return np.repeat(self.values[:, None], len(jets), axis=1)


def sample(scores, weight=None):
    n = len(scores)
    ones = np.ones(n, np.float32)
    of = Jets(30 * ones, ones, np.array(scores, np.float32), np.zeros(n, np.int8))
    return InclusiveJets(np.arange(n), np.ones(n) if weight is None else np.array(weight), of)


def rising(flavour, jets):
    return 1.0 + jets.discriminant.astype(float)


def report(jets, ensemble=None, table=None, other=None):
    other, binned = other or {}, BinnedScaleFactor({"b": table or by_hand()}, ())
    results = SimpleNamespace(deepsf=ensemble or Members(1.0, 1.2), other=other, binned=binned)
    methods = {NONE: no_scale_factor, "binned": binned.evaluate, DEEPSF: None, **other, TRUTH: rising}
    return by_working_point(results, methods, {"b": jets}, POINTS)


def test_bins_are_named_by_working_points_whatever_their_order():
    assert bin_names(POINTS) == ["below L", "L-M", "M-T", "above T"]
    assert bin_names({"M": 0.5}) == ["below M", "above M"]


def test_a_jet_at_a_threshold_fails_and_an_invalid_one_is_below_all():
    found = report(sample([-1.0, 0.1, 0.25, 0.5, 0.95]))[NONE]["b"]
    assert {name: figures["n_jets"] for name, figures in found.items()} == {"below L": 2, "L-M": 2, "above T": 1}
    at_threshold = by_working_point(
        SimpleNamespace(deepsf=Members(1.0), other={}, binned=BinnedScaleFactor({}, ())),
        {NONE: no_scale_factor, TRUTH: rising}, {"b": sample([0.5, 0.75])}, {"M": 0.5},
    )  # fmt: skip
    assert [figures["truth"] for figures in at_threshold[NONE]["b"].values()] == [1.5, 1.75]


def test_means_are_weighted_and_have_the_rms_to_the_truth():
    found = report(sample([0.25, 0.5], weight=[3.0, 1.0]))[NONE]["b"]["L-M"]
    assert (found["value"], found["above"]) == (1.0, 0.2)
    assert found["truth"] == pytest.approx((3 * 1.25 + 1.5) / 4)
    assert found["rms"] == pytest.approx(np.sqrt((0.25**2 + 0.5**2) / 2))
    assert found["error"] == 0.0


def test_the_error_of_an_ensemble_is_that_of_its_mean_over_trainings():
    found = report(sample([0.25, 0.5]), Members(1.0, 1.2, 1.4), other={"direct": Members(2.0)})
    assert found[DEEPSF]["b"]["L-M"]["value"] == pytest.approx(1.2)
    assert found[DEEPSF]["b"]["L-M"]["error"] == pytest.approx(0.2 / np.sqrt(3))
    assert found["direct"]["b"]["L-M"]["error"] is None  # a single training knows none


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
