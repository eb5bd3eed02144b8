"""Rows from a sample's numbers: each is what its name says, and those that need more than there is are not there."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.efficiency.audit.results import EfficiencyClosure
from deepsf.efficiency.audit.sample_figures import sample_figures
from deepsf.efficiency.audit.sample_rows import Findings, coverage_rows, sample_rows
from tests.analysis.efficiency.audit.audited_toy import CONFIG, FLAVOURS, result, samples

PAIRS = ("b_b", "b_c", "b_udsg", "c_c", "c_udsg", "udsg_udsg")


@pytest.fixture(scope="module")
def findings():
    closure = EfficiencyClosure.from_json(result().closure)
    figures = {name: sample_figures(*sample[:3], 0, 60.0) for name, sample in samples().items()}
    return Findings(figures, closure, ("M",), 0)


@pytest.fixture(scope="module")
def values(findings):
    return {name: row.value for name, row in sample_rows(findings).items()}


def test_rows_are_those_that_the_campaign_says(values):
    elsewhere = ("coverage.", "truth_tagging.", "working_points.", "symmetry.", "out_of_range.", "toy.scalar.")
    elsewhere += ("untagged_weight.", "hidden_variable.", "ratio.", "export.", "ensemble.")
    elsewhere += ("non_closure.", "convergence.")
    expected = CONFIG.efficiency.row_names(CONFIG.flavours)
    assert set(values) == {name for name in expected if not name.startswith(elsewhere)}


def test_deviations_and_calibrations_are_in_percent(findings, values):
    mad = findings.test.mad
    for number, flavour in enumerate(FLAVOURS):
        assert values[f"deviation.map.{flavour}"] == 100 * mad["map"][number, 0]
        over = mad["gnn"][number, 0] / mad["closest_jet"][number, 0]
        assert values[f"deviation.gnn.{flavour}.over_closest_jet"] == over
        assert values[f"calibration.all_jets.{flavour}"] == 100 * findings.test.calibration["gnn"][number]
        cross_fitted = findings.figures["train"].tag_calibration["gnn"][number]
        assert values[f"calibration.cross_fit.{flavour}"] == 100 * cross_fitted
        transfer = findings.figures["scalar"].mad["gnn"][number, 0] / mad["gnn"][number, 0]
        assert values[f"transfer.deviation.{flavour}.over_test"] == transfer


def test_the_gap_is_that_of_the_map_and_closed_by_the_truth(findings, values):
    divergence = findings.test.divergence
    assert values["cross_entropy.gap_closed.pairwise"] == 1 - divergence["pairwise"] / divergence["map"]
    assert "cross_entropy.gap_closed.map" not in values


@pytest.mark.parametrize("region", ["1tag", "2tag"])
def test_closure_is_that_of_its_region_sample_and_model(findings, values, region):
    for check, sample in (("closure", "test"), ("transfer", "scalar")):
        yields = findings.closure.samples[sample].regions[region]["delta_r"]
        for quantity, model in (("chi2", "gnn"), ("chi2_map", "map"), ("chi2_truth", "truth")):
            chi2, ndf = yields.chi2(model)
            assert values[f"{check}.delta_r.{region}.{quantity}"] == chi2 / ndf
    deviation = 100 * np.abs(findings.yields(region, "delta_r").ratio("gnn") - 1)
    assert values[f"closure.delta_r.{region}.deviation_first_bin"] == deviation[0]
    assert values[f"closure.delta_r.{region}.deviation"] == deviation[1:].max()
    eta = findings.yields(region, "eta")
    (chi2, ndf), (of_truth, _) = eta.chi2("gnn"), eta.chi2("truth")
    assert values[f"closure.eta.{region}.chi2_above_truth"] == pytest.approx((chi2 - of_truth) / ndf)


def test_gains_are_of_two_tags_by_category(findings, values):
    total = findings.yields("2tag", "total").models["gnn"]
    for number, category in enumerate(("all", *PAIRS)):
        assert values[f"gain.sum_w2_alone.{category}"] == total.gain[number, 0]
        assert values[f"gain.with_v_eff.{category}"] == total.total_gain[number, 0]


def test_correlations_are_the_largest_of_all_pairs(findings, values):
    for model in ("gnn", "map", "truth"):
        significance = findings.closure.correlation[model].significance
        assert values[f"correlation.significance.{model}"] == np.nanmax(np.abs(significance))
    assert values["correlation.injected.b_c"] == findings.closure.correlation["injected"].significance[1]


def test_without_spread_truth_or_another_sample_their_rows_are_not_there(findings):
    test = samples()["test"]
    figures = {"test": sample_figures(test.events, None, test.models, 0, 60.0)}
    closure = findings.closure._replace(
        samples={"test": findings.closure.samples["test"]._replace(has_truth=False)}, spread=None
    )
    rows = sample_rows(Findings(figures, closure, ("M",), 0))
    needing_more = ("toy.", "deviation.", "cross_entropy.", "transfer.", "spread.", "calibration.cross_fit")
    assert not [name for name in rows if name.startswith(needing_more) or name.endswith("above_truth")]
    assert "closure.n_jets.2tag.chi2_closest_jet" in rows


def test_coverage_is_with_and_without_the_error_of_the_efficiencies():
    coverage = {"all": {"with_v_eff": 0.9, "without_v_eff": 1.5}, "b_b": {"with_v_eff": 1.1, "without_v_eff": 1.2}}
    rows = {name: row.value for name, row in coverage_rows(coverage).items()}
    assert rows == {
        "coverage.with_v_eff.all": 0.9,
        "coverage.sum_w2_alone.all": 1.5,
        "coverage.with_v_eff.b_b": 1.1,
        "coverage.sum_w2_alone.b_b": 1.2,
    }
