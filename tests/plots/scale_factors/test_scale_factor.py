"""Scale factors against the discriminant: what is drawn, and that all of it is seen."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.plots.scale_factors.reference import Reference
from deepsf.plots.scale_factors.scale_factor import figure, handles_of, overview, value_range
from deepsf.plots.style import save
from deepsf.probes.bins import FlavourBins
from tests.plots.scale_factors.results import BINS, LACKING, STYLE, binned, means, results, summary, truth
from tests.plots.seen import assert_whole, legend_labels


def panel(pt_bin: int = 0, **more):
    return results(**more).panel(pt_bin, 0)


def test_everything_drawn_lies_within_the_axes():
    reference = Reference("elsewhere", lambda flavour, pt, abseta, disc: np.full(len(disc), 2.4))
    shown = panel(1, truth=truth(value=0.2), reference=reference, other={"direct": means(value=3.1)})
    main, ratio = figure(shown, STYLE).axes
    values = shown.values
    seen = [values.binned - values.error, values.binned + values.error]
    seen += [values.mean - values.sem, values.mean + values.sem, values.truth, values.other["direct"]]
    for axes, drawn in (
        (main, [*seen, shown.reference.values, shown.smooth]),
        (ratio, [array / values.binned for array in seen]),
    ):
        low, high = axes.get_ylim()
        for array in drawn:
            assert low < array.min()
            assert array.max() < high


@pytest.mark.parametrize("other", [{}, {"direct": 1.0}])
@pytest.mark.parametrize("reference", [None, Reference("elsewhere", lambda flavour, pt, abseta, disc: disc + 0.8)])
def test_the_legend_stays_above_the_data(reference, other):
    other = {name: means(value=value) for name, value in other.items()}
    shown = panel(1, truth=truth(), reference=reference, other=other)
    made = figure(shown, STYLE)
    made.draw_without_rendering()
    main = made.axes[0]
    legend = main.get_legend().get_window_extent().transformed(main.transData.inverted())
    assert legend.y0 > value_range([shown])[1]


def test_nothing_is_cut_off_at_the_figures_border():
    shown = results(truth=truth()).panels()
    assert_whole(figure(shown[0], STYLE))
    assert_whole(overview(shown, STYLE))


def test_another_method_is_drawn_by_bin_and_named():
    made = figure(panel(other={"direct": means(value=1.37)}), STYLE)
    assert "Direct density ratio,\nmean per bin" in legend_labels(made.axes[0])
    assert any(np.allclose(patch.get_data().values, 1.37) for patch in made.axes[0].patches)


def test_labels_have_units_and_name_every_uncertainty():
    main, ratio = figure(panel(truth=truth()), STYLE).axes
    assert main.get_ylabel() == "Scale factor"
    assert ratio.get_xlabel() == "DeepJet discriminant"
    assert r"b jets, 20 < $p_{T}$ < 50 GeV, |$\eta$| < 2.5" in [text.get_text() for text in main.texts]
    labels = [label.replace("\n", " ") for label in legend_labels(main)]
    assert "SEM of 3 trainings (training spread only)" in labels
    assert "Binned SF, stat. (event bootstrap)" in labels
    assert "Truth, mean per bin" in labels


def test_without_truth_or_reference_neither_is_in_the_legend():
    labels = legend_labels(figure(panel(), STYLE).axes[0])
    assert not any("Truth" in label for label in labels)
    assert len(labels) == 5


def test_a_reference_is_drawn_and_named():
    shown = panel(reference=Reference("public", lambda flavour, pt, abseta, disc: disc + 0.8))
    main, _ = figure(shown, STYLE).axes
    assert "public" in legend_labels(main)
    assert any(np.array_equal(line.get_ydata(), shown.fine + 0.8) for line in main.lines)


def test_the_ratio_is_deepsf_over_binned():
    shown = panel(1)
    ratio, values = figure(shown, STYLE).axes[1], shown.values
    outlines = [patch.get_data() for patch in ratio.patches]
    assert any(np.allclose(data.values, values.mean / values.binned) for data in outlines)
    top, bottom = ((values.mean + sign * values.sem) / values.binned for sign in (1, -1))
    assert any(
        np.allclose(d.values, top) and np.allclose(d.baseline, bottom) for d in outlines if d.baseline is not None
    )


def test_a_poor_bin_does_not_set_the_range_of_ratios_but_gets_an_arrow():
    table = binned()
    table.sf[0, 0, 3], table.error[0, 0, 3] = 0.05, 0.2
    ratio = figure(panel(table=table), STYLE).axes[1]
    # DeepSF is 20 times the binned scale factor there, whose relative error is 4
    assert ratio.get_ylim()[1] < 2.0
    (arrow,) = [line for line in ratio.lines if line.get_marker() == "^"]
    assert arrow.get_color() == STYLE.colour("deepsf")
    assert 0.5 < arrow.get_xdata()[0] < 1.0


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
    shown = panel(table=binned(shifts={"lf_up": 1.5, "lf_down": 0.6}))
    made = figure(shown, STYLE)
    (main,), (ratio,) = (
        [patch.get_data() for patch in axes.patches if patch.get_alpha() and not patch.get_hatch()]
        for axes in made.axes
    )
    np.testing.assert_allclose(main.values, 1.5 * shown.values.binned)
    np.testing.assert_allclose(main.baseline, 0.6 * shown.values.binned)
    np.testing.assert_allclose(ratio.values, 1.5)
    np.testing.assert_allclose(ratio.baseline, 0.6)
    assert made.axes[0].get_ylim()[1] > (1.5 * shown.values.binned[1:]).max()
    assert made.axes[1].get_ylim()[0] < 0.6
    assert "Binned SF,\nsyst. envelope" in legend_labels(made.axes[0])


def test_without_systematic_shifts_the_legend_names_none():
    assert not any("syst" in label for label in legend_labels(figure(panel(), STYLE).axes[0]))


def test_lacking_members_are_named_in_the_legend():
    labels = [label for _, label in handles_of(panel(), LACKING)]
    assert "DeepSF, mean per bin\n(24 of 25 members)" in labels
    assert "SEM of 3 trainings\n(training spread only)" in labels
    assert "DeepSF, mean per bin" in [label for _, label in handles_of(panel(), STYLE)]
