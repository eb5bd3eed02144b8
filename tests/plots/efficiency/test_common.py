"""Curves of models, their ratios, names and axes."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.plots.efficiency.common import (
    Curves,
    draw_curves,
    draw_ratios,
    horizontal_label,
    pair_labels,
    set_horizontal,
    shown_models,
)
from deepsf.plots.efficiency.variables import Variable
from deepsf.plots.layout import Margins, grid
from tests.plots.efficiency.results import STYLE
from tests.plots.seen import outlines, points

EDGES = np.array([0.0, 1.0, 2.0])
CURVES = Curves(
    EDGES,
    {"map": np.array([50.0, 4.0]), "gnn": np.array([10.0, 5.0])},
    "gnn",
    np.array([1.0, 0.5]),
    np.array([12.0, np.nan]),
    np.array([3.0, 0.0]),
)


def one_panel():
    _, axes = grid([3.0], [3.0], Margins())
    return axes[0, 0]


def test_models_are_drawn_in_one_order_and_the_ensembles_comes_last():
    assert shown_models({"gnn": 0, "truth": 0, "map": 0, "pairwise": 0}, "pairwise") == ["map", "gnn", "pairwise"]


def test_ratios_are_of_everything_to_the_reference():
    ratios = CURVES.over(np.array([10.0, 0.0]))
    np.testing.assert_allclose(ratios.models["map"], [5.0, np.nan])
    np.testing.assert_allclose(ratios.band, [0.1, np.nan])
    np.testing.assert_allclose(ratios.observed, [1.2, np.nan])
    np.testing.assert_allclose(ratios.observed_error, [0.3, np.nan])


def test_outlines_band_and_points_are_drawn_and_nothing_where_nothing_was_observed():
    axes = one_panel()
    draw_curves(axes, CURVES, STYLE)
    np.testing.assert_allclose(outlines(axes), [[50.0, 4.0], [10.0, 5.0]])
    (band,) = [patch.get_data() for patch in axes.patches if patch.get_fill()]
    np.testing.assert_allclose([band.baseline, band.values], [[9.0, 4.5], [11.0, 5.5]])
    np.testing.assert_allclose(points(axes), [[12.0], [3.0]])


def test_a_range_close_to_one_is_symmetric_and_without_maps():
    axes = one_panel()
    draw_ratios(axes, CURVES.over(np.array([9.5, 5.0])), STYLE, close=True)
    assert len(outlines(axes)) == 1
    low, high = axes.get_ylim()
    # the largest ratio is 10 / 9.5
    assert 1 - low == pytest.approx(high - 1)
    assert 10 / 9.5 < high < 1.1


def test_what_lies_beyond_the_wide_range_gets_an_arrow():
    axes = one_panel()
    draw_ratios(axes, CURVES.over(np.array([10.0, 5.0])), STYLE)
    assert axes.get_ylim()[1] == 2.0
    (arrow,) = [line for line in axes.lines if line.get_marker() == "^"]
    assert list(arrow.get_xdata()) == [0.5]
    assert arrow.get_color() == STYLE.colour("map")


def test_observed_points_beyond_the_range_get_an_arrow_too():
    axes = one_panel()
    draw_ratios(axes, CURVES.over(np.array([4.0, 5.0])), STYLE, close=True)
    # 12 of 4 expected
    arrows = {
        (line.get_marker(), line.get_color(), *line.get_xdata()) for line in axes.lines if len(line.get_xdata()) == 1
    }
    assert ("^", "black", 0.5) in arrows


def test_ratios_are_to_the_truth_or_else_to_the_ensemble():
    truth = np.array([11.0, 6.0])
    assert CURVES.of_reference(truth) is truth
    np.testing.assert_array_equal(CURVES.of_reference(None), CURVES.models[CURVES.nominal])


def test_pairs_are_named_without_the_word_jets():
    assert pair_labels(["b", "udsg"], STYLE) == ["b + b", "b + udsg", "udsg + udsg"]


@pytest.mark.parametrize(
    ("variable", "edges", "names", "expected"),
    [
        (Variable("n", whole=True), np.arange(1.5, 5.0), (), ["2", "3", "4"]),
        (Variable("n", open_above=True, whole=True), np.arange(1.5, 5.0), (), ["2", "3", "≥ 4"]),
        # the toy's last bin of the number of jets is open
        (Variable("n", whole=True), np.arange(6.5, 9.0), (), ["7", "≥ 8"]),
        (Variable("flavour", whole=True), np.arange(-0.5, 2.0), ("b", "c"), ["b", "c"]),
    ],
)
def test_whole_numbers_are_labelled_one_by_one(variable, edges, names, expected):
    axes = one_panel()
    set_horizontal(axes, edges, variable, labels=True, names=names)
    axes.get_figure().draw_without_rendering()
    assert [text.get_text() for text in axes.get_xticklabels()] == expected


def test_open_bins_are_said_to_be_open():
    assert horizontal_label(Variable("mass", open_above=True)) == "mass (last bin open)"
    assert horizontal_label(Variable("eta")) == "eta"
