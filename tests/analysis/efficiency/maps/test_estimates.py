"""The arithmetic of efficiency maps, by hand: sums, efficiencies of bins, neighbours that fill in, intervals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from deepsf.efficiency.maps.estimates import (
    ONE_SIGMA,
    Ratio,
    Sums,
    clopper_pearson,
    efficiencies,
    fill,
    inclusive,
    ratio,
)


def sums(jets, squared=None):
    """Sums of one flavour and one pT bin, ``jets`` by eta and tag bin."""
    weight = np.array(jets, np.float64)[None, None]
    return Sums(weight, weight if squared is None else np.array(squared, np.float64)[None, None])


def test_jets_are_filled_by_bin_and_tag_bin():
    weight = np.array([1.0, 2.0, -1.0, 0.5])
    found = fill(np.array([0, 1, 1, 3]), np.array([1, 0, 0, 2]), weight, weight**2, (2, 2, 3))
    np.testing.assert_array_equal(found.weight, [[[0, 1, 0], [1, 0, 0]], [[0, 0, 0], [0, 0, 0.5]]])
    np.testing.assert_array_equal(found.squared, [[[0, 1, 0], [5, 0, 0]], [[0, 0, 0], [0, 0, 0.25]]])


def test_an_efficiency_counts_all_jets_of_tighter_bins():
    # 5 untagged, 3 in the loose bin, 2 in the tight one; effective number (sum w)^2 / sum w^2
    found = ratio(sums([[5, 3, 2]], squared=[[10, 6, 4]]))
    np.testing.assert_allclose(found.value[0, 0, 0], [0.5, 0.2])
    assert found.n_effective[0, 0, 0] == pytest.approx(100 / 20)


@pytest.mark.parametrize("jets", [[0, 0, 0], [5, -1, 2], [-3, 1, 1]])
def test_bins_without_jets_or_with_a_negative_sum_give_no_efficiency(jets):
    found = ratio(sums([jets], squared=[[1, 1, 1]]))
    assert found.value.tolist() == [[[[0.0, 0.0]]]]
    assert found.n_effective.tolist() == [[[0.0]]]


def test_the_inclusive_efficiency_sums_over_bins_before_it_divides():
    found = inclusive(sums([[9, 1], [10, 30]]))
    np.testing.assert_allclose(found.value, [[31 / 50]])


def test_a_bin_is_shrunk_to_all_eta_and_that_to_the_flavour():
    given = sums([[8, 2], [0, 0]])
    none = np.full((1, 1), np.nan)
    # without prior jets the empty bin takes all eta, here the same as the full one
    np.testing.assert_allclose(efficiencies(given, 0.0, none)[0, 0, :, 0], [0.2, 0.2])
    weight = np.array([[[[8.0, 2.0], [0.0, 0.0]], [[5.0, 5.0], [0.0, 0.0]]]])
    two = Sums(weight, weight)
    flavour = 7 / 20
    all_eta = (0.2 * 10 + 2 * flavour) / 12
    np.testing.assert_allclose(efficiencies(two, 2.0, none)[0, 0, :, 0], [(2 + 2 * all_eta) / 12, all_eta])


def test_a_flavour_without_jets_has_the_efficiency_that_is_given():
    found = efficiencies(sums([[0, 0], [0, 0]]), 0.5, np.array([[0.3]]))
    np.testing.assert_allclose(found[0, 0, :, 0], [0.3, 0.3])


@pytest.mark.parametrize(("n_tagged", "n_jets"), [(0, 8), (3, 8), (8, 8), (1, 1)])
@pytest.mark.parametrize("level", [ONE_SIGMA, 0.9])
def test_interval_ends_leave_a_tail_of_the_binomial_each(n_tagged, n_jets, level):
    low, high = clopper_pearson(Ratio(np.array([[n_tagged / n_jets]]), np.array([float(n_jets)])), level)
    tail = (1 - level) / 2
    assert (low == 0) if n_tagged == 0 else (binom.sf(n_tagged - 1, n_jets, low) == pytest.approx(tail))
    assert (high == 1) if n_tagged == n_jets else (binom.cdf(n_tagged, n_jets, high) == pytest.approx(tail))


def test_intervals_of_several_working_points_share_their_jets():
    both = clopper_pearson(Ratio(np.array([[0.5, 0.2], [0.0, 0.0]]), np.array([7.3, 0.0])))
    alone = clopper_pearson(Ratio(np.array([[0.2]]), np.array([7.3])))
    np.testing.assert_array_equal(both.low[0, 1], alone.low[0, 0])
    assert both.low[0, 0] < 0.5 < both.high[0, 0]
    # no jets: nothing is known
    assert (both.low[1].tolist(), both.high[1].tolist()) == ([0.0, 0.0], [1.0, 1.0])


def test_an_efficiency_that_rounds_above_one_has_an_interval():
    low, high = clopper_pearson(Ratio(np.array([[np.nextafter(1.0, 2.0)]]), np.array([10.0])))
    assert high[0, 0] == 1.0
    assert 0.8 < low[0, 0] < 1.0
