"""Figures: known before anything is drawn, each as PDF and PNG, and stale by labels and colours."""

from __future__ import annotations

import pytest

from tasks.framework.registry import task_classes
from tasks.plots import PlotClosure, PlotScaleFactors, PlotTask
from tests.tasks.conftest import names


@pytest.mark.parametrize("cls", [PlotScaleFactors, PlotClosure])
def test_every_figure_is_a_pdf_and_a_png(task_of, cls):
    figures = names(task_of(cls))
    stems = {name.rpartition(".")[0] for name in figures}
    assert sorted(figures) == sorted(f"{stem}.{kind}" for stem in stems for kind in ("pdf", "png"))
    assert len(stems) > 3


def test_labels_and_colours_make_figures_stale_and_nothing_else(changed):
    tasks = {name: cls for name, cls in task_classes().items() if cls.__module__.startswith("tasks.")}
    of_measurement = {name: cls for name, cls in tasks.items() if not cls.__module__.startswith("tasks.efficiency")}
    stale = {name for name, cls in of_measurement.items() if changed(cls, plots={"label": "other"})}
    plots = {name for name, cls in of_measurement.items() if issubclass(cls, PlotTask)}
    assert stale == plots | {"RunPseudoExperiments"}


def test_a_reference_to_compare_with_is_an_input(task_of, tmp_path):
    (tmp_path / "sf.json").write_text("{}")
    reference = {"file": str(tmp_path / "sf.json"), "name": "shape", "label": "BTV", "systematic": "central"}
    task = task_of(PlotScaleFactors, plots={"reference": reference})
    assert [str(path) for path in task.external_files()] == [str(tmp_path / "sf.json")]
    assert task_of(PlotScaleFactors).external_files() == ()
