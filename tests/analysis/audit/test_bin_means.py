"""Means of scale factors over the jets of each bin, and their RMS."""

from __future__ import annotations

import numpy as np

from deepsf.audit.bin_means import bin_means, weighted_rms
from deepsf.probes.bins import FlavourBins
from deepsf.probes.entries import Jets
from deepsf.probes.histograms import from_json, to_json

BINS = FlavourBins(np.array([20.0, 50.0, 1000.0]), np.array([0.0, 2.5]), np.array([-1.0, 0.0, 1.0]))


def means():
    columns = (np.array(values, np.float32) for values in ([30, 30, 70], [1, 1, 1], [0.5, 0.6, -1]))
    return bin_means(BINS, Jets(*columns, np.zeros(3, np.int8)), np.array([1.0, 2.0, 5.0]), "b jets")


def test_a_bins_mean_is_over_its_jets_and_nan_without_any() -> None:
    np.testing.assert_array_equal(means().values(), [[[np.nan, 1.5]], [[5.0, np.nan]]])
    assert [axis.name for axis in means().axes] == ["pt", "abseta", "discriminant"]


def test_means_survive_the_file() -> None:
    text = to_json({"b": {"direct": means()}})
    again = from_json(text)
    np.testing.assert_array_equal(again["b"]["direct"].values(), means().values())
    assert to_json(again) == text


def test_rms_is_weighted_and_leaves_out_what_was_not_measured():
    # (3 * 1 + 1 * 9) / 4 = 3
    value = weighted_rms(np.array([1.0, -3.0, np.nan]), np.array([3.0, 1.0, 7.0]))
    np.testing.assert_allclose(value, np.sqrt(3.0))


def test_rms_of_nothing_is_not_a_number():
    assert np.isnan(weighted_rms(np.array([np.nan]), np.array([1.0])))
