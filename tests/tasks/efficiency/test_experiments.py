"""Experiments on the toy: what they refuse, and that the sizes of its samples do not concern them."""

from __future__ import annotations

import pytest

from deepsf.config import ConfigError
from tasks.efficiency.experiments import (
    MeasureEfficiencySF,
    RunCoverageReplicas,
    RunEfficiencyExperiments,
    toy_of_experiments,
)
from tests.tasks.conftest import names


@pytest.mark.parametrize(
    ("cls", "section"), [(RunEfficiencyExperiments, "experiments"), (MeasureEfficiencySF, "ratio")]
)
def test_experiments_that_are_left_out_say_what_to_write(of, cls, section):
    with pytest.raises(
        ConfigError, match=rf"no section efficiency\.{section}, .*; write efficiency\.{section}: \{{\}}"
    ):
        of(cls, efficiency={section: None})


@pytest.mark.parametrize("cls", [RunCoverageReplicas, MeasureEfficiencySF])
def test_experiments_with_samples_of_their_own_do_not_depend_on_those_of_the_toy(of, cls):
    def inputs(**toy):
        return of(cls, efficiency={"toy": toy, "audit": {"pt_gev": [20, 100]}} if toy else None).own_inputs()

    before = inputs()
    assert inputs(n_train=5, n_test=6, scalar={"n_events": 7}) == before
    assert inputs(seed=2) != before
    assert inputs(hidden_variable=0.1) != before


def test_the_toy_of_experiments_is_the_toy_but_for_its_samples(of):
    task = of(RunCoverageReplicas)
    given, found = task.plan_cfg("efficiency.toy"), toy_of_experiments(task)
    own = {"n_train", "n_test", "scalar"}
    assert found.model_dump(exclude=own) == given.model_dump(exclude=own)
    assert (found.n_train, found.scalar.n_events) == (1_000_000, 300_000)


def test_an_experiment_is_a_branch_that_depends_on_its_own_settings(of):
    task = of(RunEfficiencyExperiments)
    branches = task.get_branch_tasks()
    assert [names(branch) for branch in branches.values()] == [[f"{name}.json"] for name in task.branch_map.values()]
    for number, name in task.branch_map.items():
        keys = {key for key in branches[number].config_keys if key.startswith("efficiency.experiments.")}
        assert keys == {f"efficiency.experiments.{key}" for key in ("seed", "n_events", name)}
