"""Maps of purity and condition number."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.binned.scale_factor import BinnedScaleFactor
from deepsf.plots.scale_factors.purity import condition, purities_of, purity
from tests.plots.scale_factors.results import STYLE, purities
from tests.plots.seen import assert_whole, texts


def maps(made):
    return [axes for axes in made.axes if axes.collections and axes.get_xscale() == "function"]


def test_each_flavour_and_abseta_has_its_map():
    made = maps(purity(purities(), "hf", STYLE))
    texts = [axes.texts[0].get_text() for axes in made]
    assert texts[:3] == [r"b jets, |$\eta$| < 1.2", r"c jets, |$\eta$| < 1.2", r"udsg jets, |$\eta$| < 1.2"]
    assert texts[3] == r"b jets, 1.2 < |$\eta$| < 2.5"
    values = np.asarray(made[3].collections[0].get_array())
    np.testing.assert_allclose(values[:, 1:], [[0.7, 0.7], [0.7, 0.9]])
    assert all(axes.collections[0].norm.vmin == 0 and axes.collections[0].norm.vmax == 1 for axes in made)


def test_what_cannot_be_told_apart_lies_beyond_the_colour_bar():
    made = condition(purities(), STYLE)
    first = maps(made)[0].collections[0]
    values = np.ma.filled(first.get_array(), np.nan)
    assert values[0, 1] > first.norm.vmax
    assert values[0, 2] > first.norm.vmax
    assert values[1, 1] == 3.0
    assert np.isnan(values[:, 0]).all()


def test_nothing_is_cut_off():
    assert_whole(purity(purities(), "hf", STYLE))
    assert_whole(condition(purities(), STYLE))


def test_labels_name_region_and_axes():
    shown = texts(purity(purities(), "hf", STYLE))
    assert "Fraction of probe jets\nHeavy-flavour region" in shown
    assert "Jet $p_{T}$ [GeV]" in shown
    assert "DeepJet discriminant" in shown
    assert "(bins not to scale)" in shown
    assert "Condition number" in texts(condition(purities(), STYLE))


def test_a_result_without_purities_says_so():
    assert purities_of(BinnedScaleFactor({}, (), purities=purities())).regions == ("hf", "lf")
    with pytest.raises(ValueError, match="measure it again"):
        purities_of(BinnedScaleFactor({}, ()))
