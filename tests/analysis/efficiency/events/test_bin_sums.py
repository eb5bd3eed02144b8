"""Sums in bins."""

from __future__ import annotations

import numpy as np

from deepsf.efficiency.events.bin_sums import bin_index, ratio, sums


def test_outer_bins_are_open_and_nan_is_in_none():
    edges = np.array([0.0, 1.0, 2.0, 3.0])
    values = np.array([-5.0, 0.5, 1.0, 2.5, 99.0, np.inf, np.nan])
    assert bin_index(values, edges).tolist() == [0, 0, 1, 2, 2, 2, -1]


def test_sums_of_weights_by_index():
    assert sums(np.array([0, 2, 2]), np.array([1.5, 1.0, -3.0]), 4).tolist() == [1.5, 0.0, -2.0, 0.0]


def test_a_ratio_to_nothing_is_undefined():
    np.testing.assert_array_equal(ratio(np.array([1.0, 1.0, 0.0]), np.array([2.0, 0.0, -1.0])), [0.5, np.nan, np.nan])
