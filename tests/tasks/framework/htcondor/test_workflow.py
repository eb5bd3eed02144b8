"""What a workflow does before it gives jobs to the batch system, and what it gives them."""

from __future__ import annotations

import pytest

from deepsf.config import ConfigError
from tasks.framework import settings
from tests.tasks.framework.chain import (
    BranchesOfChain,
)


def test_the_snapshot_for_jobs_is_the_configuration_with_its_order_of_keys(campaign, monkeypatch):
    names = ("discriminant", "pt", "abseta")
    campaign.edit(training={"inputs": {name: {"transform": "identity"} for name in names}})
    submitted = settings.config(str(campaign.path))
    snapshot = campaign.task(BranchesOfChain).config_snapshot()
    monkeypatch.setenv(settings.SNAPSHOT_VARIABLE, str(snapshot))
    campaign.new_process()
    read = settings.config(str(campaign.path))
    assert read == submitted
    assert list(read.training.inputs) == list(submitted.training.inputs)
    assert list(read.samples) == list(submitted.samples)


def test_a_job_with_the_snapshot_makes_what_the_submitting_side_takes_for_complete(campaign, monkeypatch):
    campaign.edit(ensemble={"n_members": 2})
    snapshot = campaign.task(BranchesOfChain).config_snapshot()
    with monkeypatch.context() as context:
        context.setenv(settings.SNAPSHOT_VARIABLE, str(snapshot))
        campaign.make(BranchesOfChain)
    assert campaign.make(BranchesOfChain).complete()


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
