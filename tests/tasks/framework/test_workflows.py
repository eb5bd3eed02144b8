"""Branches: each is judged by itself, and law asks for each as cheaply as can be."""

from __future__ import annotations

import law

from tests.tasks.framework.chain import (
    BranchesOfChain,
    CollectsBranches,
    OtherBranches,
    why,
)


def test_a_workflow_runs_only_the_branches_that_are_not_up_to_date(campaign):
    campaign.edit(ensemble={"n_members": 3})
    campaign.make(BranchesOfChain)
    before = campaign.times()
    (campaign.data / "v1/mine/BranchesOfChain/branch_1.json").write_text("[]")
    campaign.make(BranchesOfChain)
    after = campaign.times()
    assert [path for path in before if after[path] != before[path]] == ["v1/mine/BranchesOfChain/branch_1.json"]


def test_another_branch_makes_stale_what_collects_them_and_leaves_the_others_alone(campaign):
    campaign.edit(ensemble={"n_members": 2})
    campaign.make(CollectsBranches)
    before = campaign.times()
    campaign.edit(ensemble={"n_members": 3})
    assert why(campaign.task(CollectsBranches)) == ["mine/BranchesOfChain/branch_2.json is absent or stale"]
    campaign.make(CollectsBranches)
    after = campaign.times()
    assert [path for path in before if after[path] != before[path]] == ["v1/mine/CollectsBranches/collected.json"]
    assert set(after) - set(before) == {"v1/mine/BranchesOfChain/branch_2.json"}
    campaign.edit(ensemble={"n_members": 2})
    assert why(campaign.task(CollectsBranches)) == ["mine/BranchesOfChain/branch_2.json is no longer used"]


def test_a_workflow_and_its_branches_are_one_object_each(campaign):
    campaign.edit(ensemble={"n_members": 3})
    workflow = campaign.task(BranchesOfChain)
    branches = list(workflow.get_branch_tasks().values())
    assert [branch.branch for branch in branches] == [0, 1, 2]
    assert all(branch.as_workflow() is workflow for branch in branches)
    assert workflow.as_branch(1) is branches[1]
    assert branches[0].as_branch(2) is branches[2]
    assert BranchesOfChain.req(campaign.task(CollectsBranches), branch=1) is branches[1]


def test_branches_differ_from_their_workflow_in_what_only_workflows_use(campaign):
    workflow = campaign.task(BranchesOfChain, branches=((0, 2),), retries=7, version="v3")
    branch = workflow.as_branch(1)
    assert (branch.version, branch.config, branch.branch) == ("v3", workflow.config, 1)
    assert branch.branches == ()
    assert branch.as_workflow() is workflow


def test_a_selection_of_branches_is_not_handed_on_to_what_they_require(campaign, monkeypatch):
    monkeypatch.setattr(BranchesOfChain, "requires", lambda self: OtherBranches.req(self, branch=-1))
    campaign.edit(ensemble={"n_members": 3})
    selected = campaign.task(BranchesOfChain, branches=((0, 2),))
    assert list(selected.branch_map) == [0, 1]
    assert list(selected.as_branch(0).requires().branch_map) == [0, 1, 2]


def test_the_parameters_of_branches_are_found_out_once(campaign, monkeypatch):
    asked = []
    real = law.Task.req_params.__func__
    monkeypatch.setattr(
        law.Task, "req_params", classmethod(lambda cls, *args, **kw: asked.append(cls) or real(cls, *args, **kw))
    )
    campaign.edit(ensemble={"n_members": 20})
    assert len(campaign.task(BranchesOfChain).get_branch_tasks()) == 20
    assert asked == [BranchesOfChain]


def test_all_branches_are_required_unless_a_workflow_says_otherwise(campaign):
    campaign.edit(ensemble={"n_members": 3})
    assert campaign.task(BranchesOfChain).branches_required() == 3
