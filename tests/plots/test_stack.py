"""Simulation stacked by flavour against data, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_hex

from deepsf.plots.layout import Margins, grid
from deepsf.plots.stack import (
    Comparison,
    chi2_text,
    draw_ratio,
    draw_stack,
    legend_entries,
    ratio_limits,
    set_log_range,
)
from deepsf.plots.style import Style
from tests.plots.seen import points

STYLE = Style("DeepSF", "Toy", "score", flavour_colours={"b": "#ff0000", "udsg": "#0000ff"})
EDGES = np.array([0.0, 1.0, 2.0, 3.0])
BY_FLAVOUR = {"b": np.array([100.0, 50.0, 0.0]), "udsg": np.array([20.0, 10.0, 0.0])}
COMPARED = Comparison(
    np.array([120.0, 60.0, 0.0]), np.array([6.0, 3.0, 0.0]), np.array([144.0, 0.0, 4.0]), np.array([12.0, 0.0, 2.0])
)


def one_panel():
    _, axes = grid([3.0], [3.0], Margins())
    return axes[0, 0]


def test_ratios_need_data_and_simulation():
    value, error = COMPARED.ratio()
    np.testing.assert_allclose(value, [1.2, np.nan, np.nan])
    np.testing.assert_allclose(error, [0.1, np.nan, np.nan])
    np.testing.assert_allclose(COMPARED.relative(COMPARED.simulation_error), [0.05, 0.05, np.nan])


def test_the_smallest_flavour_is_at_the_bottom_and_the_largest_leads_the_legend():
    axes = one_panel()
    draw_stack(axes, EDGES, BY_FLAVOUR, COMPARED, STYLE, size=6.0)
    filled = [patch for patch in axes.patches if not patch.get_hatch()]
    tops = {to_hex(patch.get_facecolor()): patch.get_data().values.tolist() for patch in filled}
    assert tops == {"#0000ff": [20.0, 10.0, 0.0], "#ff0000": [120.0, 60.0, 0.0]}
    assert [label for _, label in legend_entries(BY_FLAVOUR, STYLE)] == [
        "Data", "b jets", "udsg jets", "Simulation stat."
    ]  # fmt: skip


def test_bins_without_data_have_no_point():
    axes = one_panel()
    draw_stack(axes, EDGES, BY_FLAVOUR, COMPARED, STYLE, size=6.0)
    np.testing.assert_array_equal(points(axes)[0], [144.0, np.nan, 4.0])


def test_the_band_around_one_is_the_error_of_the_simulation():
    axes = one_panel()
    draw_ratio(axes, EDGES, COMPARED, size=6.0)
    (band,) = [patch.get_data() for patch in axes.patches]
    np.testing.assert_allclose(band.values, [1.05, 1.05, np.nan])
    np.testing.assert_allclose(band.baseline, [0.95, 0.95, np.nan])


def test_a_logarithmic_range_reaches_from_the_smallest_flavour_to_the_room_for_text():
    axes = one_panel()
    set_log_range(axes, 100.0, [BY_FLAVOUR], 0, decades=4.0, head_room=0.5)
    # half of the lowest of udsg jets, 10; the highest 100 and half of the range in logarithms above it
    np.testing.assert_allclose(axes.get_ylim(), [5.0, 100.0 * np.sqrt(100.0 / 5.0)])


def test_a_logarithmic_range_ends_some_decades_below_the_highest():
    axes = one_panel()
    set_log_range(axes, 1e6, [BY_FLAVOUR], 0, decades=3.0, head_room=0.0)
    np.testing.assert_allclose(axes.get_ylim(), [500.0, 1e6])


def test_a_range_of_ratios_is_set_by_precise_points_that_are_drawn():
    two = Comparison(np.ones(3), np.zeros(3), np.array([0.2, 1.5, 3.0]), np.array([0.01, 0.1, 1.0]))
    low, high = ratio_limits([two], 1, error_max=0.15, reach=0.1, margin=0.0)
    # the first bin is not drawn, the last one has too large an error
    np.testing.assert_allclose([low, high], [0.9, 1.6])


@pytest.mark.parametrize(
    ("p", "text"),
    [(1.0, "p = 1"), (0.0123, "p = 0.012"), (2.68e-22, r"p = $2.7 \times 10^{-22}$"), (0.0, "p < $10^{-99}$")],
)
def test_tests_in_words(p, text):
    assert chi2_text({"chi2": 12.34, "ndf": 14, "p": p}) == r"$\chi^{2}$/ndf = 12.3/14, " + text
