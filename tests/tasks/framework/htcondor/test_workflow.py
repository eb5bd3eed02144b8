"""What a workflow does before it gives jobs to the batch system, and what it gives them."""

from __future__ import annotations

import json
from pathlib import Path

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


def test_requests_for_workflows_are_fine(campaign, condor):
    condor("condor_q", "")
    campaign.edit(htcondor={"tasks": {"BranchesOfChain": {}, "TrainEfficiencyFolds": {}}})
    task = campaign.task(BranchesOfChain, workflow="htcondor")
    with task.htcondor_workflow_run_context():
        assert jobs_to_come(task)["unsubmitted_jobs"] == {str(n + 1): [n] for n in range(4)}


# --- the start: what is in the queue goes on


def jobs_to_come(task):
    """Return law's file of jobs."""
    return json.loads(Path(task.workflow_proxy.output()["jobs"].abspath).read_text())


@pytest.fixture
def workflow(campaign, condor):
    """Six branches as jobs, of which the last is there already."""
    condor("condor_version", "$CondorVersion: 24.0.0 $")
    campaign.edit(ensemble={"n_members": 6})
    task = campaign.task(BranchesOfChain, workflow="htcondor")
    task.as_branch(5).run()
    return task


def test_jobs_with_the_key_of_now_go_on_and_branches_without_one_are_submitted(workflow, condor):
    keys = {branches: workflow.jobs_key(branches) for branches in ((0,), (1, 2))}
    condor("condor_q", f"7 0 2 {keys[0,]} _0\n7 1 1 {keys[1, 2]} _1-2\n")
    with workflow.htcondor_workflow_run_context():
        content = jobs_to_come(workflow)
    assert {n: (job["job_id"], job["branches"]) for n, job in content["jobs"].items()} == {
        "1": ("7.0", [0]),
        "2": ("7.1", [1, 2]),
    }
    assert content["unsubmitted_jobs"] == {"3": [3], "4": [4]}


def test_jobs_of_another_configuration_held_ones_and_doubles_are_removed(workflow, condor, said):
    key = workflow.jobs_key((1,))
    condor("condor_q", f"7 0 2 old _0\n8 0 5 {key} _1\n9 0 2 {key} _1\n9 1 1 {key} _1\n")
    removed = condor("condor_rm", "")
    with workflow.htcondor_workflow_run_context():
        content = jobs_to_come(workflow)
    assert [job["job_id"] for job in content["jobs"].values()] == ["9.0"]
    assert [line for line in removed.read_text().splitlines() if line.startswith("(")] == [
        f"(ClusterId == {cluster} && ProcId == {process})" for cluster, process in ((7, 0), (8, 0), (9, 1))
    ]
    assert said[-4:] == [
        "BranchesOfChain: removing 1 jobs of an older configuration",
        "BranchesOfChain: removing 1 jobs that are held",
        "BranchesOfChain: removing 1 jobs that do what others do",
        "BranchesOfChain: 1 jobs are in the queue already and go on",
    ]


def test_branches_without_a_job_are_put_together_as_many_as_were_asked_for(campaign, workflow, condor):
    condor("condor_q", "")
    task = campaign.task(BranchesOfChain, workflow="htcondor", tasks_per_job=2)
    with task.htcondor_workflow_run_context():
        assert jobs_to_come(task)["unsubmitted_jobs"] == {"1": [0, 1], "2": [2, 3], "3": [4]}


def test_the_key_of_a_job_follows_the_configuration_of_its_own_branches(campaign):
    campaign.edit(ensemble={"n_members": 3})
    key = campaign.task(BranchesOfChain).jobs_key([1])
    campaign.edit(ensemble={"n_members": 2}, plots={"label": "other"})
    assert campaign.task(BranchesOfChain).jobs_key([1]) == key
    assert campaign.task(BranchesOfChain, branches=((0, 1),)).jobs_key([1]) == key
    campaign.edit(training={"learning_rate": 5e-4})
    assert campaign.task(BranchesOfChain).jobs_key([1]) != key


# --- what jobs get


def test_a_submit_file_labels_each_job_with_folder_key_and_branches(workflow, campaign):
    config = workflow.htcondor_create_job_file_factory().get_config()
    config.render_variables, config.custom_content = {}, []
    config = workflow.htcondor_job_config(config, [1, 2], [[0], [2, 3]])
    lines = dict(config.custom_content)
    keys = [workflow.jobs_key(branches) for branches in ([0], [2, 3])]
    assert config.postfix == ["_0", "_2-3"]
    assert lines["batch_name"] == "BranchesOfChain/v1"
    assert lines["MY.DeepSFTask"] == f'"{campaign.data}/v1/mine/BranchesOfChain"'
    assert lines["MY.DeepSFKey"] == f'"$CHOICE(Process,{keys[0]},{keys[1]})"'
    assert lines["MY.DeepSFBranches"] == '"$(law_job_postfix)"'
    assert config.render_variables["deepsf_data"] == str(campaign.data)
    assert (campaign.data / ".configs" / config.render_variables["deepsf_snapshot"]).is_file()
    assert config.render_variables["deepsf_outputs"] == ""  # nothing travels


def test_logs_of_a_submission_overwrite_those_of_no_other(workflow):
    names = []
    for _ in range(2):
        config = workflow.htcondor_create_job_file_factory().get_config()
        config.render_variables, config.custom_content = {}, []
        names.append(workflow.htcondor_job_config(config, [1], [[0]]).custom_log_file)
    folder = workflow.folder() / "htcondor"
    folder.mkdir(exist_ok=True)
    (folder / "submission41_0.txt").touch()
    names.append(workflow.htcondor_job_config(config, [1], [[0]]).custom_log_file)
    assert names == ["submission1.txt", "submission2.txt", "submission42.txt"]


def test_nothing_is_submitted_from_folders_that_would_be_commands(campaign, monkeypatch):
    monkeypatch.setenv("DEEPSF_DATA", str(campaign.data / "$(id)"))
    task = campaign.task(BranchesOfChain)
    rule = r"^DEEPSF_DATA .*: jobs of HTCondor cannot use a path with '\$'"
    with pytest.raises(ConfigError, match=rule), task.htcondor_workflow_run_context():
        pass
    assert not (task.folder() / "htcondor").exists()
