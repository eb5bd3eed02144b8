"""Tag rates at predicted efficiencies."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.plots.efficiency.reliability import figure
from tests.plots.efficiency.results import STYLE, closure, without_charm
from tests.plots.seen import clipped, texts


def test_reliability_shows_tag_rates_at_predictions():
    made = figure(closure(), STYLE)
    main = made.axes[0]
    curve = closure().reliability["gnn"]
    label = f"GNN ({curve.chi2[0]:.0f}/10)"
    network = next(c for c in main.containers if c.get_label() == label)
    np.testing.assert_allclose(network.lines[0].get_xdata(), curve.predicted[0])
    np.testing.assert_allclose(network.lines[0].get_ydata(), curve.tag_rate[0])
    low, high = main.get_xlim()
    assert low < curve.predicted[0].min() < curve.predicted[0].max() < high
    assert "Predicted efficiency, working point M" in texts(made)
    assert clipped(made) == []


def test_points_outside_of_the_lower_panel_get_an_arrow():
    made = figure(closure(), STYLE)
    curve = closure().reliability["map"]
    quotient = curve.tag_rate[0] / curve.predicted[0]
    low, high = made.axes[3].get_ylim()
    arrows = {
        line.get_marker(): len(line.get_xdata())
        for line in made.axes[3].lines
        if line.get_color() == STYLE.colour("map") and line.get_transform() != made.axes[3].transData
    }
    assert arrows == {"^": np.sum(quotient > high), "v": np.sum(quotient < low)}
    assert min(arrows.values()) > 0


@pytest.mark.filterwarnings("error")
def test_a_flavour_without_jets_has_no_points():
    main = figure(without_charm(), STYLE).axes[1]
    assert len(main.containers) == 4
    assert all(len(container.lines[0].get_ydata()) == 0 for container in main.containers)
