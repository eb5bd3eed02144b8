"""Pulls, mean and width of each bin, chi2: of experiments whose figures are known."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.plots.scale_factors.pulls import figure
from tests.plots.scale_factors.results import N_EXPERIMENTS, STYLE, experiments


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_a_row_for_each_set_with_its_label_and_the_averages_of_its_bins():
    made = figure({"purities 0.85, 0.90": experiments(), "biased": experiments(0.5)}, STYLE)
    axes = np.array(made.axes[:8]).reshape(2, 4)
    assert "purities 0.85, 0.90" in texts(axes[0, 0])
    assert "biased" in texts(axes[1, 0])
    mean = experiments(0.5).pulls.mean()
    assert f"average {mean:.3f}" in texts(axes[1, 1])
    assert mean == pytest.approx(0.5, abs=0.05)


def test_every_used_pull_is_in_the_histogram_and_every_used_bin_a_point():
    made = figure({"one": experiments()}, STYLE)
    pulls, means = made.axes[:2]
    (filled,) = pulls.patches
    heights = filled.get_xy()[:, 1]
    assert heights.max() == np.histogram(experiments().pulls, np.linspace(-5, 5, 51))[0].max()
    points = means.containers[0].lines[0]
    np.testing.assert_allclose(points.get_ydata(), experiments().pulls.mean(axis=0))
    low, high = means.get_ylim()
    assert low < -4 / np.sqrt(N_EXPERIMENTS)
    assert high > 4 / np.sqrt(N_EXPERIMENTS)


def test_means_beyond_the_range_get_an_arrow():
    biased = figure({"biased": experiments(0.5)}, STYLE).axes[1]
    (arrows,) = [line for line in biased.lines if line.get_marker() == "^"]
    np.testing.assert_array_equal(arrows.get_xdata(), [1, 2, 3, 4])
