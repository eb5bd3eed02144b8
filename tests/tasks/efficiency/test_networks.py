"""Networks of efficiencies: which members are trained, what they depend on, and where models are evaluated."""

from __future__ import annotations

import pytest

from tasks.efficiency.networks import (
    AggregateEfficiency,
    EvaluateEfficiency,
    Member,
    TrainEfficiency,
    TrainEfficiencyComparisons,
    TrainEfficiencyFolds,
    evaluated,
)
from tests.tasks.conftest import names


@pytest.mark.parametrize("base", ["efficiency_small", "efficiency_nanoaod"])
def test_maps_are_not_evaluated_at_the_events_that_filled_them(of, base):
    branches = of(EvaluateEfficiency, base).get_branch_tasks().values()
    with_maps = [task.branch_data for task in branches if "maps" in task.requires()]
    assert with_maps == [task.branch_data for task in branches if task.branch_data != "train"]


def members(task) -> list[Member]:
    return [branch.member() for branch in task.get_branch_tasks().values()]


def test_members_of_the_ensemble_of_other_networks_and_of_folds(of):
    assert members(of(TrainEfficiency)) == [Member("gnn", number) for number in range(4)]
    assert members(of(TrainEfficiencyComparisons)) == [
        Member(network, number) for network in ("closest_jet", "pairwise") for number in range(2)
    ]
    assert members(of(TrainEfficiencyFolds)) == [Member("gnn", 0, fold) for fold in (0, 1)]


def test_files_bear_network_number_and_fold(of):
    assert names(of(TrainEfficiencyFolds).as_branch(1)) == [
        "history_gnn_fold1_0.json",
        "member_gnn_fold1_0.safetensors",
    ]
    (state,) = of(TrainEfficiency).as_branch(2).kept_between_attempts()
    assert state.name == ".checkpoint_gnn_2.safetensors"


@pytest.mark.parametrize(
    ("cls", "edit", "stale"),
    [
        (TrainEfficiency, {"models": {"gnn": {"passes": 3}}}, {"config:efficiency.models.gnn"}),
        (TrainEfficiency, {"models": {"pairwise": {"passes": 3}}}, set()),
        (TrainEfficiencyComparisons, {"models": {"pairwise": {"passes": 3}}}, {"config:efficiency.models.pairwise"}),
        (TrainEfficiencyComparisons, {"models": {"gnn": {"passes": 3}}}, set()),
        (TrainEfficiencyFolds, {"ensemble": {"seed": 9}}, {"config:efficiency.ensemble.seed"}),
    ],
)
def test_a_member_depends_on_the_settings_of_its_own_network(changed, cls, edit, stale):
    assert changed(cls, efficiency=edit) == stale


def test_the_ensembles_network_comes_first_and_folds_are_apart(of):
    task = of(AggregateEfficiency)
    assert task.networks() == ("gnn", "closest_jet", "pairwise")
    assert set(task.output()) == {"gnn", "closest_jet", "pairwise", "fold0", "fold1"}


def test_models_are_evaluated_at_every_sample(of):
    task = of(EvaluateEfficiency)
    assert {sample: path.name for sample, path in evaluated(task).items()} == {
        sample: f"efficiencies_{sample}.safetensors" for sample in ("train", "test", "scalar")
    }
