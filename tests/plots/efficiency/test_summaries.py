"""Correlation, gain, reliability, spread, non-closure and trainings."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.plots.efficiency import correlation, gain, reliability, spread, training
from deepsf.plots.style import Style
from tests.plots.efficiency.results import LACKING, STYLE, clipped, closure, texts, without_truth


def test_correlations_are_drawn_for_every_model_and_pair():
    made = correlation.figure(closure(), STYLE)
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
    lower = correlation.figure(closure(), STYLE).axes[1]
    assert np.abs(closure().correlation["map_delta_r"].significance).max() > 6
    assert any(line.get_marker() in "^v" and len(line.get_xdata()) < 6 for line in lower.lines)


def test_without_truth_there_is_no_injected_correlation():
    shown = texts(correlation.figure(without_truth(), STYLE))
    assert not any("Tags drawn" in text or text == "Truth" for text in shown)


def test_bars_are_gains_with_their_numbers():
    made = gain.figure(closure(), STYLE)
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


def test_reliability_shows_tag_rates_at_predictions():
    made = reliability.figure(closure(), STYLE)
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


def test_spread_against_deviation_in_percent():
    made = spread.figure(closure(), STYLE)
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
        spread.figure(without_truth(), STYLE)


@pytest.mark.parametrize("flavour", ["b", "udsg"])
def test_cells_show_deviation_error_spread_and_systematic(flavour):
    made = spread.non_closure_figure(closure(), flavour, LACKING)
    found, row = closure().non_closure, closure().flavours.index(flavour)
    shown = [text.replace("\N{MINUS SIGN}", "-") for text in texts(made)]
    deviation, error = 100 * found.deviation[row, 0, 3], 100 * found.statistical[row, 0, 3]
    assert f"{deviation:.1f}\n$\\pm$ {error:.1f}" in shown
    assert f"{100 * found.systematic[row].max():.1f}" in shown
    for text in ("Predicted over tagged $-$ 1 [%]", "Jet $p_{T}$ [GeV]", "> 400", "20 to 60", "> 1.5"):
        assert text in shown
    assert f"{flavour} jets, GNN (18 of 20 members)" in shown
    assert clipped(made) == []


def history(offset, n_passes=3, **more):
    return {"pass": list(range(1, n_passes + 1)), "train_loss": [offset + 0.1 * k for k in range(n_passes)], **more}


def test_losses_of_members_are_thin_and_their_median_is_thick():
    made = training.figure({"gnn": [history(0.0), history(1.0), history(5.0)]}, STYLE)
    (panel,) = made.axes
    assert len(panel.lines) == 4
    thick = max(panel.lines, key=lambda line: line.get_linewidth())
    np.testing.assert_allclose(thick.get_ydata(), [1.0, 1.1, 1.2])
    low, high = panel.get_ylim()
    assert low < 0.0
    assert high > 5.2
    assert "Cross-entropy per jet" in texts(made)
    assert "GNN, 3 members\nthick: median" in texts(made)
    assert clipped(made) == []


def test_every_network_has_a_column_and_validation_is_drawn_where_there_is_one():
    held_out = [history(0.0, validation_loss=[0.5, 0.6, 0.7])]
    made = training.figure({"gnn": [history(0.0, 1)], "pairwise": held_out}, STYLE)
    assert len(made.axes) == 2
    assert all(line.get_marker() == "o" for line in made.axes[0].lines)
    assert [t.get_text() for t in made.axes[1].get_legend().get_texts()] == ["training", "validation"]
    assert "Pairwise factors, 1 member\nthick: median" in texts(made)


def test_records_that_lack_something_are_refused():
    with pytest.raises(ValueError, match="at least one network with one member"):
        training.figure({"gnn": []}, STYLE)
    with pytest.raises(ValueError, match=r"member 1 has no column 'train_loss'; it has \['pass'\]"):
        training.figure({"gnn": [history(0.0), {"pass": [1, 2]}]}, STYLE)


def test_a_note_on_members_is_of_the_ensemble_alone():
    style = Style("DeepSF", "Toy", "score", members="19 of 20 members")
    histories = {"gnn": [history(0.0)] * 19, "pairwise": [history(0.0)] * 3}
    first, second = (" ".join(t.get_text() for t in axes.texts) for axes in training.figure(histories, style).axes)
    assert "19 of 20 members" in first
    assert "3 members" in second
    assert "19 of 20" not in second
