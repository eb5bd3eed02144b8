"""Stacked simulation against data before and after scale factors."""

from __future__ import annotations

from dataclasses import replace

import hist
import numpy as np
import pytest

from deepsf.plots.scale_factors.closure import figure
from tests.plots.scale_factors.results import LACKING, METHODS, STYLE, observed, simulation
from tests.plots.seen import assert_labels_apart, legend_labels, points, texts


def test_the_ratio_is_data_over_simulation_with_the_datas_error():
    made = figure("hf", simulation(), observed(), STYLE)
    value, error = points(made.axes[3])
    # 15/15, 480/400, 225/250, 410/410; sqrt(480)/400 = 0.0548, sqrt(225)/250 = 0.06
    np.testing.assert_allclose(value, [1.0, 1.2, 0.9, 1.0])
    np.testing.assert_allclose(error[1:3], [0.0548, 0.06], atol=1e-4)


def test_the_band_is_the_statistics_of_the_simulation():
    made = figure("hf", simulation(), observed(), STYLE)
    bands = [patch.get_data() for patch in made.axes[3].patches if patch.get_hatch()]
    # variances are half of the sums: relative error 1/sqrt(2 n), n = 15, 400, 250, 410
    np.testing.assert_allclose(bands[0].values - 1, 1 / np.sqrt(2 * np.array([15, 400, 250, 410.0])))


def test_flavours_are_stacked_to_the_sum():
    made = figure("hf", simulation(), observed(), STYLE)
    tops = [p.get_data().values for p in made.axes[0].patches if not p.get_hatch() and hasattr(p, "get_data")]
    assert any(np.allclose(top, [15.0, 400.0, 250.0, 410.0]) for top in tops)


def test_ranges_hold_data_and_simulation_in_every_column():
    made = figure("hf", simulation(), observed(), STYLE)
    main, ratio = made.axes[0], made.axes[3]
    assert main.get_ylim()[1] > 480 + np.sqrt(480)
    assert main.get_ylim()[0] < 5.0
    assert ratio.get_ylim()[1] > 1.2 + 0.0548
    assert ratio.get_ylim()[0] < 0.9 - 0.06


def test_a_poor_bin_does_not_set_the_range_but_gets_an_arrow():
    poor = observed(values=[15.0, 480.0, 225.0, 9.0])
    made = figure("hf", simulation(b=[10, 100, 200, 1], udsg=[5, 300, 50, 1]), poor, STYLE)
    ratio = made.axes[3]
    # 9 observed, 2 expected: 4.5 +- 1.5
    assert ratio.get_ylim()[1] < 2.0
    assert any(line.get_marker() == "^" for line in ratio.lines)


def test_the_range_of_ratios_is_that_of_methods_with_scale_factors():
    after = simulation()
    after.view().value[0] *= 0.5
    made = figure("hf", after, observed(), STYLE)
    without, corrected = made.axes[3], made.axes[4]
    # 480/400 and 225/250 with scale factors, twice as much without: 2.4 and 1.8
    assert without.get_ylim() == corrected.get_ylim()
    assert without.get_ylim()[1] < 1.5
    (arrows,) = [line for line in without.lines if line.get_marker() == "^"]
    assert len(arrows.get_xdata()) == 4
    assert not [line for line in corrected.lines if line.get_marker() == "^"]


def test_without_scale_factors_in_any_column_their_ratio_sets_the_range():
    alone = simulation(methods=["none"])
    alone.view().value[0] *= 0.5
    made = figure("hf", alone, observed(), STYLE)
    assert made.axes[1].get_ylim()[1] > 2.4


@pytest.mark.parametrize("highest", [464.0, 480.0, 548.0])
def test_labels_of_the_panels_do_not_touch(highest):
    # yields begin at 1, half of the smallest; 464 and 548 of 400 give ratios a label near the top
    made = figure(
        "hf", simulation(udsg=[2.0, 300.0, 50.0, 10.0]), observed(values=[15.0, highest, 225.0, 410.0]), STYLE
    )
    assert_labels_apart(*made.axes[::3])


TEST = {"chi2": 12.34, "ndf": 15, "p": 0.6543}


def test_each_column_names_its_scale_factors_and_its_test():
    made = figure("hf", simulation(), observed(), STYLE, {"deepsf": TEST})
    columns = [" ".join(text.get_text() for text in axes.texts) for axes in made.axes[:3]]
    assert "Heavy-flavour region" in columns[0]
    assert "No scale factors" in columns[0]
    assert "Binned SF" in columns[1]
    assert r"$\chi^{2}$/ndf = 12.3/15, p = 0.65" in columns[2]
    assert legend_labels(made.axes[2]) == ["Data", "b jets", "udsg jets", "Simulation stat."]


def test_lacking_members_are_named_with_the_ensemble_alone():
    shown = texts(figure("hf", simulation(), observed(), LACKING))
    assert [text for text in shown if "member" in text] == ["DeepSF (24 of 25 members)"]


def test_a_note_on_members_stays_inside_its_column():
    note = "24 of 25 members, 2 not converged"
    methods = ["none", "binned", "direct", "deepsf"]
    style = replace(STYLE, members=note, other_members={"direct": note})
    made = figure("hf", simulation(methods=methods), observed(), style, dict.fromkeys(methods, TEST))
    made.draw_without_rendering()
    shown = [text for axes in made.axes for text in axes.texts if note in text.get_text()]
    assert len(shown) == 2
    for text in shown:
        assert text.get_window_extent().x1 < text.axes.get_window_extent().x1
    legend = made.axes[3].get_legend().get_window_extent()
    assert not any(legend.overlaps(text.get_window_extent()) for text in made.axes[3].texts if "chi" in text.get_text())


def test_the_legend_is_clear_of_text_and_data():
    made = figure("hf", simulation(), observed(), STYLE, dict.fromkeys(METHODS, TEST))
    made.draw_without_rendering()
    axes = made.axes[2]
    legend = axes.get_legend().get_window_extent()
    assert not any(legend.overlaps(text.get_window_extent()) for text in axes.texts if "chi" in text.get_text())
    assert legend.transformed(axes.transData.inverted()).y0 > 480 + np.sqrt(480)


def test_yields_per_width_are_quoted_for_even_bins():
    even = [-2.01, *np.linspace(0, 1, 51)]
    shape = np.full(51, 10.0)
    fine = figure("hf", simulation(even, shape, shape), observed(even, shape), STYLE)
    assert fine.axes[0].get_ylabel() == "Probe jets / 0.02"
    assert figure("hf", simulation(), observed(), STYLE).axes[0].get_ylabel() == "Probe jets / bin"


def test_bins_without_data_have_no_point():
    value, _ = points(figure("hf", simulation(), observed(values=[0.0, 480.0, 225.0, 410.0]), STYLE).axes[3])
    assert np.isnan(value[0])


def test_a_method_that_is_there_has_a_column_and_one_that_is_not_has_none():
    without = simulation()
    methods = hist.axis.StrCategory(["none", "binned", "direct", "deepsf"], name="method")
    with_direct = hist.Hist(methods, *without.axes[1:], storage=hist.storage.Weight())
    with_direct.view()[...] = without.view()
    for histogram, names in (
        (without, ["No scale factors", "Binned SF", "DeepSF"]),
        (with_direct, ["No scale factors", "Binned SF", "Direct density ratio", "DeepSF"]),
    ):
        made = figure("hf", histogram, observed(), STYLE)
        upper = made.axes[: len(names)]
        assert len(made.axes) == 2 * len(names)
        for axes, name in zip(upper, names, strict=True):
            assert name in " ".join(text.get_text() for text in axes.texts)


def test_data_and_simulation_need_the_same_edges():
    with pytest.raises(ValueError, match="different discriminant edges"):
        figure("hf", simulation(), observed([-2.01, 0.0, 0.2, 0.5, 1.01]), STYLE)


def test_networks_have_a_chi2_out_of_fold_and_what_is_not_fitted_has_not():
    test = {"chi2": 12.0, "ndf": 6, "p": 0.062}
    out_of_fold = {method: {"chi2": 9.0, "ndf": 6, "p": 0.17} for method in ("none", "deepsf", "truth")}
    made = figure("hf", simulation(), observed(), STYLE, dict.fromkeys(METHODS, test), out_of_fold)
    said = [text for text in texts(made) if "p = 0.062" in text]
    assert [text.count("= 9.0/6 out of fold") for text in said] == [0, 1]
