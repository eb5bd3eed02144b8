"""Residual correlations of tags."""

from __future__ import annotations

import numpy as np

from deepsf.plots.efficiency.common import MARKERS
from deepsf.plots.efficiency.correlation import figure
from tests.plots.efficiency.results import STYLE, closure, without_truth
from tests.plots.seen import clipped, texts


def test_correlations_are_drawn_for_every_model_and_pair():
    made = figure(closure(), STYLE)
    main, lower = made.axes
    of_network = next(c for c in main.containers if c.get_label() == "GNN")
    np.testing.assert_allclose(of_network.lines[0].get_ydata(), closure().correlation["gnn"].correlation)
    drawn = [
        line.get_ydata()
        for line in lower.lines
        if len(line.get_ydata()) == 6 and line.get_transform() == lower.transData
    ]
    np.testing.assert_allclose(drawn[-1], closure().correlation["gnn"].significance)
    shown = texts(made)
    for text in ("Residual correlation of tags", "Correlation / error", r"Tags drawn with $\rho$ = 0.2", "udsg + udsg"):
        assert text in shown
    assert clipped(made) == []


def test_correlations_beyond_the_range_get_an_arrow():
    found = closure()
    of_map = found.correlation["map"]._replace(correlation=np.array([0.05, 0.02, -0.3, 0.04, -0.01, 6.0]))
    main, lower = figure(found._replace(correlation={**found.correlation, "map": of_map}), STYLE).axes
    assert np.abs(of_map.significance).max() > 6
    for panel in (main, lower):
        arrows = {line.get_marker() for line in panel.lines if len(line.get_xdata()) == 1}
        assert arrows == {"^", "v"}
    drawn = [line for line in main.lines if line.get_marker() == "^" and len(line.get_xdata()) == 1]
    assert [line.get_color() for line in drawn] == [STYLE.colour("map")]
    # no model has the marker of an arrow
    assert not {"^", "v"} & set(MARKERS.values())
    assert len(set(MARKERS.values())) == len(MARKERS)


def test_without_truth_there_is_no_injected_correlation():
    shown = texts(figure(without_truth(), STYLE))
    assert not any("Tags drawn" in text or text == "Truth" for text in shown)
