"""The spectrum of a rare background, direct and truth-tagged."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.efficiency.audit.closure import ModelYields, RegionYields
from deepsf.plots.efficiency.rare import figure, rarest
from tests.plots.efficiency.results import PAIRS, STYLE, closure, without_truth
from tests.plots.seen import clipped, outlines, points, texts


def total(predicted, direct_sum_w2):
    values, direct = (np.array(column, float)[:, None] for column in (predicted, direct_sum_w2))
    model = ModelYields(values, 0.01 * values**2, direct, None)
    return RegionYields(np.array([-0.5, 0.5]), ("inclusive", *PAIRS[:3]), values, direct, {"gnn": model})


def test_the_rarest_pair_is_shown_of_which_direct_tags_still_show_something():
    # 100^2 / 500 = 20 events, 30^2 / 75 = 12, 2^2 / 2 = 2
    assert rarest(total([132, 100, 30, 2], [577, 500, 75, 2]), "gnn") == 2
    # weights of 10: 30^2 / 300 = 3 events only
    assert rarest(total([132, 100, 30, 2], [577, 500, 300, 2]), "gnn") == 1
    # none has ten events: the one with the most, and none that has nothing
    assert rarest(total([5, 1, 4, 0], [5, 1, 4, 0]), "gnn") == 2


def shown():
    """Return what the figure is of: the yields in the mass, and in all, of 24 expected events."""
    regions = closure().samples["test"].regions["2tag"]
    return 6, regions["mass_gev"], regions["total"]


def test_direct_tags_are_at_the_left_and_truth_tagging_at_the_right_with_v_eff():
    row, yields, _ = shown()
    left, right = figure(closure(), STYLE).axes[:2]
    model = yields.models["gnn"]
    some = yields.direct[row] > 0
    values, errors = points(left)
    np.testing.assert_allclose(values, yields.direct[row][some] / 50)
    np.testing.assert_allclose(errors, np.sqrt(yields.direct[row][some]) / 50)
    thin, thick = [container for container in right.containers if hasattr(container, "has_yerr")]
    halves = [[0.5 * (bar[1, 1] - bar[0, 1]) for bar in found.lines[2][-1].get_segments()] for found in (thin, thick)]
    np.testing.assert_allclose(points(right)[0], model.predicted[row] / 50)
    np.testing.assert_allclose(halves[0], np.sqrt(model.sum_w2 + model.v_eff)[row] / 50)
    np.testing.assert_allclose(halves[1], np.sqrt(model.sum_w2)[row] / 50)
    for panel in (left, right):
        np.testing.assert_allclose(outlines(panel)[0], yields.models["truth"].predicted[row] / 50)


def test_the_numbers_of_all_events_are_written_with_their_errors():
    row, _, in_all = shown()
    made = figure(closure(), STYLE)
    direct, model = in_all.direct[row, 0], in_all.models["gnn"]
    written = texts(made)
    assert f"{direct:.3g} $\\pm$ {np.sqrt(direct):.2g} events in all" in written
    assert f"{model.predicted[row, 0]:.3g} $\\pm$ {model.error[row, 0]:.2g} events in all" in written
    assert "Direct tagging\nudsg + udsg, two leading jets tagged (M)" in written
    assert "Ratio to\ntruth" in written
    assert clipped(made) == []


@pytest.mark.filterwarnings("error")
def test_without_truth_ratios_are_to_truth_tagging():
    made = figure(without_truth(), STYLE)
    assert "Ratio to\ntruth tagging" in texts(made)
    np.testing.assert_allclose(points(made.axes[3])[0], 1.0)
