"""Branches: each is judged by itself, and law asks for each as cheaply as can be."""

from __future__ import annotations

from tests.tasks.framework.chain import (
    BranchesOfChain,
    CollectsBranches,
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
