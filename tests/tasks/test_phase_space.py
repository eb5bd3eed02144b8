"""Closure over all jets, and the purities of the regions."""

from __future__ import annotations

import pytest

from tasks.phase_space import AuditPhaseSpace, PlotPhaseSpace, PlotPurity
from tests.tasks.conftest import names


def test_the_report_and_the_histograms_are_outputs(task_of):
    assert names(task_of(AuditPhaseSpace)) == ["histograms.json", "phase_space.json"]


@pytest.mark.parametrize(
    ("cls", "edit", "keys"),
    [
        (AuditPhaseSpace, {"validation": {"n_jets_max": 3}}, {"config:validation"}),
        (AuditPhaseSpace, {"plots": {"label": "other"}}, set()),
        (PlotPhaseSpace, {"plots": {"label": "other"}}, {"config:plots"}),
        (PlotPurity, {"plots": {"label": "other"}}, {"config:plots"}),
        (PlotPurity, {"training": {"learning_rate": 5e-4}}, set()),
    ],
)
def test_labels_concern_figures_alone(changed, cls, edit, keys):
    assert changed(cls, **edit) == keys


def test_purities_need_the_binned_measurement_alone(task_of):
    assert task_of(PlotPurity).requires().task_family == "MeasureBinnedSF"
    assert {name.partition(".")[0] for name in names(task_of(PlotPurity))} == {"condition", "purity_hf", "purity_lf"}
