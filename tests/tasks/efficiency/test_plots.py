"""Figures of efficiencies: known before anything is drawn, stale by labels."""

from __future__ import annotations

from tasks.efficiency.plots import PlotEfficiency
from tests.tasks.conftest import names


def test_every_figure_is_a_pdf_and_a_png(of):
    figures = names(of(PlotEfficiency))
    stems = {name.rpartition(".")[0] for name in figures}
    assert figures == sorted(f"{stem}.{kind}" for stem in stems for kind in ("pdf", "png"))
    assert len(stems) > 5


def test_labels_make_figures_stale(changed):
    assert changed(PlotEfficiency, plots={"label": "other"}) == {"config:plots"}


def test_skims_have_a_luminosity_to_write_and_the_toy_has_none(of):
    assert "campaign" not in of(PlotEfficiency).config_keys
    assert "campaign" in of(PlotEfficiency, "efficiency_nanoaod").config_keys


def test_histories_of_other_networks_are_drawn_where_there_are_any(of):
    assert of(PlotEfficiency).requires().keys() == {"audit", "members", "comparisons"}


def test_working_points_that_are_no_tag_have_figures_of_their_own(of):
    def other_points(**truth_tagging):
        task = of(PlotEfficiency, "efficiency_nanoaod", efficiency={"truth_tagging": truth_tagging})
        stems = {name.rpartition(".")[0] for name in names(task)}
        return {stem.removeprefix("2tag_delta_r_test_") for stem in stems if stem.startswith("2tag_delta_r_test_")}

    assert other_points() == {"L", "T"}
    assert other_points(working_point="T") == {"L", "M"}
