"""Maps of purity and condition number."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.text import Text

from deepsf.binned.purity import FlavourPurities
from deepsf.plots.scale_factors.names import purity_stems
from deepsf.plots.scale_factors.purity import condition, figures, purity
from deepsf.plots.style import Style
from deepsf.probes.bins import FlavourBins

STYLE = Style("DeepSF", "Toy simulation", "DeepJet discriminant", region_labels={"hf": "Heavy-flavour region"})
BINS = FlavourBins(np.array([20.0, 50.0, 1000.0]), np.array([0.0, 1.2, 2.5]), np.array([-2.01, 0.0, 0.1, 1.01]))


def system() -> FlavourPurities:
    fraction = np.empty((2, 3, *BINS.shape))
    fraction[:, 0], fraction[:, 1], fraction[:, 2] = 0.7, 0.1, 0.2
    fraction[0, 0, 1, 1, 2] = 0.9
    fraction[..., 0] = np.nan
    numbers = np.full(BINS.shape, 3.0)
    numbers[0, 0, 1], numbers[0, 0, 2], numbers[..., 0] = 500.0, np.inf, np.nan
    return FlavourPurities(("hf", "lf"), ("b", "c", "udsg"), BINS, fraction, numbers)


def maps(made):
    return [axes for axes in made.axes if axes.collections and axes.get_xscale() == "function"]


def test_each_flavour_and_abseta_has_its_map():
    made = maps(purity(system(), "hf", STYLE))
    texts = [axes.texts[0].get_text() for axes in made]
    assert texts[:3] == [r"b jets, |$\eta$| < 1.2", r"c jets, |$\eta$| < 1.2", r"udsg jets, |$\eta$| < 1.2"]
    assert texts[3] == r"b jets, 1.2 < |$\eta$| < 2.5"
    values = np.asarray(made[3].collections[0].get_array())
    np.testing.assert_allclose(values[:, 1:], [[0.7, 0.7], [0.7, 0.9]])
    assert all(axes.collections[0].norm.vmin == 0 and axes.collections[0].norm.vmax == 1 for axes in made)


def test_what_cannot_be_told_apart_lies_beyond_the_colour_bar():
    made = condition(system(), STYLE)
    first = maps(made)[0].collections[0]
    values = np.ma.filled(first.get_array(), np.nan)
    assert values[0, 1] > first.norm.vmax
    assert values[0, 2] > first.norm.vmax
    assert values[1, 1] == 3.0
    assert np.isnan(values[:, 0]).all()


@pytest.mark.parametrize("make", [lambda: purity(system(), "hf", STYLE), lambda: condition(system(), STYLE)])
def test_nothing_is_cut_off(make):
    made = make()
    made.draw_without_rendering()
    tight, (width, height) = made.get_tightbbox(), made.get_size_inches()
    assert tight.x0 >= 0
    assert tight.y0 >= 0
    assert tight.x1 <= width
    assert tight.y1 <= height


def test_labels_name_region_and_axes():
    shown = [text.get_text() for text in purity(system(), "hf", STYLE).findobj(Text)]
    assert "Fraction of probe jets\nHeavy-flavour region" in shown
    assert "Jet $p_{T}$ [GeV]" in shown
    assert "DeepJet discriminant" in shown
    assert "Condition number" in [text.get_text() for text in condition(system(), STYLE).findobj(Text)]


def test_figures_come_under_the_names_that_are_foretold():
    assert [stem for stem, _ in figures(system(), STYLE)] == purity_stems(["hf", "lf"])


def test_a_result_without_a_system_says_so():
    with pytest.raises(ValueError, match="measure it again"):
        list(figures(None, STYLE))
