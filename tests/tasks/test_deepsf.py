"""DeepSF: one member a branch, and the ensemble of them."""

from __future__ import annotations

import pytest

from tasks.deepsf import AggregateDeepSF, TrainDeepSF
from tests.tasks.conftest import names


def test_each_member_is_a_branch_with_weights_history_and_a_checkpoint_of_its_own(task_of):
    task = task_of(TrainDeepSF, ensemble={"n_members": 3})
    assert list(task.branch_map) == [0, 1, 2]
    assert names(task.as_branch(2)) == ["history_2.json", "member_2.safetensors"]
    assert [path.name for path in task.as_branch(2).kept_between_attempts()] == [".checkpoint_2.safetensors"]


def test_members_share_their_requirements(task_of):
    task = task_of(TrainDeepSF)
    first, second = (task.as_branch(number).requires() for number in (0, 1))
    assert first.keys() == {"skims", "inclusive"}
    assert all(first[name] is second[name] for name in first)


def test_a_member_is_told_from_another_by_its_number_alone(task_of):
    task = task_of(TrainDeepSF)
    first, second = (task.as_branch(number).own_inputs() for number in (0, 1))
    assert {key for key in first if first[key] != second[key]} == {"parameter:member"}


@pytest.mark.parametrize(
    ("cls", "edit", "keys"),
    [
        (TrainDeepSF, {"training": {"learning_rate": 5e-4}}, {"config:training"}),
        (TrainDeepSF, {"ensemble": {"seed": 9}}, {"config:ensemble.seed"}),
        (TrainDeepSF, {"htcondor": {"checkpoint_minutes": 1}}, set()),
        (TrainDeepSF, {"binned": {"n_bootstrap": 9}}, set()),
        (AggregateDeepSF, {"training": {"precision": "bf16"}}, {"config:training.precision"}),
        (AggregateDeepSF, {"training": {"learning_rate": 5e-4}}, set()),
    ],
)
def test_what_makes_members_and_ensemble_stale(changed, cls, edit, keys):
    assert changed(cls, **edit) == keys


def test_one_more_member_concerns_the_ensemble_and_none_of_those_that_there_are(changed, task_of):
    assert changed(AggregateDeepSF, ensemble={"n_members": 5}) == {"config:ensemble.n_members"}
    four, five = (task_of(TrainDeepSF, ensemble={"n_members": n}).own_inputs_of_all() for n in (4, 5))
    assert five[:4] == four


def test_the_ensemble_has_values_at_the_entries_of_every_region(task_of):
    assert names(task_of(AggregateDeepSF)) == [
        "bins.json",
        "ensemble.safetensors",
        "entries_hf.parquet",
        "entries_lf.parquet",
        "grid.json",
    ]
