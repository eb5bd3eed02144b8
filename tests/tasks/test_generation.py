"""Generated input: files by plan, and a disk that is too small."""

from __future__ import annotations

import shutil
from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from deepsf.generator.plan import NotEnoughDiskError
from tasks.framework import settings
from tasks.generation import GenerateNtuples, TuneGenerator
from tests.tasks.conftest import names


def test_files_follow_from_the_plan_one_a_branch(task_of):
    task = task_of(GenerateNtuples)
    files = [name for branch in task.get_branch_tasks().values() for name in names(branch)]
    assert files == [f"{planned.stem}.root" for planned in task.branch_map.values()]
    assert {name.rpartition("_")[0] for name in files} == {"ttbar", "zjets", "data_ttbar", "data_zjets"}
    more = task_of(GenerateNtuples, generator={"events_per_file": 20_000})
    assert len(more.branch_map) > len(task.branch_map)


def test_every_file_is_made_with_the_one_composition(task_of):
    task = task_of(GenerateNtuples)
    composition = task.as_branch(0).requires()
    assert isinstance(composition, TuneGenerator)
    assert names(composition) == ["composition.json"]
    assert task.as_branch(3).requires() is composition is task.workflow_requires()["composition"]


def test_the_true_scale_factors_are_an_input(task_of):
    task = task_of(GenerateNtuples).as_branch(0)
    assert [path.name for path in task.external_files()] == ["toy.json"]
    assert "file:configs/true_sf/toy.json" in task.own_inputs()


@pytest.mark.parametrize("workflow", ["local", "htcondor"])
def test_a_disk_that_is_too_small_is_refused_before_anything_runs(task_of, monkeypatch, workflow):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1))
    task = task_of(GenerateNtuples)
    start = nullcontext() if workflow == "local" else task.htcondor_workflow_run_context()
    with pytest.raises(NotEnoughDiskError), start:
        task.local_workflow_pre_run()
    assert not (settings.data() / "v1").exists()
