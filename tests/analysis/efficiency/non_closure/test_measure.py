"""The non-closure of efficiencies: cells by hand, and a bias that is put in is found with its size."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from deepsf.efficiency.evaluation import ModelEfficiencies
from deepsf.efficiency.non_closure.measure import measure
from tests.analysis.efficiency.events.hand_events import hand_events, model

PT, DELTA_R = np.array([20.0, 50.0, 100.0]), np.array([0.0, 1.0, 2.0])


def lone_jets(n_tagged, n_jets=100, flavour="b"):
    jets = [[(30, 0.0, 0.0, flavour, 1)]] * n_tagged + [[(30, 0.0, 0.0, flavour, 0)]] * (n_jets - n_tagged)
    return hand_events(jets)


def test_a_cell_by_hand():
    members = np.multiply.outer([0.78, 0.82], np.ones(100))
    found = measure(lone_jets(60), model(None, members), PT, DELTA_R).of("M")
    # lone jets are in the last bin of DeltaR; 80 predicted, 60 tagged
    cell = (0, 0, 1)
    spread = 4 / np.sqrt(2) / 80
    assert found.deviation[cell] == pytest.approx(20 / 80)
    assert found.statistical[cell] == pytest.approx(np.sqrt(100 * 0.8 * 0.2) / 80)
    assert found.spread[cell] == pytest.approx(spread, rel=1e-4)
    # one deviation: d^2 = s^2 + tau^2, and the bias is d tau^2 / (s^2 + tau^2)
    tau2 = 0.25**2 - 0.05**2 - spread**2
    assert found.tau2[0] == pytest.approx(tau2, rel=1e-4)
    assert found.mean[cell] == pytest.approx(tau2 / 0.25, rel=1e-4)
    assert found.systematic[cell] ** 2 == pytest.approx((tau2 / 0.25) ** 2 + tau2 * (1 - tau2 / 0.25**2), rel=1e-4)
    # cells without jets have what the others scatter by; flavours without jets have nothing
    assert np.isnan(found.deviation[0, 1, 0])
    assert found.systematic[0, 1, 0] ** 2 == pytest.approx(tau2, rel=1e-4)
    assert np.isnan(found.tau2[1:]).all()
    assert np.isnan(found.systematic[1]).all()


def test_what_tags_and_spread_explain_is_no_non_closure():
    found = measure(lone_jets(78), model(np.full(100, 0.8)), PT, DELTA_R).of("M")
    # 2 of 80 with an error of 4
    assert (found.tau2[0], found.systematic[0, 0, 1]) == (0.0, 0.0)


def test_cells_of_few_tags_do_not_fake_scatter():
    # one predicted, five tagged: 4 errors if it were Gaussian, p = 0.004 in truth
    found = measure(lone_jets(5), model(np.full(100, 0.01)), PT, DELTA_R).of("M")
    assert found.statistical[0, 0, 1] == pytest.approx(np.sqrt(0.99))
    assert np.isnan(found.tau2[0])


def scattered(bias, n_jets=200_000, seed=1):
    """Lone jets of an efficiency of 0.3 in 16 bins of pT, predicted with a bias of their own in each."""
    rng = np.random.default_rng(seed)
    place = np.arange(n_jets) % len(bias)
    events = replace(
        hand_events([[(30, 0.0, 0.0, "b", 0)]] * n_jets),
        pt_gev=(20.5 + place).astype(np.float32),
        tag_bin=(rng.random(n_jets) < 0.3).astype(np.int8),
    )
    return events, model(0.3 / (1 - bias[place])), np.arange(20.0, 21.0 + len(bias))


def test_biases_that_are_put_in_are_found():
    bias = np.tile([0.06, -0.05, 0.02, -0.03], 4)
    found = measure(*scattered(bias), DELTA_R).of("M")
    # 12500 jets a cell: errors of 1.4 %
    assert found.tau2[0] == pytest.approx(np.mean(bias**2), abs=3 * found.tau2_error[0])
    assert found.significance[0] > 5
    assert np.sqrt(np.mean((found.mean[0, :, 1] - bias) ** 2)) < 0.014
    closed = measure(*scattered(np.zeros(16)), DELTA_R).of("M")
    assert closed.tau2[0] < 2 * closed.tau2_error[0]
    assert abs(closed.significance[0]) < 3


def test_efficiencies_of_other_events_are_refused():
    with pytest.raises(
        ValueError, match=r"efficiencies of shape \(3, 1\), the events have 100 jets and 1 working points"
    ):
        measure(lone_jets(60), ModelEfficiencies(np.ones((3, 1), np.float32)), PT, DELTA_R)
