"""The main job requires all that a measurement consists of."""

from __future__ import annotations

from tasks.framework.registry import task_classes
from tasks.produce import ProduceDeepSFEnsemble
from tests.tasks.conftest import names

APART = {"MeasureCoverage", "MeasurePseudoData", "RunPseudoExperiments"}
"""Tasks that are asked for by name."""


def test_every_task_of_the_measurement_is_reached(task_of):
    top = task_of(ProduceDeepSFEnsemble)
    assert names(top) == ["summary.txt"]
    reached = {task.task_family for task, *_ in top.walk_deps()}
    modules = {name: cls.__module__ for name, cls in task_classes().items()}
    of_measurement = {n for n, m in modules.items() if m.startswith("tasks.") and not m.startswith("tasks.efficiency")}
    assert reached == of_measurement - APART


def test_the_batch_system_is_handed_on_to_every_workflow(task_of):
    top = task_of(ProduceDeepSFEnsemble)
    top = type(top)(**{**top.param_kwargs, "workflow": "htcondor", "retries": 5})
    workflows = [task for task, *_ in top.walk_deps() if hasattr(task, "branch_map")]
    trainings = {"TrainDeepSF", "TrainBootstraps", "TrainShifts", "TrainDeepSFShifts"}
    assert {task.task_family for task in workflows} == {"GenerateNtuples", "SkimNtuples", *trainings}
    assert {(task.workflow, task.retries) for task in workflows} == {("htcondor", 5)}
