"""Figures of phase spaces: what is drawn, by hand, and that all of it is seen."""

from __future__ import annotations

import hist
import numpy as np
import pytest
from matplotlib.text import Text

from deepsf.audit.phase_space.histograms import PhaseSpaceHistograms
from deepsf.config.selection import CHANNELS
from deepsf.config.validation import Validation
from deepsf.plots.scale_factors.names import phase_space_stems
from deepsf.plots.scale_factors.phase_space import content, figure, figures
from deepsf.plots.style import Style, save

STYLE = Style(
    "DeepSF", "Toy simulation", "DeepJet discriminant", "10 fb$^{-1}$ (13 TeV)", flavour_labels={"b": "b jets"}
)
METHODS = ["none", "binned", "binned_smooth", "deepsf"]
SCORES = [-2.01, 0.0, 0.1, 0.5, 1.01]
HT = [40.0, 100.0, 200.0, 500.0]
FACTOR = {"none": 1.0, "binned": 1.25, "binned_smooth": 1.25, "deepsf": 1.6}


def histograms(shifts=("lf_up", "lf_down")) -> tuple[PhaseSpaceHistograms, PhaseSpaceHistograms]:
    """Return jets and events: 100 of flavour b and 60 of udsg in every bin times the method's factor, 200 in data."""
    made = []
    for own in (
        (hist.axis.StrCategory(["leading", "second", "further"], name="rank"), _variable(SCORES, "discriminant")),
        (_variable(HT, "ht"),),
    ):
        channel = hist.axis.StrCategory(CHANNELS, name="channel")
        n_jets = hist.axis.Integer(2, 9, name="n_jets", flow=False)
        flavour = hist.axis.StrCategory(["b", "udsg"], name="flavour")
        method, shift = (
            hist.axis.StrCategory(list(n), name=k)
            for k, n in {"method": METHODS, "shift": shifts or ("nominal",)}.items()
        )
        weighted = hist.storage.Weight()
        simulation = hist.Hist(method, channel, flavour, n_jets, *own, storage=weighted)
        shape = (-1, *[1] * (simulation.ndim - 1))
        factor = np.array(list(FACTOR.values())).reshape(shape)
        simulation.view().value[...] = factor * np.array([100.0, 60.0]).reshape(1, 1, 2, *[1] * (simulation.ndim - 3))
        simulation.view().variance[...] = 8.0
        data = hist.Hist(channel, n_jets, *own, storage=weighted)
        data.view().value[...] = data.view().variance[...] = 200.0
        shifted = hist.Hist(shift, channel, n_jets, *own, storage=hist.storage.Double())
        for number, name in enumerate(shifts):
            shifted.view()[number] = 200.0 + (30.0 if name.endswith("up") else -10.0)
        made.append(PhaseSpaceHistograms(simulation, shifted, data))
    return made[0], made[1]


def _variable(edges, name):
    return hist.axis.Variable(edges, name=name, flow=False)


TESTS = {
    channel: {
        variable: {method: {"chi2": 12.3, "ndf": 10, "p": 0.27 if method != "none" else 0.0} for method in METHODS}
        for variable in ("leading", "second", "further", "n_jets", "ht")
    }
    for channel in (*CHANNELS, "all")
}


def test_content_of_a_jets_discriminant_by_hand():
    found = content(*histograms(), "second", "emu", (2, 3))
    # two numbers of jets: 2 x 160 without, times 1.25 with binned scale factors; 2 x 8 x 2 flavours of variance
    np.testing.assert_allclose(found.stack, [[200.0] * 4, [120.0] * 4])
    np.testing.assert_allclose(found.simulation["none"], 320.0)
    np.testing.assert_allclose(found.simulation["binned"], 400.0)
    np.testing.assert_allclose(found.error["binned"], np.sqrt(32.0))
    np.testing.assert_allclose(found.ratio("binned"), np.outer([1.0, 0.05], np.ones(4)))
    # shifts 2 x 230 and 2 x 190 around 400
    np.testing.assert_allclose(found.shifts.up, 60.0)
    np.testing.assert_allclose(found.shifts.down, 20.0)


def test_channels_and_bins_of_ht_are_summed_by_hand():
    found = content(*histograms(), "n_jets", "all", (3, 8))
    # three channels, three bins of HT
    np.testing.assert_allclose(found.simulation["none"], np.full(6, 160.0 * 9))
    np.testing.assert_allclose(content(*histograms(), "ht", "ee", (2, 2)).data, [200.0] * 3)


def test_without_shifts_there_is_no_envelope():
    assert content(*histograms(()), "ht", "ee", (2, 2)).shifts is None
    made = figure(*histograms(()), "ht", (2, 8), STYLE)
    assert "Binned SF, all shifts" not in texts(made)


def test_an_unknown_method_is_named():
    with pytest.raises(ValueError, match=r"no scale factors 'direct'.*there are \['none', 'binned'"):
        content(*histograms(), "ht", "ee", (2, 2), methods=("none", "direct"))


def texts(made) -> list[str]:
    return [text.get_text() for text in made.findobj(Text) if text.get_text()]


def test_channels_methods_jets_and_tests_are_named():
    shown = texts(figure(*histograms(), "leading", (3, 8), STYLE, tests=TESTS))
    for label in ("No scale factors", "Binned SF", "DeepSF", "Data / simulation", "Jets / bin", "b jets", "udsg jets"):
        assert label in shown, label
    for label in ("Simulation stat.", "Binned SF, all shifts", "Leading jet: DeepJet discriminant"):
        assert label in shown, label
    for channel in ("ee", r"e$\mu$", r"$\mu\mu$", "All channels"):
        assert f"{channel}\n$\\geq$ 3 jets" in shown
    # three rows of four columns
    assert sum("/ndf = 12/10, p = 0.3" in text for text in shown) == 8
    assert sum("/ndf = 12/10, p < 1e-99" in text for text in shown) == 4


def test_events_say_whose_flavour_is_stacked():
    assert "by the leading jet's flavour" in texts(figure(*histograms(), "n_jets", (2, 8), STYLE))
    assert "by the leading jet's flavour" not in texts(figure(*histograms(), "leading", (2, 8), STYLE))


def test_the_ratio_of_binned_scale_factors_has_the_envelope():
    made = figure(*histograms(), "ht", (2, 2), STYLE)
    binned = made.axes[8]  # columns ee, emu, mumu, all; the third row
    filled = [patch.get_data() for patch in binned.patches if not patch.get_hatch()]
    assert any(np.allclose(d.values, 1.15) and np.allclose(d.baseline, 0.95) for d in filled)
    for other in (made.axes[4], made.axes[12]):
        assert not [patch for patch in other.patches if not patch.get_hatch()]


@pytest.mark.parametrize("variable", ["leading", "further", "n_jets", "ht"])
def test_nothing_is_cut_off_and_text_is_clear_of_the_data(variable):
    made = figure(*histograms(), variable, (3, 8), STYLE, tests=TESTS)
    made.draw_without_rendering()
    tight, (width, height) = made.get_tightbbox(), made.get_size_inches()
    assert tight.x0 >= 0
    assert tight.y0 >= 0
    assert tight.x1 <= width
    assert tight.y1 <= height
    legend = made.axes[3].get_legend().get_window_extent()
    highest = content(*histograms(), variable, "all", (3, 8)).data.max()
    assert legend.transformed(made.axes[3].transData.inverted()).y0 > highest
    for row in range(1, 4):
        method, test = (text.get_window_extent() for text in made.axes[4 * row].texts[:2])
        assert not method.overlaps(test)


def test_figures_come_under_the_names_that_are_foretold():
    made = [stem for stem, _ in figures(*histograms(), TESTS, Validation(), STYLE)]
    assert made == phase_space_stems()
    assert len(made) == len(set(made)) == 13


def test_equal_figures_are_equal_bytes(tmp_path):
    first, second = (
        save(figure(*histograms(), "ht", (2, 8), STYLE), tmp_path / name, 40) for name in ("first", "second")
    )
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()
