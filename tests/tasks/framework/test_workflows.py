"""What a workflow checks before it gives jobs to the batch system."""

from __future__ import annotations

import pytest

from deepsf.config import ConfigError
from tests.tasks.framework.chain import BranchesOfChain


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("BranchesOfChian", "did you mean 'BranchesOfChain'"),
        ("MeasureBinnedSF", "no task of this name has jobs"),  # it has no branches
        ("X", "there are ApplyTruthTagging, BranchesOfChain, "),
    ],
)
def test_requests_for_what_never_has_jobs_are_refused_before_anything_is_submitted(campaign, name, hint):
    campaign.edit(htcondor={"tasks": {"BranchesOfChain": {}, name: {"request_memory_mb": 4000}}})
    task = campaign.task(BranchesOfChain)
    with pytest.raises(ConfigError, match=rf"htcondor\.tasks\.{name}: .*{hint}"), task.htcondor_workflow_run_context():
        pass
    assert not (task.folder() / "htcondor").exists()


def test_requests_for_workflows_are_fine(campaign):
    campaign.edit(htcondor={"tasks": {"BranchesOfChain": {}, "TrainEfficiencyFolds": {}}})
    campaign.task(BranchesOfChain)._check_task_names()
