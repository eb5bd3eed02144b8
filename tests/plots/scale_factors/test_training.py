"""Training curves."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.plots.scale_factors.training import figure
from tests.plots.scale_factors.results import LACKING, STYLE, history
from tests.plots.seen import texts


def curves(axes, label):
    handle = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))[label]
    return np.asarray(handle.get_ydata())


def test_thick_lines_are_medians_over_members():
    axes = figure([history(0.0), history(1.0), history(5.0)], ["b"], STYLE).axes
    np.testing.assert_allclose(curves(axes[0], "training"), [1.0, 1.1, 1.2])
    np.testing.assert_allclose(curves(axes[0], "validation"), [2.0, 2.1, 2.2])
    np.testing.assert_allclose(curves(axes[2], "largest"), 2.5)


def test_no_members_are_refused():
    with pytest.raises(ValueError, match="at least one member"):
        figure([], ["b"], STYLE)


def test_lacking_members_stand_in_place_of_the_number_of_trainings():
    whole, lacking = (texts(figure([history(0.0)] * 24, ["b"], style)) for style in (STYLE, LACKING))
    assert "b jets, 24 trainings\nthick: median" in whole
    assert [text for text in lacking if "member" in text] == ["b jets, 24 of 25 members\nthick: median"]
