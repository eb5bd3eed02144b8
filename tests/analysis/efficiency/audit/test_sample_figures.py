"""Numbers of a sample by hand: jets, deviations, calibration, sums over numbers of tags, tables."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.efficiency.audit.closure import n_tag_yields, region_yields
from deepsf.efficiency.audit.results import SampleClosure
from deepsf.efficiency.audit.sample_figures import sample_figures, sum_of_probabilities, tables
from tests.analysis.efficiency.events.hand_events import hand_events, model


@pytest.fixture
def events():
    """Two b jets, one of them at 40 GeV, and a light one; the second event weighs -1."""
    return hand_events(
        [[(90, 0.0, 0.0, "b", 1), (40, 0.5, 0.0, "udsg", 0)], [(50, 0.0, 0.0, "b", 0)]], weight=[2.0, -1.0]
    )


TRUTH = np.array([[0.8], [0.1], [0.5]])
NET = model([0.7, 0.15, 0.6])


def test_jets_and_tags_are_counted_by_flavour(events):
    figures = sample_figures(events, TRUTH, {"net": NET}, 0, 60.0)
    assert figures.n_jets.tolist() == [2, 0, 1]
    assert figures.n_tags.tolist() == [[1], [0], [0]]
    np.testing.assert_allclose(figures.mean_truth, [0.65, np.nan, 0.1])


def test_deviations_count_every_jet_once_and_calibration_is_weighted(events):
    figures = sample_figures(events, TRUTH, {"net": NET}, 0, 60.0)
    np.testing.assert_allclose(figures.mad["net"][:, 0], [0.2 / 1.3, np.nan, 0.5], rtol=1e-6)
    np.testing.assert_allclose(figures.calibration["net"], [(1.4 - 0.6) / (1.6 - 0.5) - 1, np.nan, 0.5], rtol=1e-6)
    # of b jets one tag of weight 2
    np.testing.assert_allclose(figures.tag_calibration["net"][0], (1.4 - 0.6) / 2 - 1, rtol=1e-6)
    # below 60 GeV: the b jet of weight -1, whose ratio has no meaning, and the light one
    np.testing.assert_allclose(figures.low_pt["net"], [np.nan, np.nan, 0.5], rtol=1e-6)


def test_tags_are_compared_to_their_expectation(events):
    pull = sample_figures(events, TRUTH, {"net": NET}, 0, 60.0).tag_rate_pull
    variance = 4 * 0.8 * 0.2 + 0.5 * 0.5
    assert pull[0] == pytest.approx((2 * (1 - 0.8) - (0 - 0.5)) / np.sqrt(variance))
    assert pull[2] == pytest.approx(2 * (0 - 0.1) / np.sqrt(4 * 0.1 * 0.9))


def test_without_truth_tags_are_the_reference(events):
    figures = sample_figures(events, None, {"net": NET}, 0, 60.0)
    assert (figures.mean_truth, figures.tag_rate_pull, figures.mad, figures.divergence) == (None, None, {}, {})
    np.testing.assert_array_equal(figures.calibration["net"], figures.tag_calibration["net"])


def test_probabilities_of_all_numbers_of_tags_add_up(events):
    assert sum_of_probabilities(events, TRUTH, 0) < 1e-15


def test_tables_name_flavours_regions_and_categories(events):
    models = {"net": NET}
    edges = {"delta_r": np.array([0.0, 1.0, 2.0])}
    regions = region_yields(events, models, TRUTH, edges, 0)
    closure = SampleClosure(2, 1.0, True, regions, n_tag_yields(events, models, TRUTH, 0), {})
    figures = sample_figures(events, TRUTH, models, 0, 60.0)
    table = tables({"test": figures}, {"test": closure}, events.flavours)["test"]
    assert table["events"] == 2
    assert table["jets"] == {"b": 2, "c": 0, "udsg": 1}
    assert table["mad"]["net"]["udsg"][0] == pytest.approx(0.5, rel=1e-6)
    pulls = regions["1tag"]["delta_r"].pulls("net")[0]
    entry = table["closure_chi2"]["1tag"]["delta_r"]["net"]["inclusive"]
    assert entry == {"chi2": pytest.approx(np.nansum(pulls**2)), "ndf": int(np.isfinite(pulls).sum())}
    assert set(table["closure_chi2"]["n_tags"]["n_tags"]) == {"net", "truth"}
    gain = table["gain"]["1tag"]["net"]["inclusive"]
    assert gain["sum_w2_alone"] == pytest.approx(regions["1tag"]["total"].models["net"].gain[0, 0])
    assert gain["with_v_eff"] is None
