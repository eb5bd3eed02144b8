"""Comparison with the truth."""

from __future__ import annotations

import hist
import numpy as np
import pytest

from deepsf.plots.scale_factors.truth import figure, weighted_rms
from deepsf.plots.style import Style

STYLE = Style("DeepSF", "Toy simulation", "DeepJet discriminant")
SHAPE = (2, 1, 3)


def truth() -> hist.Hist:
    edges = {"pt": [20, 50, 1000], "abseta": [0, 2.5], "discriminant": [-2.01, 0, 0.3, 1.01]}
    filled = hist.Hist(*(hist.axis.Variable(values, name=name, flow=False) for name, values in edges.items()))
    filled.view()[...] = 1.1
    return filled


def jets() -> np.ndarray:
    return np.array([[[0.0, 30.0, 10.0]], [[0.0, 10.0, 30.0]]])


def test_rms_is_weighted_and_leaves_out_what_was_not_measured():
    # (3 * 1 + 1 * 9) / 4 = 3
    value = weighted_rms(np.array([1.0, -3.0, np.nan]), np.array([3.0, 1.0, 7.0]))
    np.testing.assert_allclose(value, np.sqrt(3.0))


def test_rms_of_nothing_is_not_a_number():
    assert np.isnan(weighted_rms(np.array([np.nan]), np.array([1.0])))


def test_the_legend_quotes_each_methods_rms():
    made = figure("b", truth(), {"none": np.ones(SHAPE), "deepsf": np.full(SHAPE, 1.12)}, jets(), STYLE)
    labels = [text.get_text() for text in made.axes[0].get_legend().get_texts()]
    assert labels == ["No scale factors: 0.100", "DeepSF: 0.020"]


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
