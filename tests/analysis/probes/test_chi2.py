"""Tests of shapes with rates that are free in parts of the bins, by hand and on toys without difference."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kstest

from deepsf.audit.closure import chi2_test, event_matrix
from deepsf.probes.chi2 import BinSums, shape_test


def sums(contents, weight=1.0):
    """Events of one entry each, so many in every bin."""
    index = np.repeat(np.arange(len(contents)), contents)
    return BinSums.of_events(np.arange(len(index)), index, np.full(len(index), weight), len(contents))


def test_covariance_is_over_events_by_hand():
    # event 0: weights 2 and 3 in bins 0 and 1; event 1: 1 and 1 in bin 1
    found = BinSums.of_events(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), np.array([2.0, 3.0, 1.0, 1.0]), 3)
    np.testing.assert_array_equal(found.values, [2, 5, 0])
    np.testing.assert_array_equal(found.covariance, [[4, 6, 0], [6, 13, 0], [0, 0, 0]])
    twice = (found + found).scaled(0.5)
    np.testing.assert_array_equal(twice.values, found.values)
    np.testing.assert_array_equal(twice.covariance, found.covariance / 2)


def test_chi2_by_hand():
    # one part as in the closure test: 110, 90 against an exact 100, 100 is chi2 = 2; each part again, at another rate
    data, simulation = sums([110, 90, 330, 270]), sums([100_000, 100_000, 100_000, 100_000], 1e-3)
    result = shape_test(data, simulation, 2)
    # the second part has three times the entries of the first, at the same shape: three times its chi2
    assert result["chi2"] == pytest.approx(2.0 + 6.0, rel=5e-3)
    assert (result["ndf"], result["n_sparse_bins"]) == (2, 0)
    # with one rate for both the difference of 3 in the rates is seen
    assert shape_test(data, simulation)["chi2"] > 200


def test_one_part_is_the_test_of_the_closure():
    rng = np.random.default_rng(1)
    event, index = rng.integers(0, 800, 2000), rng.integers(0, 5, 2000)
    weight = rng.uniform(0.5, 2.0, 2000)
    data = np.repeat(np.arange(5), [380, 420, 400, 390, 410])
    matrices = [event_matrix(np.arange(2000), data, np.ones(2000), 5), event_matrix(event, index, weight, 5)]
    expected = chi2_test(*matrices)
    found = shape_test(
        BinSums.of_events(np.arange(2000), data, np.ones(2000), 5), BinSums.of_events(event, index, weight, 5)
    )
    assert found["chi2"] == pytest.approx(expected["chi2"])
    assert (found["ndf"], found["p"]) == (expected["ndf"], pytest.approx(expected["p"]))


def test_sparse_bins_are_left_out_and_counted():
    result = shape_test(sums([110, 9, 90, 0]), sums([100, 24, 100, 0]))
    assert result["n_sparse_bins"] == 2
    assert result["ndf"] == 1
    assert result["chi2"] == pytest.approx(shape_test(sums([110, 90]), sums([100, 100]))["chi2"])
    told = shape_test(sums([110, 9, 90, 0]), sums([100, 24, 100, 0]), counted=np.array([True, True, True, False]))
    assert (told["ndf"], told["n_sparse_bins"]) == (2, 1)


def test_a_part_of_one_bin_says_nothing():
    result = shape_test(sums([110, 300]), sums([100, 100]), 2)
    assert (result["ndf"], result["p"]) == (0, 1.0)
    assert result["chi2"] == pytest.approx(0.0, abs=1e-9)


def test_nothing_to_test_is_no_difference():
    assert shape_test(BinSums.empty(4), BinSums.empty(4), 2) == {"chi2": 0.0, "ndf": 0, "p": 1.0, "n_sparse_bins": 4}


def toy(rng, n_events, weight, rate, tilt=0.0):
    """Events of one to three entries that go together; the second half of the bins has a rate of its own."""
    kind = rng.random(n_events)
    event = np.repeat(np.arange(n_events), rng.integers(1, 4, n_events))
    part = rng.random(len(event)) < rate
    draws = 0.5 * rng.random(len(event)) + 0.5 * kind[event]
    index = np.clip(4 * (draws + tilt * (draws - 0.5)), 0, 3.999).astype(np.int64) + 4 * part
    return BinSums.of_events(event, index, np.full(len(event), weight), 8)


def test_p_values_are_flat_without_a_difference_of_shapes():
    rng = np.random.default_rng(3)
    p = [shape_test(toy(rng, 3000, 1.0, 0.5), toy(rng, 6000, 0.5, 0.4), 2)["p"] for _ in range(150)]
    assert kstest(p, "uniform").pvalue > 0.01


def test_a_difference_in_shape_is_found():
    rng = np.random.default_rng(4)
    assert shape_test(toy(rng, 20_000, 1.0, 0.5, tilt=0.1), toy(rng, 40_000, 0.5, 0.4), 2)["p"] < 1e-6
