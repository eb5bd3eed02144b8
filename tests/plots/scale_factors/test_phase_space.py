"""Figures of phase spaces: what is drawn, by hand, and that all of it is seen."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.audit.phase_space.content import content
from deepsf.config.selection import CHANNELS
from deepsf.plots.scale_factors.phase_space import figure
from deepsf.plots.style import save
from tests.analysis.audit.phase_space.flat_histograms import METHODS, histograms
from tests.plots.scale_factors.results import STYLE
from tests.plots.seen import assert_whole, texts

TESTS = {
    channel: {
        variable: {method: {"chi2": 12.3, "ndf": 10, "p": 0.27 if method != "none" else 0.0} for method in METHODS}
        for variable in ("leading", "second", "further", "n_jets", "ht")
    }
    for channel in (*CHANNELS, "all")
}


def test_channels_methods_jets_and_tests_are_named():
    shown = texts(figure(histograms(), "leading", (3, 8), STYLE, TESTS))
    for label in ("Data / simulation", "Jets / bin", "b jets", "udsg jets"):
        assert label in shown, label
    for label in ("Simulation stat.", "Binned SF, all shifts", "Leading jet: DeepJet discriminant"):
        assert label in shown, label
    for channel in ("ee", "eμ", "μμ", "All channels"):
        assert f"{channel}\n≥ 3 jets" in shown
    # three rows of four columns
    for method, p in {"No scale factors": "p < $10^{-99}$", "Binned SF": "p = 0.27", "DeepSF": "p = 0.27"}.items():
        test = r"$\chi^{2}$/ndf = 12.3/10, " + p
        assert f"{method}\n{test}" in shown
        assert shown.count(test) == (3 if method == "No scale factors" else 6)


def test_without_shifts_no_envelope_is_named():
    assert "Binned SF, all shifts" not in texts(figure(histograms(()), "ht", (2, 8), STYLE))


def test_events_say_whose_flavour_is_stacked():
    assert "by the leading jet's flavour" in texts(figure(histograms(), "n_jets", (2, 8), STYLE))
    assert "by the leading jet's flavour" not in texts(figure(histograms(), "leading", (2, 8), STYLE))


def test_the_ratio_of_binned_scale_factors_has_the_envelope():
    made = figure(histograms(), "ht", (2, 2), STYLE)
    binned = made.axes[8]  # columns ee, emu, mumu, all; the third row
    filled = [patch.get_data() for patch in binned.patches if not patch.get_hatch()]
    assert any(np.allclose(d.values, 1.15) and np.allclose(d.baseline, 0.95) for d in filled)
    for other in (made.axes[4], made.axes[12]):
        assert not [patch for patch in other.patches if not patch.get_hatch()]


@pytest.mark.parametrize("variable", ["leading", "further", "n_jets", "ht"])
def test_nothing_is_cut_off_and_text_is_clear_of_the_data(variable):
    made = figure(histograms(), variable, (3, 8), STYLE, TESTS)
    assert_whole(made)
    legend = made.axes[3].get_legend().get_window_extent()
    highest = content(histograms(), variable, "all", (3, 8)).data.max()
    assert legend.transformed(made.axes[3].transData.inverted()).y0 > highest
    for panel in (made.axes[4 * row] for row in range(1, 4)):
        text = panel.texts[0].get_window_extent().transformed(panel.transData.inverted())
        # data over simulation without scale factors: 200 over 160, and its Poisson error
        assert text.y0 > 1.25 * (1 + 1 / np.sqrt(200))


def test_equal_figures_are_equal_bytes(tmp_path):
    first, second = (
        save(figure(histograms(), "ht", (2, 8), STYLE), tmp_path / name, 40) for name in ("first", "second")
    )
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()


def test_the_slot_of_invalid_scores_and_the_label_do_not_touch():
    made = figure(histograms(), "leading", (2, 8), STYLE)
    made.draw_without_rendering()
    last = made.axes[-1]
    (invalid,) = [text for text in last.texts if text.get_text() == "invalid"]
    assert not invalid.get_window_extent().overlaps(last.xaxis.label.get_window_extent())
