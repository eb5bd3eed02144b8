"""How uneven bins and invalid scores are drawn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from deepsf.plots.discriminant_axis import DiscriminantAxis, drawn_edges
from deepsf.plots.layout import Margins, grid
from deepsf.plots.scale_factors import closure, phase_space, purity, scale_factor, truth
from deepsf.probes.bins import FlavourBins
from tests.analysis.audit.phase_space import flat_histograms
from tests.plots.scale_factors import results
from tests.plots.seen import assert_whole

UNEVEN = np.array([-2.01, 0.0, 0.015, 0.16, 0.32, 1.01])


def applied(axis: DiscriminantAxis, **options):
    figure, axes = grid([3.0], [6.0], Margins())
    axis.apply(axes[0, 0], **options)
    figure.draw_without_rendering()
    return axes[0, 0]


def pixels(axes, values):
    return axes.transData.transform(np.column_stack([values, np.zeros(len(values))]))[:, 0]


def tick_texts(axes):
    return [text.get_text() for text in axes.get_xticklabels()]


def test_scores_end_at_one():
    np.testing.assert_array_equal(drawn_edges(UNEVEN), [-2.01, 0.0, 0.015, 0.16, 0.32, 1.0])


def test_edges_of_other_taggers_stay():
    edges = np.array([-1.0, 0.0, 1.0, 2.0])
    np.testing.assert_array_equal(drawn_edges(edges), edges)


def test_uneven_bins_are_drawn_with_equal_width():
    axis = DiscriminantAxis(UNEVEN, True)
    widths = np.diff(pixels(applied(axis), axis.drawn))
    np.testing.assert_allclose(widths, widths[0], rtol=1e-9)


def test_even_bins_are_drawn_to_scale():
    axis = DiscriminantAxis(np.append(-2.01, np.linspace(0, 1, 51)), True)
    axes = applied(axis)
    places = pixels(axes, np.array([0.0, 0.25, 1.0]))
    np.testing.assert_allclose((places[1] - places[0]) / (places[2] - places[0]), 0.25, rtol=1e-9)
    assert tick_texts(axes) == ["0", "0.2", "0.4", "0.6", "0.8", "1"]


def test_every_edge_is_labelled():
    assert tick_texts(applied(DiscriminantAxis(UNEVEN, False))) == ["0", "0.015", "0.16", "0.32", "1"]


def test_few_labels_keep_both_ends():
    edges = np.append([-2.01, 0.0], np.arange(1, 16) ** 2 / 225)
    labels = tick_texts(applied(DiscriminantAxis(edges, False), max_labels=8))
    assert len(labels) <= 9
    assert (labels[0], labels[-1]) == ("0", "1")


def test_invalid_scores_have_a_named_slot_only_if_shown():
    with_slot, without = applied(DiscriminantAxis(UNEVEN, True)), applied(DiscriminantAxis(UNEVEN, False))
    assert [t.get_text() for t in with_slot.texts] == ["invalid"]
    assert with_slot.get_xlim() == (-2.01, 1.0)
    assert not without.texts
    assert without.get_xlim() == (0.0, 1.0)
    assert (DiscriminantAxis(UNEVEN, True).first_shown, DiscriminantAxis(UNEVEN, False).first_shown) == (0, 1)


def test_bins_that_are_not_to_scale_are_named_below_the_label(as_saved):
    uneven, even = DiscriminantAxis(UNEVEN, True), DiscriminantAxis(np.linspace(0.0, 1.0, 51), False)
    named = []
    for axis in (uneven, even):
        axes = applied(axis)
        axis.name(axes, "DeepJet discriminant")
        axes.figure.draw_without_rendering()
        assert axes.get_xlabel() == "DeepJet discriminant"
        named.append([text for text in axes.texts if text.get_text() != "invalid"])
    ((note,), nothing) = named
    assert not nothing
    assert note.get_text() == "(bins not to scale)"
    assert note.get_window_extent().y1 <= note.axes.xaxis.label.get_window_extent().y0


@pytest.mark.parametrize("draw", ["overview", "closure", "phase_space"])
def test_the_label_is_clear_of_the_slot_of_invalid_scores_in_columns(as_saved, draw):
    if draw == "overview":
        made = scale_factor.overview(results.results().panels(), results.STYLE)
    elif draw == "closure":
        made = closure.figure("hf", results.simulation(), results.observed(), results.STYLE)
    else:
        made = phase_space.figure(flat_histograms.histograms(), "leading", (2, 8), results.STYLE)
    made.draw_without_rendering()
    last = made.axes[-1]
    (invalid,) = [text for text in last.texts if text.get_text() == "invalid"]
    (note,) = [text for text in last.texts if "to scale" in text.get_text()]
    for other in (last.xaxis.label, note):
        assert not invalid.get_window_extent().overlaps(other.get_window_extent())


def test_fine_points_lie_inside_the_valid_bins():
    fine = DiscriminantAxis(UNEVEN, True).fine(4)
    assert (np.diff(fine) > 0).all()
    np.testing.assert_array_equal(np.histogram(fine, UNEVEN)[0], [0, 4, 4, 4, 4])


@pytest.mark.parametrize("edge", [0.123, 0.1234, 0.123456])
def test_long_labels_cut_nothing_off_any_figure(edge, monkeypatch):
    """As those of working points in the middle of a bin."""
    scores = np.array([-2.01, 0.0, edge, 0.5, 1.01])
    bins = FlavourBins(np.array([20.0, 50.0, 1000.0]), np.array([0.0, 2.5]), scores)
    assert_whole(closure.figure("hf", results.simulation(scores), results.observed(scores), results.STYLE))
    more = {"summary": results.summary(bins), "truth": results.truth(bins)}
    shown = results.results(results.binned(bins), **more).panels()
    assert_whole(scale_factor.figure(shown[0], results.STYLE))
    assert_whole(scale_factor.overview(shown, results.STYLE))
    filled = results.means(bins)
    n_jets = np.full(bins.shape, 10.0)
    assert_whole(truth.figure("b", filled, {"none": np.ones(bins.shape)}, n_jets, results.STYLE))
    monkeypatch.setattr(flat_histograms, "SCORES", scores)
    assert_whole(phase_space.figure(flat_histograms.histograms(), "leading", (2, 8), results.STYLE))
    coarse = results.purities()
    edges = np.append(coarse.bins.discriminant[:-2], [edge, 1.01])
    assert_whole(purity.purity(replace(coarse, bins=replace(coarse.bins, discriminant=edges)), "hf", results.STYLE))


def test_usual_labels_take_no_more_room():
    assert DiscriminantAxis(np.array([-2.01, 0.0, 0.123, 1.01]), True).room_for_labels() == 0.0
    assert DiscriminantAxis(np.array([-2.01, 0.0, 0.1234, 1.01]), True).room_for_labels() > 0.05
    # even bins have few labels, which lie flat
    assert DiscriminantAxis(np.linspace(0.0, 1.0, 31), True).room_for_labels() == 0.0
