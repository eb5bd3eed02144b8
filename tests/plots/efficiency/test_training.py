"""Losses of the members of every network."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.plots.efficiency.training import figure
from tests.plots.efficiency.results import LACKING, STYLE
from tests.plots.seen import clipped, texts


def history(offset, n_passes=3, **more):
    return {"pass": list(range(1, n_passes + 1)), "train_loss": [offset + 0.1 * k for k in range(n_passes)], **more}


def test_losses_of_members_are_thin_and_their_median_is_thick():
    made = figure({"gnn": [history(0.0), history(1.0), history(5.0)]}, STYLE)
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
    made = figure({"gnn": [history(0.0, 1)], "pairwise": held_out}, STYLE)
    assert len(made.axes) == 2
    assert all(line.get_marker() == "o" for line in made.axes[0].lines)
    assert [t.get_text() for t in made.axes[1].get_legend().get_texts()] == ["training", "validation"]
    assert "Pairwise factors, 1 member\nthick: median" in texts(made)


def test_records_that_lack_something_are_refused():
    with pytest.raises(ValueError, match="at least one network with one member"):
        figure({"gnn": []}, STYLE)
    with pytest.raises(ValueError, match=r"member 1 has no column 'train_loss'; it has \['pass'\]"):
        figure({"gnn": [history(0.0), {"pass": [1, 2]}]}, STYLE)


def test_a_note_on_members_is_of_the_ensemble_alone():
    histories = {"gnn": [history(0.0)] * 18, "pairwise": [history(0.0)] * 3}
    first, second = (" ".join(t.get_text() for t in axes.texts) for axes in figure(histories, LACKING).axes)
    assert "18 of 20 members" in first
    assert "3 members" in second
    assert "18 of 20" not in second


def test_members_that_have_not_converged_are_counted():
    still, done = (
        {"validation_loss": losses, "start_loss": [1.0] * 3} for losses in ([0.8, 0.7, 0.6], [0.6, 0.6, 0.6])
    )
    made = figure({"gnn": [history(0.0, **still), history(0.0, **done)], "pairwise": [history(0.0)]}, STYLE)
    assert "GNN, 2 members, 1 not converged\nthick: median" in texts(made)
    assert "Pairwise factors, 1 member\nthick: median" in texts(made)
    assert clipped(made) == []
