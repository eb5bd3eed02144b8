"""Spread against deviation, and the non-closure in cells."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.plots.efficiency.spread import figure, non_closure_figure
from tests.plots.efficiency.results import LACKING, STYLE, closure, without_charm, without_truth
from tests.plots.seen import clipped, texts


def test_spread_against_deviation_in_percent():
    made = figure(closure(), STYLE)
    check = closure().spread
    line = made.axes[2].lines[-1]
    np.testing.assert_allclose(line.get_xdata(), 100 * check.curve_spread[2])
    np.testing.assert_allclose(line.get_ydata(), 100 * check.curve_deviation[2])
    shown = texts(made)
    assert "rms spread of 5 members / mean true [%]" in shown
    assert any(f"rms deviation / rms spread = {check.rms_ratio[0]:.2f}" in text for text in shown)
    assert clipped(made) == []


def test_a_spread_without_truth_is_refused():
    with pytest.raises(ValueError, match="no truth or no members"):
        figure(without_truth(), STYLE)


@pytest.mark.parametrize("flavour", ["b", "udsg"])
def test_cells_show_deviation_error_spread_and_systematic(flavour):
    made = non_closure_figure(closure(), flavour, LACKING)
    found, row = closure().non_closure, closure().flavours.index(flavour)
    shown = [text.replace("\N{MINUS SIGN}", "-") for text in texts(made)]
    deviation, error = 100 * found.deviation[row, 0, 3], 100 * found.statistical[row, 0, 3]
    assert f"{deviation:.1f}\n$\\pm$ {error:.1f}" in shown
    assert f"{100 * found.systematic[row].max():.1f}" in shown
    for text in ("(Predicted $-$ tagged) / predicted [%]", "Jet $p_{T}$ [GeV]", "> 400", "20 to 60", "> 1.5"):
        assert text in shown
    assert f"{flavour} jets, GNN (18 of 20 members)" in shown
    assert clipped(made) == []


@pytest.mark.filterwarnings("error")
def test_cells_without_jets_have_no_numbers():
    n_texts, n_whole = (
        [len(axes.texts) for axes in non_closure_figure(found, "c", STYLE).axes]
        for found in (without_charm(), closure())
    )
    # five bins in pT, four in DeltaR
    assert n_texts == [n - 20 for n in n_whole]
