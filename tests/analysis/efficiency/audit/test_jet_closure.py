"""Efficiencies jet by jet: deviations by hand, curves against tags."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2

from deepsf.efficiency.audit.jet_closure import (
    calibration,
    divergence,
    jet_profiles,
    jet_variables,
    relative_mad,
    reliability,
)
from tests.analysis.efficiency.events.hand_events import hand_events, model

FLAVOUR = np.array([0, 0, 2], np.int8)


def test_mean_absolute_deviation_over_mean_truth_by_flavour():
    found = relative_mad(np.array([0.5, 0.8, 0.03]), np.array([0.6, 0.6, 0.02]), FLAVOUR, 3)
    # (0.1 + 0.2) / 1.2; no jets; 0.01 / 0.02
    np.testing.assert_allclose(found, [0.25, np.nan, 0.5])


def test_calibration_is_weighted():
    found = calibration(np.array([0.5, 0.8, 0.03]), np.array([0.6, 0.6, 0.02]), np.array([3.0, -1.0, 1.0]), FLAVOUR, 3)
    np.testing.assert_allclose(found, [0.7 / 1.2 - 1, np.nan, 0.5])


def test_divergence_of_a_single_working_point_by_hand():
    found = divergence(np.array([[0.4], [0.5]]), np.array([[0.5], [0.5]]))
    np.testing.assert_allclose(found, [0.5 * np.log(0.5 / 0.4) + 0.5 * np.log(0.5 / 0.6), 0.0], atol=1e-15)


def test_divergence_of_several_working_points_is_that_of_their_bins():
    true, predicted = np.array([[0.7, 0.2]]), np.array([[0.6, 0.3]])
    p, q = np.array([0.3, 0.5, 0.2]), np.array([0.4, 0.3, 0.3])
    np.testing.assert_allclose(divergence(predicted, true), np.sum(p * np.log(p / q)))


def test_divergence_of_impossible_predictions_is_large_but_finite():
    assert 5 < divergence(np.array([[0.0]], np.float32), np.array([[0.5]]))[0] < 20


def test_what_profiles_show_by_hand():
    events = hand_events(
        [
            [(30, 0.0, 0.0, "b", 1), (25, 0.4, 0.3, "b", 0)],
            [(80, 0.0, 0.0, "b", 1)],
        ],
        weight=[1.0, 3.0],
    )
    np.testing.assert_allclose(jet_variables(events)["delta_r"], [0.5, 0.5, np.inf], rtol=1e-6)
    net = model(None, [[0.5, 0.7, 0.9], [0.7, 0.7, 0.7]])
    edges = {"pt_gev": np.array([20.0, 50.0, 100.0]), "delta_r": np.array([0.0, 1.0, 2.0])}
    found = jet_profiles(events, {"net": net}, np.array([[0.6], [0.8], [0.9]]), edges, 0)
    pt = found["pt_gev"]
    np.testing.assert_allclose(pt.models["net"][0], [(0.6 + 0.7) / 2, 0.8], rtol=1e-6)
    np.testing.assert_allclose(pt.models["truth"][0], [0.7, 0.9])
    np.testing.assert_allclose(pt.tag_rate[0], [0.5, 1.0])
    np.testing.assert_allclose(pt.tag_error[0], [np.sqrt(0.25 / 2), 0.0])
    # members say 0.6 and 0.7 in the first bin, 0.9 and 0.7 in the second
    np.testing.assert_allclose(pt.spread["net"][0], [0.1 / np.sqrt(2), 0.2 / np.sqrt(2)], rtol=1e-5)
    np.testing.assert_allclose(pt.weight[0], [2.0, 3.0])
    assert np.isnan(pt.models["net"][1:]).all()
    # lone jets are in the last bin of DeltaR
    np.testing.assert_allclose(found["delta_r"].weight[0], [2.0, 3.0])


@pytest.fixture(scope="module")
def calibrated():
    """Jets with efficiencies 0.2 to 0.8, a tenth of weight -1."""
    rng = np.random.default_rng(3)
    efficiency = rng.uniform(0.2, 0.8, 20_000)
    tags = (rng.random(20_000) < efficiency).astype(int)
    weight = np.where(rng.random(20_000) < 0.1, -1.0, 1.0)
    return hand_events([[(50, 0.0, 0.0, "c", t)] for t in tags], weight=weight), efficiency[:, None]


def test_reliability_of_true_efficiencies_has_a_chi2_of_its_ten_bins(calibrated):
    events, efficiency = calibrated
    found = reliability(events, efficiency, 0)
    assert found.ndf.tolist() == [0, 10, 0]
    assert chi2.sf(found.chi2[1], 10) > 0.01
    np.testing.assert_allclose(found.predicted[1], np.linspace(0.23, 0.77, 10), atol=0.01)
    assert np.all(np.abs(found.predicted[1] - found.tag_rate[1]) < 4 * found.error[1])


def test_reliability_of_wrong_efficiencies_fails(calibrated):
    events, efficiency = calibrated
    assert chi2.sf(reliability(events, 0.5 + 0.8 * (efficiency - 0.5), 0).chi2[1], 10) < 1e-4


def test_a_constant_prediction_has_one_bin(calibrated):
    events, efficiency = calibrated
    found = reliability(events, np.full_like(efficiency, 0.5), 0)
    assert found.ndf[1] == 1
    assert np.isfinite(found.predicted[1]).sum() == 1
