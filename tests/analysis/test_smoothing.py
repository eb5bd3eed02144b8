"""Interpolation through bins."""

from __future__ import annotations

import numpy as np

from analysis.smoothing import interpolate, logit, nodes


def test_logit_of_three_quarters_is_log_three():
    np.testing.assert_allclose(logit(np.array([0.5, 0.75])), [0.0, np.log(3.0)])


def test_nodes_are_medians_and_centres_where_a_bin_is_empty():
    values = np.array([0.1, 0.2, 0.3, 0.9])
    np.testing.assert_allclose(nodes(values, np.array([0, 0.5, 0.8, 1.0]), "identity"), [0.2, 0.65, 0.9])


def test_the_curve_goes_through_the_bins_and_is_constant_beyond():
    sf, node = np.array([[1.0, 1.4, 0.8]]), np.array([-1.0, 0.0, 2.0])
    at = np.array([-5.0, -1.0, 0.0, 2.0, 9.0])
    np.testing.assert_allclose(interpolate(sf, node, np.zeros(5, int), at), [1.0, 1.0, 1.4, 0.8, 0.8])


def test_the_curve_never_leaves_the_range_of_its_neighbours():
    sf, node = np.array([[1.0, 1.4, 1.5, 0.8]]), np.arange(4.0)
    at = np.linspace(1, 2, 50)
    smooth = interpolate(sf, node, np.zeros(50, int), at)
    assert smooth.min() >= 1.4
    assert smooth.max() <= 1.5


def test_unmeasured_bins_are_left_out_and_empty_rows_stay_nan():
    sf = np.array([[1.0, np.nan, 2.0], [np.nan, np.nan, np.nan], [np.nan, 1.3, np.nan]])
    row = np.array([0, 1, 2])
    smooth = interpolate(sf, np.arange(3.0), row, np.array([1.0, 1.0, 0.0]))
    np.testing.assert_allclose(smooth, [1.5, np.nan, 1.3])
