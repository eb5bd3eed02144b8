"""`ShowStatus` with small tasks in one process: states, reasons, and a tree without repetition."""

from __future__ import annotations

import pytest

from deepsf.config import ConfigError
from tasks.framework import provenance
from tasks.framework.base import ConfigTask
from tasks.framework.registry import task_classes
from tasks.status import ShowStatus, state_of
from tests.tasks.framework.chain import BranchesOfChain, CollectsBranches, FirstOfChain, SecondOfChain


class TopOfChain(ConfigTask):
    """Requires the two ends, and what one of them requires too."""

    def requires(self):
        return [SecondOfChain.req(self), FirstOfChain.req(self), CollectsBranches.req(self)]

    def output(self):
        return self.target("top.json")

    def run(self):
        raise AssertionError("the status runs nothing")


@pytest.fixture
def shown(campaign, capsys):
    """Return a function that shows the status of a task line by line, without the branches of the tree."""

    def show(task: str = "TopOfChain", **options: bool) -> list[str]:
        campaign.new_process()
        status = campaign.task(ShowStatus, task=task, **options)
        assert not status.complete()
        capsys.readouterr()
        status.run()
        assert status.complete()
        return [line.rstrip() for line in capsys.readouterr().out.splitlines()]

    return show


def words(campaign, cls):
    return state_of(campaign.task(cls)).words


def test_the_tree_shows_each_task_once_with_all_it_requires(campaign, shown):
    campaign.edit(ensemble={"n_members": 3})
    campaign.make(SecondOfChain)
    campaign.make(BranchesOfChain)
    assert shown() == [
        "TopOfChain absent",
        "├── SecondOfChain up to date",
        "│   └── FirstOfChain up to date",
        "├── FirstOfChain up to date, see above",
        "└── CollectsBranches absent",
        "    └── BranchesOfChain up to date (3/3)",
        "3 of 5 tasks are up to date",
    ]


def test_a_tree_may_begin_anywhere(shown):
    assert shown("BranchesOfChain") == ["BranchesOfChain absent (0/4)", "0 of 1 tasks are up to date"]


def test_reasons_are_those_of_the_manifests(campaign, shown):
    campaign.make(SecondOfChain)
    campaign.edit(ensemble={"seed": 5}, training={"layers": 5})
    lines = shown("SecondOfChain")
    assert lines[0] == "SecondOfChain stale: ensemble.seed: 1 -> 5; mine/FirstOfChain/first.json is absent or stale"
    assert lines[1] == "└── FirstOfChain stale: training.layers: 3 -> 5"


def test_a_workflow_is_one_line_with_the_distinct_reasons(campaign):
    campaign.edit(ensemble={"n_members": 4})
    assert words(campaign, BranchesOfChain) == "absent (0/4)"
    campaign.make(BranchesOfChain)
    assert words(campaign, BranchesOfChain) == "up to date (4/4)"
    folder = campaign.data / "v1/mine/BranchesOfChain"
    (folder / "branch_2.json").unlink()
    campaign.new_process()
    assert words(campaign, BranchesOfChain) == "absent (3/4)"
    (folder / "branch_0.json").write_text("[]")
    (folder / "branch_1.json").write_text("[]")
    campaign.new_process()
    assert words(campaign, BranchesOfChain) == "stale (1/4): 2 of 4: changed after it was made; 1 of 4: absent"
    campaign.edit(training={"learning_rate": 5e-4}, ensemble={"n_members": 2})
    campaign.make(BranchesOfChain)
    campaign.edit(training={"learning_rate": 1e-4})
    assert words(campaign, BranchesOfChain) == "stale (0/2): training.learning_rate: 0.0005 -> 0.0001"


def test_of_many_reasons_the_most_frequent_are_shown(campaign, monkeypatch):
    campaign.edit(ensemble={"n_members": 6})
    campaign.make(BranchesOfChain)
    real = BranchesOfChain.own_parameters
    monkeypatch.setattr(BranchesOfChain, "own_parameters", lambda task: real(task) | {"size": max(task.branch, 1)})
    assert words(campaign, BranchesOfChain) == (
        "stale (0/6): 2 of 6: size: None -> 1; 1 of 6: size: None -> 2; 1 of 6: size: None -> 3; and 2 more"
    )


def test_outputs_of_one_task_are_judged_together(campaign):
    campaign.make(SecondOfChain)
    (campaign.data / "v1/mine/SecondOfChain/deep/one.json").unlink()
    campaign.new_process()
    assert words(campaign, SecondOfChain) == "absent"
    campaign.edit(ensemble={"seed": 5})
    assert words(campaign, SecondOfChain) == "stale: absent; ensemble.seed: 1 -> 5"


def test_showing_the_status_changes_nothing_on_the_disk(campaign, shown):
    campaign.make(SecondOfChain)
    campaign.edit(ensemble={"seed": 5})
    before = {path: path.stat().st_mtime_ns for path in campaign.data.rglob("*")}
    shown()
    assert {path: path.stat().st_mtime_ns for path in campaign.data.rglob("*")} == before


def test_a_flipped_bit_is_found_when_all_is_verified(campaign, shown, monkeypatch):
    campaign.make(SecondOfChain)
    path = campaign.data / "v1/mine/FirstOfChain/first.json"
    real, status = provenance._status, provenance._status(path)
    monkeypatch.setattr(provenance, "_status", lambda other: status if other == path else real(other))
    path.write_text(path.read_text().replace("3", "7"))
    assert shown("SecondOfChain")[-1] == "2 of 2 tasks are up to date"
    assert shown("SecondOfChain", verify=True) == [
        "SecondOfChain stale: mine/FirstOfChain/first.json is absent or stale",
        "└── FirstOfChain stale: changed after it was made",
        "0 of 2 tasks are up to date",
    ]


def test_a_task_that_there_is_not_is_named_with_those_that_there_are(shown):
    with pytest.raises(
        ConfigError, match=r"--task Top: there is no such task; there are AggregateDeepSF, .*TopOfChain"
    ):
        shown("Top")


def test_only_tasks_that_make_something_are_known():
    known = set(task_classes())
    assert {"TrainDeepSF", "ProduceDeepSFEnsemble", "GenerateNtuples", "TopOfChain"} <= known
    assert known.isdisjoint({"ShowStatus", "CleanOutputs", "Workflow", "EnsembleWorkflow", "ConfigTask", "PlotTask"})


@pytest.mark.parametrize(
    ("given", "task", "config"),
    [
        ({}, "ProduceDeepSFEnsemble", "toy"),
        ({"task": "TrainDeepSF"}, "TrainDeepSF", "toy"),
        ({"task": "TrainEfficiency"}, "TrainEfficiency", "efficiency_toy"),
        ({"config": "efficiency_small"}, "ProduceEfficiencyEnsemble", "efficiency_small"),
        ({"config": "toy_small"}, "ProduceDeepSFEnsemble", "toy_small"),
        ({"task": "TrainEfficiency", "config": "efficiency_small"}, "TrainEfficiency", "efficiency_small"),
    ],
)
def test_task_and_campaign_follow_from_each_other_unless_given(campaign, given, task, config):
    top = ShowStatus(version="v1", **given).top()
    assert (top.task_family, top.config, top.version) == (task, config, "v1")


def test_a_campaign_that_cannot_be_used_is_refused_at_once(campaign):
    with pytest.raises(ConfigError, match="--config toi: no such file in configs/"):
        ShowStatus(version="v1", config="toi")
