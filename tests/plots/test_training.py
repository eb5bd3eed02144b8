"""Records of trainings by pass."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.plots.layout import Margins, grid
from deepsf.plots.training import Curve, draw_members

TRAIN = Curve("train_loss", "blue", "-", "training")


def drawn(*losses, curves=(TRAIN,)):
    """Return the axes with a member for each list of losses."""
    histories = [{"pass": list(range(1, len(loss) + 1)), "train_loss": loss} for loss in losses]
    _, axes = grid([3.0], [3.0], Margins())
    draw_members(axes[0, 0], histories, curves, head_room=0.4, n_ticks=5)
    return axes[0, 0]


def median(axes):
    handles, labels = axes.get_legend_handles_labels()
    return np.asarray(handles[labels.index("training")].get_ydata())


def test_thick_lines_are_medians_over_members():
    axes = drawn([1.0, 1.1], [2.0, 2.1], [6.0, 6.1])
    np.testing.assert_allclose(median(axes), [2.0, 2.1])
    assert [line.get_linewidth() for line in axes.lines] == [0.7, 0.7, 0.7, 3.0]


def test_every_member_is_drawn_inside_the_axes():
    axes = drawn([1.0, 1.1], [2.0, 2.1], [-6.0, -6.1])
    low, high = axes.get_ylim()
    values = np.concatenate([line.get_ydata() for line in axes.lines])
    assert low < values.min()
    assert values.max() < high
    assert axes.get_xlim() == (0.5, 2.5)


def test_members_of_different_length_share_the_axes():
    np.testing.assert_allclose(median(drawn([0.0, 0.2], [1.0, 1.2, 1.4, 1.6])), [0.5, 0.7, 1.4, 1.6])


def test_a_single_pass_is_visible():
    assert [line.get_marker() for line in drawn([0.5]).lines] == ["o", "o"]
    assert [line.get_marker() for line in drawn([0.5], [0.4, 0.3]).lines] == ["o", "", ""]


def test_a_missing_column_is_named_with_the_member():
    curves = (TRAIN, Curve("validation_loss", "red", "--", "validation"))
    with pytest.raises(ValueError, match=r"member 0 has no column 'validation_loss'; it has \['pass', 'train_loss'\]"):
        drawn([0.5], curves=curves)
