"""The main job of efficiencies requires all about them."""

from __future__ import annotations

import pytest

from deepsf.config import ConfigError
from tasks.efficiency.produce import ProduceEfficiencyEnsemble
from tasks.framework.registry import task_classes
from tests.tasks.conftest import names


def test_a_key_of_a_section_that_is_left_out_names_that_section(of):
    task = of(ProduceEfficiencyEnsemble, efficiency={"experiments": None})
    with pytest.raises(
        ConfigError, match=r"no efficiency\.experiments\.seed: it has no section efficiency\.experiments"
    ):
        task.plan_cfg("efficiency.experiments.seed")


def test_every_task_of_efficiencies_is_reached(of):
    top = of(ProduceEfficiencyEnsemble)
    assert names(top) == ["summary.txt"]
    reached = {task.task_family for task, *_ in top.walk_deps()}
    modules = {name: cls.__module__ for name, cls in task_classes().items()}
    of_other_events = {"CollectJetEvents", "ReadJetEvents"}
    assert reached == {n for n, m in modules.items() if m.startswith("tasks.efficiency")} - of_other_events


def test_on_skims_their_events_take_the_place_of_the_toy(of):
    reached = {task.task_family for task, *_ in of(ProduceEfficiencyEnsemble, "efficiency_nanoaod").walk_deps()}
    assert {"CollectJetEvents", "SkimNtuples"} < reached
    assert not {"GenerateEfficiencyToy", "RunCoverageReplicas", "RunEfficiencyExperiments"} & reached
