"""Yields of tag regions: what is drawn, that it is labelled, and that all of it is seen."""

from __future__ import annotations

from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.text import Text

from deepsf.plots.efficiency.jets import figure as jets_figure
from deepsf.plots.efficiency.regions import figure, n_tags_figure, pairs_figure
from deepsf.plots.efficiency.variables import EVENT_VARIABLES
from deepsf.plots.style import save
from tests.plots.efficiency.results import LACKING, STYLE, closure, without_charm, without_truth
from tests.plots.seen import clipped, outlines, points, texts


def widths(yields):
    return np.diff(yields.edges)


def test_points_are_direct_tags_by_the_width_of_bins_with_their_poisson_errors():
    main = figure(closure(), "test", "2tag", "delta_r", STYLE).axes[0]
    yields = closure().samples["test"].regions["2tag"]["delta_r"]
    # eight bins of .4, one of .8, one of 1
    assert len(np.unique(widths(yields).round(6))) == 3
    values, errors = points(main)
    np.testing.assert_allclose(values, yields.direct[0] / widths(yields))
    np.testing.assert_allclose(errors, np.sqrt(yields.direct[0]) / widths(yields))


def test_numbers_of_jets_are_not_divided_by_a_width():
    main = figure(closure(), "test", "2tag", "closest_flavour", STYLE).axes[0]
    np.testing.assert_allclose(points(main)[0], closure().samples["test"].regions["2tag"]["closest_flavour"].direct[0])


def test_outlines_are_the_predictions_of_all_models_and_ratios_are_to_the_truth():
    made = figure(closure(), "test", "1tag", "n_jets", STYLE)
    yields = closure().samples["test"].regions["1tag"]["n_jets"]
    drawn, ratios = outlines(made.axes[0]), outlines(made.axes[1])
    models = ("map", "map_delta_r", "closest_jet", "pairwise", "gnn")
    assert len(drawn) == len(ratios) == len(models)
    for values, quotient, model in zip(drawn, ratios, models, strict=True):  # bins of width 1
        np.testing.assert_allclose(values, yields.models[model].predicted[0])
        np.testing.assert_allclose(quotient, yields.ratio(model))


def test_the_band_is_sum_w2_and_v_eff():
    made = figure(closure(), "test", "2tag", "eta", STYLE)
    yields = closure().samples["test"].regions["2tag"]["eta"].models["gnn"]
    (band,) = [patch.get_data() for patch in made.axes[0].patches if patch.get_fill()]
    width = 0.5
    np.testing.assert_allclose(width * band.values - yields.predicted[0], np.sqrt(yields.sum_w2 + yields.v_eff)[0])
    np.testing.assert_allclose(band.baseline, 2 * yields.predicted[0] / width - band.values)


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
    unit = {"delta_r": r" / unit of $\Delta R$", "pt_gev": " / GeV", "eta": r" / unit of $\eta$", "mass_gev": " / GeV"}
    events = f"Events{unit.get(variable, '')}"
    for text in (label, events, "Ratio to\ntruth", "Networks\nalone", "DeepSF", "Toy simulation"):
        assert text in shown, text
    assert "Test sample, 30000 events\nTwo leading jets tagged, working point M" in shown
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
def test_nothing_is_clipped_and_text_is_above_the_data(sample, region, variable, style):
    made = by_name(sample, region, variable, replace(style, training="60000 events in 8 passes"))
    assert clipped(made) == []
    main = made.axes[0]
    highest = max(np.nanmax(values) for values in outlines(main))
    values, errors = points(main)
    boxes = [text.get_window_extent() for text in main.texts if text.get_text()]
    inside = [box for box in boxes if box.y1 < main.get_window_extent().y1]
    assert len(inside) == (1 if sample == "train" else 2)
    for box in inside:
        assert box.transformed(main.transData.inverted()).y0 > max(highest, np.max(values + errors))
    assert not any(box.overlaps(other) for k, box in enumerate(inside) for other in inside[:k])
    (legend,) = made.legends
    assert legend.get_window_extent().y0 > max(box.y1 for box in boxes)


def test_an_ensemble_that_lacks_members_says_so():
    shown = texts(figure(closure(), "test", "1tag", "pt_gev", LACKING))
    worth = "deviates from the truth by 0.6, 1.2, 3.5 % (b, c, udsg)\ncloses 98.3 % of the gap from map to truth"
    assert f"GNN (18 of 20 members)\n{worth}" in shown


def test_figures_say_what_the_ensemble_is_worth_but_not_of_a_cross_fit():
    style = replace(STYLE, training="60000 events in 8 passes")
    said = "GNN trained on 60000 events in 8 passes\ndeviates from the truth by 0.6, 1.2, 3.5 % (b, c, udsg)\n"
    said += "closes 98.3 % of the gap from map to truth"
    assert said in texts(figure(closure(), "test", "1tag", "pt_gev", style))
    of_tight = said.replace("0.6, 1.2, 3.5", "0.8, 2, 10")
    assert of_tight in texts(figure(closure().at("T"), "test", "1tag", "delta_r", style))
    assert not any("trained on" in text for text in texts(figure(closure(), "train", "1tag", "delta_r", style)))
    of_real_events = texts(figure(without_truth(), "test", "1tag", "pt_gev", style))
    assert "GNN trained on 60000 events in 8 passes" in of_real_events


def test_a_part_of_the_events_says_that_it_is_scaled_to_all():
    shown = texts(figure(without_truth(), "test", "1tag", "pt_gev", STYLE))
    assert "Test sample, 5000 events (25 %) scaled to all\nLeading jet tagged, working point M" in shown


def test_numbers_and_flavours_are_labelled_in_whole():
    def labels(variable):
        made = by_name("test", "" if variable == "n_tags" else "1tag", variable, STYLE)
        made.draw_without_rendering()
        return [text.get_text() for text in made.axes[2].get_xticklabels()]

    assert labels("n_jets") == ["2", "3", "4", "5", "6"]
    assert labels("closest_flavour") == ["b", "c", "udsg"]
    assert labels("n_tags") == ["0", "1", "2", "3", "≥ 4"]


def test_without_truth_the_ensemble_is_the_reference_and_not_the_noisy_tags():
    made = figure(without_truth(), "test", "2tag", "delta_r", STYLE)
    yields = without_truth().samples["test"].regions["2tag"]["delta_r"]
    assert "Ratio to\nGNN" in texts(made)
    predicted = yields.models["gnn"].predicted[0]
    values, errors = points(made.axes[1])
    np.testing.assert_allclose(values, yields.direct[0] / predicted)
    np.testing.assert_allclose(errors, np.sqrt(yields.direct[0]) / predicted)
    np.testing.assert_allclose(outlines(made.axes[1])[-1], 1.0)


def test_another_working_point_says_which():
    made = texts(figure(closure().at("T"), "test", "2tag", "delta_r", STYLE))
    assert "Test sample, 30000 events\nTwo leading jets tagged, working point T" in made
    with pytest.raises(KeyError):
        closure().at("M")


def test_every_flavour_pair_has_a_panel_with_its_ratio():
    made = pairs_figure(closure(), "test", "2tag", "delta_r", STYLE)
    shown = texts(made)
    for pair in ("b + b", "b + c", "b + udsg", "c + c", "c + udsg", "udsg + udsg"):
        assert shown.count(pair) == 1
    yields = closure().samples["test"].regions["2tag"]["delta_r"]
    main = next(axes for axes in made.axes if "b + c" in [text.get_text() for text in axes.texts])
    of_pair = yields.models["gnn"].predicted[yields.categories.index("b_c")]
    np.testing.assert_allclose(outlines(main)[-1], of_pair / widths(yields))
    assert "Test sample, 30000 events. Two leading jets tagged, working point M" in shown
    assert clipped(made) == []


def test_nothing_is_written_over_the_luminosity():
    style = replace(STYLE, conditions="1 fb$^{-1}$ (13 TeV)", training="60000 events in 8 passes")
    for made in (
        pairs_figure(closure(), "test", "2tag", "delta_r", style),
        jets_figure(closure(), "test", "eta", style),
    ):
        made.draw_without_rendering()
        written = [text for text in made.findobj(Text) if text.get_text() and text.get_visible()]
        (luminosity,) = [text for text in written if text.get_text() == style.conditions]
        box = luminosity.get_window_extent()
        assert not [
            text.get_text() for text in written if text is not luminosity and box.overlaps(text.get_window_extent())
        ]


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
