"""Efficiency networks trained on a real pool: all their workflows as jobs, the same bytes as the local run."""

from __future__ import annotations

import json

import pytest

from tests.htcondor.conftest import SCRIPTS
from tests.workflow.campaign import Campaign, Launch
from tests.workflow.edits import assert_each_edit_runs_exactly_what_depends_on_it
from tests.workflow.efficiency_edits import REQUIRED, TOP, efficiency_edits

TRAININGS = {"TrainEfficiency": 3, "TrainEfficiencyComparisons": 4, "TrainEfficiencyFolds": 2}


def launch(pool) -> Launch:
    options = ("--workflow", "htcondor", "--poll-interval", "1sec", "--tasks-per-job", "2")
    return Launch((str(SCRIPTS / "pool.sh"), "run"), options, pool.env)


@pytest.mark.htcondor
def test_members_from_the_pool_are_those_of_the_local_run_to_the_byte(htcondor_pool, tmp_path):
    local = Campaign(tmp_path / "local", base="tiny_efficiency")
    done = local.law("AggregateEfficiency")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    folder = htcondor_pool.folder / "efficiency"
    pooled = Campaign(folder, launch=launch(htcondor_pool), base="tiny_efficiency")
    done = pooled.law("AggregateEfficiency")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    made = {name for name in pooled.artefacts() if "/htcondor/" not in name}
    assert made == local.artefacts().keys()
    for name in made:
        assert (pooled.outputs / name).read_bytes() == (local.outputs / name).read_bytes(), name
    for task, n_members in TRAININGS.items():
        (record,) = (pooled.outputs / task / "htcondor").glob("htcondor_jobs_*.json")
        jobs = json.loads(record.read_text())["jobs"].values()
        assert sorted(branch for job in jobs for branch in job["branches"]) == list(range(n_members))
        assert {job["status"] for job in jobs} == {"finished"}
    assert htcondor_pool.queue() == {}


@pytest.mark.drills
def test_each_edit_reruns_exactly_what_depends_on_it_on_the_pool(htcondor_pool):
    campaign = Campaign(htcondor_pool.folder / "efficiency_edits", launch=launch(htcondor_pool), base="tiny_efficiency")
    done = campaign.law(TOP)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert_each_edit_runs_exactly_what_depends_on_it(campaign, efficiency_edits, REQUIRED)
    assert htcondor_pool.queue() == {}
