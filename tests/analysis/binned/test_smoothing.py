"""Interpolation through bins."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.binned.smoothing import interpolate, mean_preserving, nodes
from deepsf.probes.entries import logit


def test_logit_of_three_quarters_is_log_three():
    np.testing.assert_allclose(logit(np.array([0.5, 0.75])), [0.0, np.log(3.0)])


def test_nodes_are_medians_and_centres_where_a_bin_is_empty():
    values = np.array([0.1, 0.2, 0.3, 0.9])
    np.testing.assert_allclose(nodes(values, np.array([0, 0.5, 0.8, 1.0]), "identity"), [0.2, 0.65, 0.9])


def test_the_curve_goes_through_the_bins_and_is_constant_beyond():
    sf, node = np.array([[1.0, 1.4, 0.8]]), np.array([-1.0, 0.0, 2.0])
    at = np.array([-5.0, -1.0, 0.0, 2.0, 9.0])
    found = interpolate(sf, np.isfinite(sf), node, np.zeros(5, int), at)
    np.testing.assert_allclose(found, [1.0, 1.0, 1.4, 0.8, 0.8])


def test_the_curve_never_leaves_the_range_of_its_neighbours():
    sf, node = np.array([[1.0, 1.4, 1.5, 0.8]]), np.arange(4.0)
    at = np.linspace(1, 2, 50)
    smooth = interpolate(sf, np.isfinite(sf), node, np.zeros(50, int), at)
    assert smooth.min() >= 1.4
    assert smooth.max() <= 1.5


def test_unmeasured_bins_are_left_out_and_empty_rows_are_one():
    sf = np.array([[1.0, 9.0, 2.0], [9.0, 9.0, 9.0], [9.0, 1.3, 9.0]])
    smooth = interpolate(sf, sf < 9, np.arange(3.0), np.array([0, 1, 2]), np.array([1.0, 1.0, 0.0]))
    np.testing.assert_allclose(smooth, [1.5, 1.0, 1.3])


def test_the_curve_has_the_measured_mean_in_every_row_and_keeps_its_shape():
    rng = np.random.default_rng(1)
    edges, sf = np.array([0.0, 0.1, 0.3, 1.0]), np.array([[0.9, 1.15, 1.3], [1.2, 1.0, 0.8], [9.0, 1.0, 1.1]])
    score, row = rng.beta(0.5, 2.0, 30_000), rng.integers(0, 3, 30_000)
    weight = np.where(rng.random(30_000) < 0.1, -1.0, 1.0)
    column = np.searchsorted(edges, score, side="right") - 1
    at, node = logit(score), nodes(score, edges, "logit")
    measured = sf < 9
    use = measured[row, column]

    def change(values):
        steps = np.bincount(row[use], (weight * sf[row, column])[use], 3)
        return np.bincount(row[use], (weight * interpolate(values, measured, node, row, at))[use], 3) / steps

    moved = mean_preserving(sf, measured, node, row, column, at, weight)
    assert np.abs(change(sf) - 1.0).max() > 0.01
    np.testing.assert_allclose(change(moved), 1.0, rtol=1e-12)
    ratio = (moved / sf)[:, 1:]
    np.testing.assert_allclose(ratio[:, 0], ratio[:, 1])
    assert moved[2, 0] == 1.0
    with pytest.raises(ValueError, match=r"sums over the jets of smooth scale factors: 2 of 6 values are not finite"):
        mean_preserving(sf, measured, node, row, column, at, np.where(row == 1, np.nan, weight))


def test_rows_without_jets_keep_their_values():
    sf, none, index = np.array([[1.0, 9.0, 1.4], [1.1, 1.2, 1.3]]), np.empty(0), np.empty(0, np.int64)
    found = mean_preserving(sf, sf < 9, np.arange(3.0), index, index, none, none)
    np.testing.assert_array_equal(found, [[1.0, 1.0, 1.4], [1.1, 1.2, 1.3]])
