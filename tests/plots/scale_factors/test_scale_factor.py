"""Scale factors against the discriminant: what is drawn, and that all of it is seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from deepsf.plots.scale_factors.reference import Reference
from deepsf.plots.scale_factors.scale_factor import figure, handles_of, overview
from deepsf.plots.style import save
from deepsf.probes.bins import FlavourBins
from tests.plots.scale_factors.results import BINS, LACKING, STYLE, binned, means, results, summary, truth
from tests.plots.seen import assert_labels_apart, assert_whole, legend_labels, outlines, points


def panel(pt_bin: int = 0, **more):
    return results(**more).panel(pt_bin, 0)


def bands(axes) -> list:
    """Return the ends of what is hatched."""
    return [patch.get_data() for patch in axes.patches if patch.get_hatch()]


def test_everything_drawn_lies_within_the_axes():
    reference = Reference("elsewhere", lambda flavour, pt, abseta, disc: np.full(len(disc), 2.4))
    more = {"reference": reference, "errors": {"deepsf": means(value=0.4)}}
    shown = panel(1, truth=truth(value=0.7), other={"direct": means(value=3.1)}, **more)
    main, ratio = figure(shown, STYLE).axes
    values = shown.values
    seen = [values.binned - values.error, values.binned + values.error]
    seen += [values.mean - values.mean_error, values.mean + values.mean_error, values.truth, values.other["direct"]]
    for axes, drawn in (
        (main, [*seen, shown.reference.values, shown.smooth]),
        (ratio, [array / 0.7 for array in seen]),
    ):
        low, high = axes.get_ylim()
        for array in drawn:
            assert low < array.min()
            assert array.max() < high


@pytest.mark.parametrize("other", [{}, {"direct": 1.0}])
@pytest.mark.parametrize("reference", [None, Reference("elsewhere", lambda flavour, pt, abseta, disc: disc + 0.8)])
@pytest.mark.parametrize("members", ["", "24 of 25 members, 2 not converged"])
def test_the_legend_stands_beside_the_axes_and_inside_the_figure(as_saved, reference, other, members):
    other = {name: means(value=value) for name, value in other.items()}
    table = binned(shifts={"lf_up": 1.1, "lf_down": 0.9})
    more = {"truth": truth(), "reference": reference, "other": other, "errors": {"deepsf": means(value=0.05)}}
    style = replace(STYLE, members=members, other_members={"direct": members} if members else {})
    made = figure(panel(1, table=table, **more), style)
    made.draw_without_rendering()
    main, ratio = made.axes
    legend = main.get_legend().get_window_extent()
    assert legend.x0 > main.get_window_extent().x1
    assert legend.x1 < made.bbox.x1
    assert legend.y1 < made.bbox.y1
    # it may reach down to the lower panel's end
    assert legend.y0 > ratio.get_window_extent().y0


def test_above_the_data_there_is_room_for_the_bin_in_words(as_saved):
    shown = panel(1)
    made, highest = figure(shown, STYLE), (shown.values.binned + shown.values.error).max()
    made.draw_without_rendering()
    main = made.axes[0]
    (text,) = [text for text in main.texts if "jets" in text.get_text()]
    assert text.get_window_extent().transformed(main.transData.inverted()).y0 > highest


def test_nothing_is_cut_off_at_the_figures_border():
    shown = results(truth=truth(), errors={"deepsf": means(value=0.05)}).panels()
    assert_whole(figure(shown[0], STYLE))
    assert_whole(overview(shown, STYLE))


def test_another_method_is_drawn_by_bin_and_named():
    made = figure(panel(other={"direct": means(value=1.37)}), STYLE)
    assert "Direct density ratio,\nmean per bin" in legend_labels(made.axes[0])
    assert any(np.allclose(patch.get_data().values, 1.37) for patch in made.axes[0].patches)


def test_labels_have_units_and_name_every_uncertainty():
    main, ratio = figure(panel(truth=truth(), errors={"deepsf": means(value=0.05)}), STYLE).axes
    assert main.get_ylabel() == "Scale factor"
    assert ratio.get_xlabel() == "DeepJet discriminant"
    assert r"b jets, 20 < $p_{T}$ < 50 GeV, |$\eta$| < 2.5" in [text.get_text() for text in main.texts]
    labels = [label.replace("\n", " ") for label in legend_labels(main)]
    assert "DeepSF, total error" in labels
    assert "Binned SF, stat. (event bootstrap)" in labels
    assert "Truth, mean per bin" in labels


def test_without_truth_or_reference_neither_is_in_the_legend():
    labels = legend_labels(figure(panel(), STYLE).axes[0])
    assert not any("Truth" in label for label in labels)
    assert len(labels) == 4


def test_a_reference_is_drawn_and_named():
    shown = panel(reference=Reference("public", lambda flavour, pt, abseta, disc: disc + 0.8))
    main, _ = figure(shown, STYLE).axes
    assert "public" in legend_labels(main)
    assert any(np.array_equal(line.get_ydata(), shown.fine + 0.8) for line in main.lines)


@pytest.mark.parametrize("true", [None, 0.8])
def test_the_ratio_is_to_the_truth_and_without_it_to_deepsf(true):
    shown = panel(1, truth=None if true is None else truth(value=true), errors={"deepsf": means(value=0.05)})
    ratio, values = figure(shown, STYLE).axes[1], shown.values
    below = values.mean if true is None else true
    assert ratio.get_ylabel() == ("Ratio to DeepSF" if true is None else "Ratio to truth")
    heights, errors = points(ratio)
    np.testing.assert_allclose(heights, values.binned / below)
    np.testing.assert_allclose(errors, values.error / below)
    assert any(np.allclose(heights, values.mean / below) for heights in outlines(ratio))
    (hatched,) = bands(ratio)
    np.testing.assert_allclose(hatched.values, (values.mean + 0.05) / below)
    np.testing.assert_allclose(hatched.baseline, (values.mean - 0.05) / below)


def test_the_band_is_the_total_error():
    shown = panel(1, errors={"deepsf": means(value=0.05)})
    made = figure(shown, STYLE)
    (hatched,) = bands(made.axes[0])
    np.testing.assert_allclose(hatched.values, shown.values.mean + 0.05)
    np.testing.assert_allclose(hatched.baseline, shown.values.mean - 0.05)
    assert "DeepSF, total error" in legend_labels(made.axes[0])


def test_an_error_that_is_not_known_has_no_band(tmp_path):
    made = figure(panel(truth=truth()), STYLE)
    assert not any("error" in label for label in legend_labels(made.axes[0]))
    for axes in made.axes:
        assert all(np.isnan(hatched.values).all() for hatched in bands(axes))
        assert np.isfinite(axes.get_ylim()).all()
        assert any(np.isfinite(heights).all() for heights in outlines(axes))
    save(made, tmp_path / "unknown", 50)


def test_an_error_that_is_not_known_in_one_bin_leaves_a_gap_there(tmp_path):
    errors = means(value=0.05)
    errors.view()[1, 0, 2] = np.nan
    shown = results(errors={"deepsf": errors}).panels()
    made = figure(shown[1], STYLE)
    (hatched,) = bands(made.axes[0])
    np.testing.assert_array_equal(np.isfinite(hatched.values), [True, True, False, True])
    assert "DeepSF, total error" in legend_labels(made.axes[0])
    save(made, tmp_path / "gap", 50)


def test_bands_of_some_panels_are_named_in_the_overview():
    errors = means(value=0.05)
    errors.view()[0] = np.nan
    shown = results(errors={"deepsf": errors}).panels()
    assert "DeepSF, total error" in [label for _, label in handles_of(shown, STYLE)]
    assert "DeepSF, total error" not in [label for _, label in handles_of(shown[:1], STYLE)]


def test_a_poor_bin_does_not_set_the_range_of_ratios_but_gets_an_arrow():
    # an error of twice the truth
    table = binned(other={(0, 0, 3): (5.0, 2.0)})
    ratio = figure(panel(table=table, truth=truth(value=1.0)), STYLE).axes[1]
    assert ratio.get_ylim()[1] < 2.0
    (arrow,) = [line for line in ratio.lines if line.get_marker() == "^"]
    assert arrow.get_color() == STYLE.colour("binned")
    assert 0.5 < arrow.get_xdata()[0] < 1.0


def test_deepsf_of_a_known_error_stays_in_the_range_of_ratios_where_the_binned_is_poor():
    table = binned(other={(0, 0, 3): (5.0, 2.0)})
    true = truth(value=1.0)
    true.bin_means.view()[0, 0, 3] = 0.4
    unknown, known = (
        figure(panel(table=table, truth=true, errors=errors), STYLE).axes[1]
        for errors in ({}, {"deepsf": means(value=0.05)})
    )
    # DeepSF is 1 there, 2.5 times the truth
    assert known.get_ylim()[1] > 2.5
    assert unknown.get_ylim()[1] < 2.0
    arrows = [line for line in unknown.lines if line.get_marker() == "^"]
    assert {line.get_color() for line in arrows} == {STYLE.colour("deepsf"), STYLE.colour("binned")}


@pytest.mark.parametrize("true", [0.5, 0.9, 1.3])
def test_labels_of_the_panels_do_not_touch(true):
    made = figure(panel(truth=truth(value=true)), STYLE)
    assert_labels_apart(*made.axes)


def test_labels_of_the_rows_of_an_overview_do_not_touch():
    bins = FlavourBins(BINS.pt_gev, np.array([0.0, 0.8, 1.6, 2.5]), BINS.discriminant)
    made = overview(results(binned(bins), summary=summary(bins)).panels(), STYLE)
    assert_labels_apart(*made.axes[::2])


def test_the_slot_of_invalid_scores_is_there_only_with_such_jets():
    with_invalid, without = (figure(panel(summary=summary(n_invalid=n)), STYLE).axes[1] for n in (20, 0))
    assert with_invalid.get_xlim()[0] == -2.01
    assert without.get_xlim()[0] == 0.0


def test_values_beyond_the_histogram_are_mentioned():
    texts = [text.get_text() for text in figure(panel(summary=summary(value=1.8)), STYLE).axes[0].texts]
    assert any("% of the jets lie outside 0.4 to 1.8" in text for text in texts)


def test_bins_that_were_not_measured_leave_gaps(tmp_path):
    table = binned()
    table.measured[0, 0, 2] = False
    table.error[...] = 0.0
    made = figure(panel(table=table), STYLE)
    main = made.axes[0]
    heights = np.concatenate([container.lines[0].get_ydata() for container in main.containers])
    np.testing.assert_allclose(heights, [1.0, 1.1, np.nan, 1.3])
    assert np.isfinite(main.get_ylim()).all()
    save(made, tmp_path / "gap", 50)


def test_the_overview_has_abseta_in_rows_and_pt_in_columns():
    bins = FlavourBins(BINS.pt_gev, np.array([0.0, 0.8, 2.5]), BINS.discriminant)
    made = overview(results(binned(bins), summary=summary(bins)).panels(), STYLE)
    shown = [[text.get_text() for text in axes.texts if "jets" in text.get_text()] for axes in made.axes]
    assert shown == [
        ["b jets\n" + text]
        for text in (
            r"20 < $p_{T}$ < 50 GeV, |$\eta$| < 0.8",
            r"$p_{T}$ > 50 GeV, |$\eta$| < 0.8",
            r"20 < $p_{T}$ < 50 GeV, 0.8 < |$\eta$| < 2.5",
            r"$p_{T}$ > 50 GeV, 0.8 < |$\eta$| < 2.5",
        )
    ]


def test_a_written_figure_is_small_and_repeatable(tmp_path):
    shown = panel(truth=truth())
    first, second = (save(figure(shown, STYLE), tmp_path / name, 60) for name in ("one", "two"))
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()
    assert first[0].stat().st_size < 200_000


def test_the_envelope_is_drawn_named_and_in_range():
    shown = panel(table=binned(shifts={"lf_up": 1.5, "lf_down": 0.6}), truth=truth(value=1.0))
    made = figure(shown, STYLE)
    (main,), (ratio,) = (
        [patch.get_data() for patch in axes.patches if patch.get_alpha() and not patch.get_hatch()]
        for axes in made.axes
    )
    np.testing.assert_allclose(main.values, 1.5 * shown.values.binned)
    np.testing.assert_allclose(main.baseline, 0.6 * shown.values.binned)
    np.testing.assert_allclose(ratio.values, 1.5 * shown.values.binned)
    np.testing.assert_allclose(ratio.baseline, 0.6 * shown.values.binned)
    assert made.axes[0].get_ylim()[1] > (1.5 * shown.values.binned[1:]).max()
    assert made.axes[1].get_ylim()[0] < 0.6 * shown.values.binned[1:].min()
    assert "Binned SF,\nsyst. envelope" in legend_labels(made.axes[0])


def test_without_systematic_shifts_the_legend_names_none():
    assert not any("syst" in label for label in legend_labels(figure(panel(), STYLE).axes[0]))


def ensemble_label(panels, style) -> str:
    (label,) = [label for _, label in handles_of(panels, style) if label.startswith("DeepSF, mean")]
    return label


def test_the_legend_of_a_bin_quotes_the_standard_error_of_its_mean():
    shown = panel()._replace(sem=0.00123)
    assert ensemble_label([shown], STYLE) == "DeepSF, mean per bin\n(3 trainings, SEM 0.001)"
    assert ensemble_label([shown], LACKING) == "DeepSF, mean per bin\n(24 of 25 members,\nSEM 0.001)"


def test_no_standard_error_is_quoted_of_many_bins_or_if_it_is_not_known():
    assert ensemble_label(results().panels(), STYLE) == "DeepSF, mean per bin\n(3 trainings)"
    assert ensemble_label([panel()._replace(sem=np.nan)], STYLE) == "DeepSF, mean per bin\n(3 trainings)"
    assert ensemble_label(results().panels(), LACKING) == "DeepSF, mean per bin\n(24 of 25 members)"


def test_members_of_another_method_that_have_not_converged_are_said_in_its_label():
    style = replace(STYLE, other_members={"direct": "3 members, 1 not converged"})
    labels = [label for _, label in handles_of([panel(other={"direct": means()})], style)]
    assert "Direct density ratio,\nmean per bin\n(3 members,\n1 not converged)" in labels
    assert style.method("direct") == "Direct density ratio (3 members, 1 not converged)"


@pytest.mark.parametrize(
    ("lacking", "words"),
    [(["shifts"], "syst. shifts"), (["bootstraps", "shifts"], "bootstraps, syst. shifts")],
)
def test_an_error_that_lacks_a_part_is_not_called_total(as_saved, lacking, words):
    made = figure(panel(errors={"deepsf": means(value=0.05)}), replace(STYLE, errors_lacking=lacking))
    assert f"DeepSF, error without\n{words}" in legend_labels(made.axes[0])
    made.draw_without_rendering()
    assert made.axes[0].get_legend().get_window_extent().x1 < made.bbox.x1


@pytest.mark.parametrize("n_pt", [1, 2, 3, 6])
def test_the_legend_of_an_overview_stands_below_all_labels_and_inside_the_figure(as_saved, n_pt):
    bins = FlavourBins(np.geomspace(20, 1000, n_pt + 1), BINS.abseta, BINS.discriminant)
    more = {"truth": truth(bins), "other": {"direct": means(bins)}, "errors": {"deepsf": means(bins, 0.05)}}
    table = binned(bins, shifts={"lf_up": 1.1, "lf_down": 0.9})
    note = "24 of 25 members, 2 not converged"
    style = replace(STYLE, members=note, other_members={"direct": note})
    made = overview(results(table, summary=summary(bins), **more).panels(), style)
    made.draw_without_rendering()
    legend = made.legends[0].get_window_extent()
    assert min(legend.x0, legend.y0) >= 0
    assert legend.x1 <= made.bbox.x1
    assert legend.y1 < min(axes.get_tightbbox().y0 for axes in made.axes)
