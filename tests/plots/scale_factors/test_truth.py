"""Comparison with the truth."""

from __future__ import annotations

import hist
import numpy as np
import pytest

from deepsf.plots.scale_factors.truth import figure
from tests.plots.scale_factors.results import LACKING, STYLE
from tests.plots.seen import assert_labels_apart, assert_whole, legend_labels

SHAPE = (2, 1, 3)


def truth() -> hist.Hist:
    edges = {"pt": [20, 50, 1000], "abseta": [0, 2.5], "discriminant": [-2.01, 0, 0.3, 1.01]}
    filled = hist.Hist(*(hist.axis.Variable(values, name=name, flow=False) for name, values in edges.items()))
    filled.view()[...] = 1.1
    return filled


def jets() -> np.ndarray:
    return np.array([[[0.0, 30.0, 10.0]], [[0.0, 10.0, 30.0]]])


def test_the_legend_quotes_each_methods_rms():
    made = figure("b", truth(), {"none": np.ones(SHAPE), "deepsf": np.full(SHAPE, 1.12)}, jets(), STYLE)
    assert legend_labels(made.axes[0]) == ["No scale factors: 0.100", "DeepSF: 0.020"]


def test_the_lower_panel_is_the_rms_by_discriminant():
    values = np.full(SHAPE, 1.1)
    values[:, 0, 1] += [0.2, 0.0]
    made = figure("b", truth(), {"deepsf": values}, jets(), STYLE)
    # 30 of 40 jets are off by 0.2
    drawn = made.axes[1].patches[0].get_data().values
    np.testing.assert_allclose(drawn[1:], [0.2 * np.sqrt(0.75), 0.0], atol=1e-12)


def test_every_point_lies_within_the_axes():
    values = {"binned": np.full(SHAPE, 2.0), "deepsf": np.full(SHAPE, 0.3)}
    low, high = figure("b", truth(), values, jets(), STYLE).axes[0].get_ylim()
    assert low < -0.8
    assert high > 0.9


def test_without_invalid_jets_their_slot_is_left_out():
    made = figure("b", truth(), {"deepsf": np.ones(SHAPE)}, jets(), STYLE)
    assert made.axes[1].get_xlim() == (0.0, 1.0)


def test_shapes_must_agree():
    with pytest.raises(ValueError, match=r"binned has shape \(2, 3\), the truth \(2, 1, 3\)"):
        figure("b", truth(), {"binned": np.ones((2, 3))}, jets(), STYLE)


def test_lacking_members_are_named_with_the_ensemble_alone():
    made = figure("b", truth(), {"binned": np.ones(SHAPE), "deepsf": np.full(SHAPE, 1.12)}, jets(), LACKING)
    assert legend_labels(made.axes[0]) == ["Binned SF: 0.100", "DeepSF: 0.020\n(24 of 25 members)"]


def test_the_legend_of_four_methods_stays_inside_the_axes():
    values = {name: np.ones(SHAPE) for name in ("none", "binned", "direct", "deepsf")}
    made = figure("b", truth(), values, jets(), LACKING)
    made.draw_without_rendering()
    main = made.axes[0]
    legend = main.get_legend().get_window_extent()
    assert legend.x1 < main.get_window_extent().x1
    # 1 - 1.1 everywhere
    assert legend.transformed(main.transData.inverted()).y0 > 0.05


@pytest.mark.parametrize("value", [1.0, 1.05, 1.2, 1.35])
def test_nothing_is_cut_off_and_labels_of_the_panels_do_not_touch(value):
    made = figure("b", truth(), {"none": np.ones(SHAPE), "binned": np.full(SHAPE, value)}, jets(), STYLE)
    assert_whole(made)
    assert_labels_apart(*made.axes)
