"""Scale factors of truth-tagged events: bins from cuts, both routes to the yield of data, correctionlib files."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.efficiency.events.events import offsets_of
from deepsf.efficiency.truth_tagging.draws import NOT_DRAWN, draw_bins, draw_pattern
from deepsf.efficiency.truth_tagging.probabilities import at_least, exactly
from deepsf.efficiency.truth_tagging.scale_factors import (
    TaggedJets,
    bin_probabilities,
    data_efficiencies,
    drawn_scale_factor,
    of_working_points,
    scale_factors_in_bins,
)
from tests.oracles.truth_tagging import FunctionOfBin


def sample(n=20_000, seed=1, n_points=3):
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 7, n)
    offsets = offsets_of(counts)
    total = offsets[-1]
    loosest = rng.choice([0.8, 0.2, 0.02], total) * rng.uniform(0.8, 1.2, total)
    efficiency = loosest[:, None] * np.array([1.0, 0.7, 0.4])[:n_points]
    jets = TaggedJets(rng.choice([5, 4, 0], total), rng.uniform(0, 2.4, total), rng.uniform(20, 300, total))
    return efficiency, offsets, np.arange(n, dtype=np.uint64), jets, rng.random(total) < 0.8


def of_bin(flavour, pt_gev, abseta, tag_bin):
    return 1.0 + 0.001 * flavour + 0.1 * (tag_bin - 1) + 1e-4 * pt_gev + 0.01 * abseta


def test_bins_from_cuts_by_hand():
    # 1 - 0.9 x 0.5 = 0.55 of data fail, of 0.5; 0.45 - 1.2 x 0.2 = 0.21 in between, of 0.3; 0.24 pass, of 0.2
    efficiency, cuts = np.array([[0.5, 0.2]]), np.array([[0.9, 1.2]])
    np.testing.assert_allclose(of_working_points(cuts, efficiency), [[1.1, 0.7, 1.2]])
    np.testing.assert_allclose(bin_probabilities(efficiency), [[0.5, 0.3, 0.2]])


def test_scale_factors_from_cuts_have_mean_one_and_give_back_the_efficiency_of_data():
    efficiency = sample()[0]
    cuts = np.random.default_rng(2).uniform(0.9, 1.1, efficiency.shape)
    in_bins = of_working_points(cuts, efficiency)
    np.testing.assert_allclose((bin_probabilities(efficiency) * in_bins).sum(axis=1), 1.0, rtol=1e-12)
    for point in range(3):
        tagged, untagged = data_efficiencies(efficiency, in_bins, point)
        np.testing.assert_allclose(tagged, cuts[:, point] * efficiency[:, point], rtol=1e-9)
        np.testing.assert_allclose(untagged, 1 - tagged, rtol=1e-9)


def test_a_bin_that_no_jet_is_in_has_scale_factor_one():
    found = of_working_points(np.array([[1.1, 0.8]]), np.array([[0.4, 0.4]]))
    np.testing.assert_allclose(found[0, 1], 1.0)
    assert np.isfinite(found).all()


@pytest.mark.parametrize(("n", "or_more"), [(1, False), (2, True), (0, False)])
def test_both_routes_to_data_agree_and_the_recomputed_one_has_less_variance(n, or_more):
    efficiency, offsets, event, jets, mask = sample()
    in_bins = scale_factors_in_bins(FunctionOfBin(of_bin).of_jets(jets.choose(mask)), efficiency, mask)
    probability = (at_least if or_more else exactly)(efficiency[:, 1], offsets, n, mask)
    drawn = draw_pattern(efficiency[:, 1], offsets, event, n, at_least=or_more, seed=1, taggable=mask)
    bins = draw_bins(efficiency, offsets, event, drawn.tagged, 1, seed=1, taggable=mask)
    by_draw = probability * drawn_scale_factor(in_bins, bins, offsets)
    tagged, untagged = data_efficiencies(efficiency, in_bins, 1)
    recomputed = (at_least if or_more else exactly)(tagged, offsets, n, mask, untagged)
    difference = by_draw - recomputed
    assert abs(difference.sum()) < 2 * np.sqrt(np.sum(difference**2))
    assert np.sum(difference**2) > 0
    assert np.sum(recomputed**2) < np.sum(by_draw**2)


def test_the_recomputed_route_is_the_mean_over_draws_of_one_event():
    n = 200_000
    one = np.array([[0.6, 0.3], [0.3, 0.05], [0.1, 0.02]])
    efficiency, offsets = np.tile(one, (n, 1)), offsets_of(np.full(n, 3))
    in_bins = np.tile(np.array([[0.8, 1.1, 1.4], [1.05, 0.9, 0.7], [1.0, 1.3, 1.2]]), (n, 1))
    event = np.arange(n, dtype=np.uint64)
    tagged = draw_pattern(efficiency[:, 0], offsets, event, 2, at_least=True, seed=1).tagged
    factor = drawn_scale_factor(in_bins, draw_bins(efficiency, offsets, event, tagged, 0, seed=1), offsets)
    weight = at_least(efficiency[:3, 0], offsets[:2], 2)[0]
    in_data, untagged = data_efficiencies(one, in_bins[:3], 0)
    expected = at_least(in_data, offsets[:2], 2, None, untagged)[0]
    assert abs(weight * factor.mean() - expected) < 4 * weight * factor.std() / np.sqrt(n)


def test_unit_scale_factors_change_nothing():
    efficiency, offsets, event, _, mask = sample(500)
    ones = np.ones((len(efficiency), 4))
    tagged, untagged = data_efficiencies(efficiency, ones, 2)
    np.testing.assert_allclose(
        at_least(tagged, offsets, 2, mask, untagged), at_least(efficiency[:, 2], offsets, 2, mask), rtol=1e-10, atol=0
    )
    bins = draw_bins(efficiency, offsets, event, np.zeros(len(mask), bool), 2, seed=1, taggable=mask)
    np.testing.assert_array_equal(drawn_scale_factor(ones, bins, offsets), 1.0)


def test_the_drawn_scale_factor_is_a_product_over_taggable_jets():
    in_bins = np.array([[0.5, 2.0], [3.0, 5.0], [7.0, 11.0], [13.0, 17.0]])
    bins = np.array([1, 0, NOT_DRAWN, 1], np.int8)
    np.testing.assert_array_equal(drawn_scale_factor(in_bins, bins, np.array([0, 3, 3, 4])), [6.0, 1.0, 17.0])


def test_jets_that_are_not_taggable_need_no_scale_factor():
    efficiency, _, _, jets, mask = sample(100)

    def only_taggable(flavour, pt_gev, abseta, tag_bin):
        assert len(pt_gev) == mask.sum()
        return np.full(len(pt_gev), 2.0)

    found = scale_factors_in_bins(FunctionOfBin(only_taggable).of_jets(jets.choose(mask)), efficiency, mask)
    assert (found[mask] == 2).all()
    assert (found[~mask] == 1).all()
