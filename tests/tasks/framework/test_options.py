"""Options of workflows, given to the task on the command line, reach every workflow that it requires."""

from __future__ import annotations

import pytest

from tasks.framework.options import WorkflowOptions
from tests.tasks.framework.chain import BranchesOfChain, CollectsBranches, FirstOfChain

GIVEN = {
    "workflow": "htcondor",
    "retries": 7,
    "tolerance": 0.5,
    "poll_interval": 2.0,
    "patience": 3.0,
    "transfer_logs": False,
    "tasks_per_job": 4,
    "parallel_jobs": 5,
    "accept_members": 6,
}


def test_every_task_has_every_option():
    own = {name for name, _ in WorkflowOptions.get_params()}
    assert GIVEN.keys() <= own
    for cls in (FirstOfChain, CollectsBranches, BranchesOfChain):
        assert own <= {name for name, _ in cls.get_params()}


@pytest.mark.parametrize("name", GIVEN)
def test_an_option_of_the_first_task_reaches_the_workflow(campaign, name):
    workflow = campaign.task(CollectsBranches, **{name: GIVEN[name]}).requires()
    assert isinstance(workflow, BranchesOfChain)
    assert getattr(workflow, name) == GIVEN[name]


@pytest.mark.parametrize("name", GIVEN)
def test_no_option_changes_what_is_made(campaign, name):
    workflow = campaign.task(BranchesOfChain, **{name: GIVEN[name]})
    assert workflow.as_branch(0).inputs_now() == campaign.task(BranchesOfChain).as_branch(0).inputs_now()
    assert workflow.as_branch(0).output().place == campaign.task(BranchesOfChain).as_branch(0).output().place


def test_all_options_are_described():
    assert [name for name, parameter in WorkflowOptions.get_params() if not parameter.description] == []
