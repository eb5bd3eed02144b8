"""Yields of tag regions: what is drawn, that it is labelled, and that all of it is seen."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot

from deepsf.plots.efficiency.regions import figure, n_tags_figure, pairs_figure
from deepsf.plots.efficiency.variables import EVENT_VARIABLES
from deepsf.plots.style import save
from tests.plots.efficiency.results import LACKING, STYLE, closure, without_charm, without_truth
from tests.plots.seen import clipped, outlines, points, texts


def test_points_are_direct_tags_with_their_poisson_errors():
    main = figure(closure(), "test", "2tag", "delta_r", STYLE).axes[0]
    direct = closure().samples["test"].regions["2tag"]["delta_r"].direct[0]
    values, errors = points(main)
    np.testing.assert_allclose(values, direct)
    np.testing.assert_allclose(errors, np.sqrt(direct))


def test_outlines_are_the_predictions_of_all_models_and_ratios_are_to_the_truth():
    made = figure(closure(), "test", "1tag", "n_jets", STYLE)
    yields = closure().samples["test"].regions["1tag"]["n_jets"]
    drawn, ratios = outlines(made.axes[0]), outlines(made.axes[1])
    models = ("map", "map_delta_r", "closest_jet", "pairwise", "gnn")
    assert len(drawn) == len(ratios) == len(models)
    for values, quotient, model in zip(drawn, ratios, models, strict=True):
        np.testing.assert_allclose(values, yields.models[model].predicted[0])
        np.testing.assert_allclose(quotient, yields.ratio(model))


def test_the_band_is_sum_w2_and_v_eff():
    made = figure(closure(), "test", "2tag", "eta", STYLE)
    yields = closure().samples["test"].regions["2tag"]["eta"].models["gnn"]
    (band,) = [patch.get_data() for patch in made.axes[0].patches if patch.get_fill()]
    np.testing.assert_allclose(band.values - yields.predicted[0], np.sqrt(yields.sum_w2 + yields.v_eff)[0])
    np.testing.assert_allclose(band.baseline, 2 * yields.predicted[0] - band.values)


def test_the_lowest_panel_shows_networks_alone_close_to_one():
    made = figure(closure(), "test", "2tag", "delta_r", STYLE)
    wide, close = made.axes[1:3]
    assert len(outlines(wide)) == 5
    assert len(outlines(close)) == 3
    assert 1 - close.get_ylim()[0] == pytest.approx(close.get_ylim()[1] - 1)
    assert close.get_ylim()[1] < wide.get_ylim()[1]
    # the map is far beyond the wide panel at small DeltaR: an arrow
    assert any(line.get_marker() == "^" and line.get_color() == STYLE.colour("map") for line in wide.lines)


@pytest.mark.parametrize("variable", EVENT_VARIABLES)
def test_axes_carry_their_quantity_and_unit_and_the_legend_its_tests(variable):
    shown = texts(figure(closure(), "test", "2tag", variable, STYLE))
    label = {
        "delta_r": r"$\Delta R$ of the two leading jets (last bin open)",
        "pt_gev": "Leading jet $p_{T}$ [GeV] (last bin open)",
        "eta": r"Leading jet $\eta$",
        "mass_gev": "Mass of the two leading jets [GeV] (last bin open)",
        "n_jets": "Number of jets",
        "closest_flavour": "Flavour of the jet closest to the leading one",
    }[variable]
    for text in (label, "Events / bin", "Predicted /\ntrue", "Networks\nalone", "DeepSF", "Toy simulation"):
        assert text in shown, text
    assert "Test sample\nTwo leading jets tagged" in shown
    chi2, ndf = closure().samples["test"].regions["2tag"][variable].chi2("gnn")
    assert f"GNN ({chi2:.0f}/{ndf})" in shown
    assert "Direct tagging" in shown
    assert any(text.startswith("Map of $p_{T}$") for text in shown)


def by_name(sample, region, variable, style):
    """Return a figure of a region, or of no region that of the number of tags."""
    return figure(closure(), sample, region, variable, style) if region else n_tags_figure(closure(), sample, style)


@pytest.mark.parametrize(
    ("sample", "region", "variable", "style"),
    [
        ("test", "2tag", "delta_r", LACKING),
        ("test", "1tag", "pt_gev", STYLE),
        ("test", "2tag", "eta", STYLE),
        ("scalar", "", "n_tags", LACKING),
        ("test", "2tag", "n_jets", STYLE),
        ("train", "1tag", "delta_r", STYLE),
    ],
)
def test_nothing_is_clipped_and_the_legend_is_above_the_data(sample, region, variable, style):
    made = by_name(sample, region, variable, style)
    assert clipped(made) == []
    main = made.axes[0]
    legend = main.get_legend().get_window_extent()
    bottom = legend.transformed(main.transData.inverted()).y0
    highest = max(np.nanmax(values) for values in outlines(main))
    values, errors = points(main)
    assert bottom > max(highest, np.max(values + errors))
    right = main.get_window_extent().x1
    assert legend.x1 <= right + 1
    heading = next(text for text in main.texts if text.get_text().startswith(("Test", "Transfer", "Training")))
    assert not legend.overlaps(heading.get_window_extent())


def test_an_ensemble_that_lacks_members_says_so():
    assert "Test sample, 18 of 20 members\nLeading jet tagged" in texts(
        figure(closure(), "test", "1tag", "pt_gev", LACKING)
    )


def test_numbers_and_flavours_are_labelled_in_whole():
    def labels(variable):
        made = by_name("test", "" if variable == "n_tags" else "1tag", variable, STYLE)
        made.draw_without_rendering()
        return [text.get_text() for text in made.axes[2].get_xticklabels()]

    assert labels("n_jets") == ["2", "3", "4", "5", "6"]
    assert labels("closest_flavour") == ["b", "c", "udsg"]
    assert labels("n_tags") == ["0", "1", "2", "3", "≥ 4"]


def test_without_truth_direct_tags_are_the_reference():
    made = figure(without_truth(), "test", "2tag", "delta_r", STYLE)
    assert "Predicted /\ndirect" in texts(made)
    assert points(made.axes[1])[0].tolist() == [1.0] * 10


def test_every_flavour_pair_has_a_panel_with_its_ratio():
    made = pairs_figure(closure(), "test", "2tag", "delta_r", STYLE)
    shown = texts(made)
    for pair in ("b + b", "b + c", "b + udsg", "c + c", "c + udsg", "udsg + udsg"):
        assert shown.count(pair) == 1
    yields = closure().samples["test"].regions["2tag"]["delta_r"]
    main = next(axes for axes in made.axes if "b + c" in [text.get_text() for text in axes.texts])
    np.testing.assert_allclose(outlines(main)[-1], yields.models["gnn"].predicted[yields.categories.index("b_c")])
    assert "Test sample, two leading jets tagged" in shown
    assert clipped(made) == []


def test_pairs_that_a_sample_lacks_have_no_panel():
    shown = texts(pairs_figure(closure(), "scalar", "2tag", "delta_r", STYLE))
    assert {"b + b", "c + c", "udsg + udsg"} <= set(shown)
    assert "b + c" not in shown


def test_the_cross_fit_is_of_other_members_than_the_ensemble():
    of_test, of_train = (
        " ".join(texts(figure(closure(), name, "2tag", "delta_r", LACKING))) for name in ("test", "train")
    )
    assert "18 of 20 members" in of_test
    assert "18 of 20 members" not in of_train


def test_a_flavour_without_jets_has_no_panel_of_pairs():
    shown = texts(pairs_figure(without_charm(), "test", "1tag", "delta_r", STYLE))
    assert {"b + b", "b + udsg", "udsg + udsg"} <= set(shown)
    assert not any("c" in text.split(" + ") for text in shown)


def test_equal_results_give_equal_bytes_and_leave_no_state(tmp_path):
    before = dict(mpl.rcParams)
    written = [
        save(figure(closure(), "test", "2tag", "delta_r", STYLE), tmp_path / name, 40) for name in ("one", "other")
    ]
    assert all(a.read_bytes() == b.read_bytes() for a, b in zip(*written, strict=True))
    assert dict(mpl.rcParams) == before
    assert pyplot.get_fignums() == []
