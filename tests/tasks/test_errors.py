"""Repetitions of the fit: what they need, what they depend on, and when there are none."""

from __future__ import annotations

import pytest

from tasks.errors import MeasureErrors, TrainBootstraps, TrainDeepSFShifts, TrainShifts
from tests.tasks.conftest import names


def test_bootstraps_and_shares_of_the_shifts_are_branches(task_of):
    errors = {"errors": {"n_bootstrap": 7, "shift_jobs": 3}}
    assert len(task_of(TrainBootstraps, **errors).branch_map) == 7
    assert len(task_of(TrainShifts, **errors).branch_map) == 3
    assert len(task_of(TrainDeepSFShifts, **errors).branch_map) == 3


def test_errors_join_all_repetitions(task_of):
    needed = {"binned", "deepsf", "inclusive", "direct", "bootstraps", "shifts", "deepsf_shifts"}
    task = task_of(MeasureErrors)
    assert task.requires().keys() == needed
    assert names(task) == ["errors.json", "refits.safetensors", "refits_deepsf.safetensors"]


@pytest.mark.parametrize("without", [{"shifts": None}, {"errors": {"shifts": False}}])
def test_shifts_are_repeated_where_they_are_wanted(task_of, without):
    task = task_of(MeasureErrors, **without)
    assert not {"shifts", "deepsf_shifts"} & task.requires().keys()
    assert names(task) == ["errors.json", "refits.safetensors"]


def test_without_the_section_direct_nothing_is_repeated(task_of):
    task = task_of(MeasureErrors, direct=None)
    assert task.requires().keys() == {"binned", "deepsf", "inclusive"}
    assert names(task) == ["errors.json"]


@pytest.mark.parametrize(
    ("task", "edit", "keys"),
    [
        (TrainBootstraps, {"errors": {"seed": 2}}, {"config:errors.seed"}),
        (TrainBootstraps, {"errors": {"shift_jobs": 9}}, set()),
        (TrainBootstraps, {"shifts": {"contamination": {}}}, set()),
        (TrainBootstraps, {"extrapolation": {"purity": 0.2}}, {"config:extrapolation"}),
        (TrainShifts, {"shifts": {"contamination": {}}}, {"config:shifts"}),
        (TrainShifts, {"errors": {"deepsf_shift_passes": 3}}, set()),
        (TrainShifts, {"training": {"passes": 3}}, set()),
        (TrainDeepSFShifts, {"errors": {"deepsf_shift_passes": 3}}, {"config:errors.deepsf_shift_passes"}),
        (TrainDeepSFShifts, {"training": {"passes": 3}}, {"config:training"}),
        (MeasureErrors, {"binned": {"n_bootstrap": 9}}, set()),
    ],
)
def test_each_depends_on_its_own_settings(changed, task, edit, keys):
    assert changed(task, **edit) == keys
