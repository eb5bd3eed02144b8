"""Effective events of weights over those of direct tags."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.plots.efficiency.gain import figure
from tests.plots.efficiency.results import STYLE, closure, without_charm
from tests.plots.seen import clipped, texts


def test_bars_are_gains_with_their_numbers():
    made = figure(closure(), STYLE)
    total = closure().samples["test"].regions["2tag"]["total"].models["gnn"]
    heights = [[bar.get_y() + bar.get_height() for bar in container] for container in made.axes[1].containers]
    np.testing.assert_allclose(heights[0], total.gain[:, 0])
    np.testing.assert_allclose(heights[1], total.total_gain[:, 0])
    shown = texts(made)
    assert f"{total.gain[-1, 0]:.0f}" in shown
    for text in ("Leading jet tagged", "Two leading jets tagged", r"$\Sigma w^{2}$ alone", "all", "b + udsg"):
        assert text in shown
    assert "GNN, test sample of 30000 events" in shown
    assert made.axes[1].get_yscale() == "log"
    assert clipped(made) == []


@pytest.mark.filterwarnings("error")
def test_pairs_without_events_have_no_bar():
    bars = figure(without_charm(), STYLE).axes[0].containers[0]
    drawn = [bar.get_height() > 0 for bar in bars]
    # all, b + b, b + c, b + udsg, c + c, c + udsg, udsg + udsg
    assert drawn == [True, True, False, True, False, False, True]
