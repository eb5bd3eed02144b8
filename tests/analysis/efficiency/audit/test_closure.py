"""Predicted against direct yields of the same events: sums by hand, and statistics of pulls."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.efficiency.audit.closure import INCLUSIVE, TOTAL, TRUTH, n_tag_yields, region_yields
from tests.analysis.efficiency.events.hand_events import hand_events, model

EDGES = {"delta_r": np.array([0.0, 1.0, 2.0])}


@pytest.fixture
def events():
    """Two pairs at DeltaR 0.5, one at 1.5, and a lone jet."""
    return hand_events(
        [
            [(90, 0.0, 0.0, "b", 1), (50, 0.5, 0.0, "b", 1)],
            [(90, 0.0, 0.0, "b", 0), (50, 0.5, 0.0, "c", 1)],
            [(90, 0.0, 0.0, "c", 1), (50, 1.5, 0.0, "b", 1)],
            [(70, 0.0, 0.0, "b", 1)],
        ],
        weight=[1.0, 2.0, -1.0, 1.0],
    )


EFFICIENCY = np.array([0.8, 0.5, 0.6, 0.1, 0.2, 0.7, 0.9])


def test_yields_pulls_and_chi2_by_hand(events):
    found = region_yields(events, {"map": model(EFFICIENCY)}, None, EDGES, 0)["2tag"]["delta_r"]
    yields = found.models["map"]
    # w = 0.40, 0.06, 0.14 with g = 1, 2, -1; both jets are tagged in events 0 and 2
    np.testing.assert_allclose(found.direct[0], [1.0, -1.0])
    np.testing.assert_allclose(found.direct_variance[0], [1.0, 1.0])
    np.testing.assert_allclose(yields.predicted[0], [0.40 + 0.12, -0.14], rtol=1e-6)
    np.testing.assert_allclose(yields.sum_w2[0], [0.16 + 0.0144, 0.0196], rtol=1e-6)
    variance = np.array([0.4 * 0.6 + 4 * 0.06 * 0.94, 0.14 * 0.86])
    np.testing.assert_allclose(yields.variance[0], variance, rtol=1e-6)
    pulls = np.array([0.52 - 1.0, -0.14 + 1.0]) / np.sqrt(variance)
    np.testing.assert_allclose(found.pulls("map")[0], pulls, rtol=1e-6)
    assert found.chi2("map") == (pytest.approx(np.sum(pulls**2)), 2)


def test_flavour_pairs_add_up_to_all_but_lone_jets(events):
    regions = region_yields(events, {"map": model(EFFICIENCY)}, None, EDGES, 0)
    one_tag = regions["1tag"][TOTAL]
    of_pair = dict(zip(one_tag.categories, one_tag.models["map"].predicted[:, 0], strict=True))
    np.testing.assert_allclose(of_pair["b_b"], 0.8, rtol=1e-6)
    # the b of event 1 and the c of event 2 lead: 2 0.6 - 0.2
    np.testing.assert_allclose(of_pair["b_c"], 1.0, rtol=1e-6)
    np.testing.assert_allclose(of_pair[INCLUSIVE], 0.8 + 1.0 + 0.9, rtol=1e-6)
    # the lone jet has no DeltaR, and no second tag
    assert regions["1tag"]["delta_r"].direct[0].sum() == 1.0 - 1.0
    assert regions["2tag"][TOTAL].direct[0, 0] == 0.0


def test_bins_where_nothing_is_predicted_do_not_count(events):
    found = region_yields(events, {"map": model(EFFICIENCY)}, None, {"delta_r": np.array([0.0, 1.0, 2.0, 3.0])}, 0)
    yields = found["2tag"]["delta_r"]
    assert np.isnan(yields.pulls("map")[0, 2])
    assert yields.chi2("map")[1] == 2


def test_ratio_to_the_truth_has_no_fluctuation(events):
    truth = EFFICIENCY[:, None]
    found = region_yields(events, {"map": model(1.1 * EFFICIENCY)}, truth, EDGES, 0)
    np.testing.assert_allclose(found["1tag"]["delta_r"].ratio("map")[0], 1.1, rtol=1e-6)
    np.testing.assert_allclose(found["2tag"]["delta_r"].ratio("map")[0], 1.21, rtol=1e-6)
    assert found["2tag"][TOTAL].ratio("map", "b_b")[0] == pytest.approx(1.21)


def test_the_error_of_the_efficiencies_is_common_to_all_events():
    jets = [[(90, 0.0, 0.0, "b", 1), (50, 0.5, 0.0, "b", 1)]] * 50
    members = np.multiply.outer([0.9, 1.0, 1.1], np.full(100, 0.5))
    found = region_yields(hand_events(jets), {"net": model(None, members)}, None, EDGES, 0)["1tag"][TOTAL]
    # members predict 22.5, 25, 27.5: V_eff = 6.25, far above sum w^2 / N
    np.testing.assert_allclose(found.models["net"].v_eff[0], 6.25, rtol=1e-5)
    np.testing.assert_allclose(found.models["net"].error[0], np.sqrt(50 * 0.25 + 6.25), rtol=1e-5)
    # expected direct variance 25
    np.testing.assert_allclose(found.models["net"].gain[0], 25 / 12.5, rtol=1e-5)
    np.testing.assert_allclose(found.models["net"].total_gain[0], 25 / (12.5 + 6.25), rtol=1e-5)


def test_without_members_there_is_no_v_eff(events):
    yields = region_yields(events, {"map": model(EFFICIENCY)}, None, EDGES, 0)["1tag"][TOTAL].models["map"]
    assert yields.v_eff is None
    assert yields.total_gain is None
    np.testing.assert_allclose(yields.error**2, yields.sum_w2)


def toy_like(n_events, seed, signed):
    rng = np.random.default_rng(seed)
    efficiency = rng.uniform(0.05, 0.8, 2 * n_events)
    tags = (rng.random(2 * n_events) < efficiency).astype(int)
    eta = rng.uniform(0, 2, n_events)
    jets = [[(90, 0.0, 0.0, "b", tags[2 * k]), (50, eta[k], 0.0, "c", tags[2 * k + 1])] for k in range(n_events)]
    weight = np.where(rng.random(n_events) < 0.2, -1.0, 1.0) if signed else None
    return hand_events(jets, weight=weight), efficiency


@pytest.mark.parametrize("signed", [False, True])
def test_pulls_of_the_true_efficiencies_are_normal_with_negative_weights_too(signed):
    edges = {"delta_r": np.linspace(0, 2, 101)}
    events, efficiency = toy_like(6000, 5, signed)
    found = region_yields(events, {"oracle": model(efficiency)}, None, edges, 0)
    for region in ("1tag", "2tag"):
        pulls = found[region]["delta_r"].pulls("oracle")[0]
        # 100 normal numbers: mean within 0.3, chi2 within 100 +- 3 sqrt(200)
        assert abs(pulls.mean()) < 0.3
        assert 58 < np.sum(pulls**2) < 142
        wrong = region_yields(events, {"wrong": model(np.minimum(1.3 * efficiency, 1))}, None, edges, 0)
        assert np.sum(wrong[region]["delta_r"].pulls("wrong")[0] ** 2) > 150


def test_numbers_of_tags_by_hand():
    jets = [[(90 - k, 0.0, 0.5 * k, "b", k < 2) for k in range(5)], [(90, 0.0, 0.0, "b", 0)]]
    events = hand_events(jets, weight=[2.0, 1.0])
    found = n_tag_yields(events, {"map": model([0.5] * 5 + [0.3])}, None, 0)
    binomial = np.array([1, 5, 10, 10, 6]) / 32
    np.testing.assert_allclose(found.models["map"].predicted[0], 2 * binomial + [0.7, 0.3, 0, 0, 0], rtol=1e-6)
    np.testing.assert_allclose(found.direct[0], [1, 0, 2, 0, 0])
    np.testing.assert_allclose(found.direct_variance[0], [1, 0, 4, 0, 0])
    variance = 4 * binomial * (1 - binomial) + [0.21, 0.21, 0, 0, 0]
    np.testing.assert_allclose(found.models["map"].variance[0], variance, rtol=1e-6)


def test_working_points_have_closures_of_their_own():
    events = hand_events([[(90, 0.0, 0.0, "b", 2)], [(90, 0.0, 0.0, "b", 1)]], working_points=("L", "T"))
    both = model([0.5, 0.5])._replace(mean=np.array([[0.8, 0.4], [0.6, 0.2]], np.float32))
    loose, tight = (region_yields(events, {"net": both}, None, EDGES, point)["1tag"][TOTAL] for point in (0, 1))
    assert (loose.direct[0, 0], tight.direct[0, 0]) == (2.0, 1.0)
    np.testing.assert_allclose([loose.models["net"].predicted[0, 0], tight.models["net"].predicted[0, 0]], [1.4, 0.6])
    assert TRUTH not in tight.models


def test_efficiencies_of_other_events_are_refused(events):
    with pytest.raises(ValueError, match=r"efficiencies of map have the shape \(3, 1\), the events 7 jets and 1"):
        region_yields(events, {"map": model([0.1, 0.2, 0.3])}, None, EDGES, 0)
    with pytest.raises(ValueError, match=r"efficiencies of truth have the shape \(7, 2\)"):
        n_tag_yields(events, {}, np.zeros((7, 2)), 0)


def test_a_sample_without_jets_is_refused():
    empty = hand_events([[(90, 0.0, 0.0, "b", 1)]]).select(np.array([False]))
    with pytest.raises(ValueError, match="none of the events has a jet"):
        region_yields(empty, {}, None, EDGES, 0)
