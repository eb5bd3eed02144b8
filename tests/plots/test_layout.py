"""Axes of given size, limits, arrows, bins in words."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.plots.layout import (
    Margins,
    clear_of_below,
    few_ticks,
    grid,
    interval_text,
    kinematics_text,
    limits,
    mark_outside,
)
from tests.plots.seen import assert_labels_apart


def test_axes_have_the_size_that_was_asked_for():
    figure, axes = grid([3.0, 1.0], [5.0, 2.0], Margins(between_columns=0.5, between_rows=0.25))
    width, height = figure.get_size_inches()
    sizes = [[(a.get_position().width * width, a.get_position().height * height) for a in row] for row in axes]
    np.testing.assert_allclose(sizes, [[(5, 3), (2, 3)], [(5, 1), (2, 1)]], rtol=1e-9)
    # 1.45 + 5 + 0.5 + 2 + 0.25 and 0.6 + 3 + 0.25 + 1 + 1.1
    np.testing.assert_allclose((width, height), (9.2, 5.95))


def test_limits_hold_all_finite_values():
    low, high = limits(np.array([1.0, np.nan, 3.0]), np.array([[np.inf, -1.0]]))
    assert low < -1.0
    assert high > 3.0
    assert np.isfinite([low, high]).all()


def test_limits_of_nothing_are_still_limits():
    assert limits(np.array([np.nan])) == (0.0, 2.0)


def test_points_beyond_the_limits_get_an_arrow():
    _, axes = grid([3.0], [3.0], Margins())
    axes[0, 0].set_ylim(0.5, 1.5)
    mark_outside(axes[0, 0], np.array([1.0, 2.0, 3.0]), np.array([1.0, 7.0, np.nan]), "black")
    (line,) = axes[0, 0].lines
    assert line.get_marker() == "^"
    assert list(line.get_xdata()) == [2.0]


def tick_heights(axes) -> np.ndarray:
    """Return where labelled ticks lie between bottom and top of the axes, 0 and 1."""
    places = np.column_stack([np.ones(len(axes.get_yticks())), axes.get_yticks()])
    return axes.transAxes.inverted().transform(axes.transData.transform(places))[:, 1]


@pytest.mark.parametrize(
    ("scale", "low", "high", "ticks"),
    [
        ("linear", 0.0, 1.0, [0.2, 0.4, 0.6, 0.8, 1.0]),
        ("linear", -0.1, 1.0, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        ("log", 1.0, 1e4, [10, 100, 1000, 10000]),
        ("log", 0.3, 2e3, [1, 10, 100, 1000]),
        # in units of the axis 10 lies at 0.009 of the height, of its logarithm at 0.03
        ("log", 9.0, 1e3, [100, 1000]),
    ],
)
def test_labels_at_the_bottom_are_left_out_above_another_panel(scale, low, high, ticks):
    _, axes = grid([2.0, 2.0], [3.0], Margins())
    upper = axes[0, 0]
    upper.set_yscale(scale)
    upper.set_ylim(low, high)
    clear_of_below(upper)
    np.testing.assert_allclose(upper.get_yticks(), ticks, atol=1e-12)
    assert tick_heights(upper).min() > 0.04
    assert upper.get_ylim() == (low, high)


@pytest.mark.parametrize("scale", ["linear", "log"])
@pytest.mark.parametrize("low", [0.95, 1.0, 1.05])
def test_labels_of_two_panels_do_not_touch(as_saved, scale, low):
    _, axes = grid([3.0, 2.0], [3.0], Margins())
    (upper,), (lower,) = axes
    upper.set_yscale(scale)
    upper.set_ylim(low - 1.0 if scale == "linear" else low, 1000.0)
    clear_of_below(upper)
    # the highest label, 1.5, at nine tenths of the height
    lower.set_ylim(0.0, 1.66)
    few_ticks(lower)
    assert_labels_apart(upper, lower)


@pytest.mark.parametrize(
    ("low", "high", "open_above", "text"),
    [(20, 30, False, "20 < x < 30 GeV"), (0, 2.5, False, "x < 2.5 GeV"), (140, 1000, True, "x > 140 GeV")],
)
def test_bins_in_words(low, high, open_above, text):
    assert interval_text("x", low, high, open_above=open_above, unit="GeV") == text


def test_kinematic_bins_carry_units():
    assert kinematics_text((20, 30), (0.8, 1.6), is_last_pt=False) == r"20 < $p_{T}$ < 30 GeV, 0.8 < |$\eta$| < 1.6"
