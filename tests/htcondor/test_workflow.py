"""DeepSF members trained on a real pool: `--workflow htcondor`, given to the top task, ends as the local run does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.htcondor

ROOT = Path(__file__).parents[2]
TOP = "ProduceDeepSFEnsemble"
UPSTREAM = (
    "TuneGenerator",
    "GenerateNtuples",
    "SkimNtuples",
    "ReportCutFlow",
    "SampleInclusiveJets",
    "MeasureBinnedSF",
)
MEMBERS = [
    f"{kind}_{member}.{suffix}"
    for kind, suffix in (("member", "safetensors"), ("history", "json"))
    for member in (0, 1)
]


def law(data, config, task, *options):
    """Return the shell command that runs a task with its outputs in ``data``."""
    script = f'export DEEPSF_DATA="{data}" && source "{ROOT}/setup.sh" && exec law run "$@"'
    return ["bash", "-c", script, "law", task, "--version", "v1", "--config", str(config), *options]


@pytest.fixture(scope="module")
def config(htcondor_pool, undisturbed):
    path = htcondor_pool.folder / "tiny.yaml"
    undisturbed.write(path, {"ensemble": {"n_members": 2}})
    return path


@pytest.fixture(scope="module")
def on_the_pool(htcondor_pool, undisturbed, config):
    """The main job with ``--workflow htcondor`` on the local run's skims: the finished process, and its outputs."""
    data = htcondor_pool.folder / "data"
    undisturbed.link(data / "v1" / "tiny", *UPSTREAM)
    command = law(data, config, TOP, "--workflow", "htcondor", "--poll-interval", "2sec")
    done = htcondor_pool.run(command, timeout=400)
    return done, data / "v1" / "tiny"


def test_the_main_job_ends_well_with_its_trainings_on_the_pool(on_the_pool):
    done, outputs = on_the_pool
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    assert (outputs / TOP / "summary.txt").stat().st_size > 0
    assert "Where the time went" in done.stdout


def test_members_from_the_pool_are_those_of_the_local_run_to_the_byte(on_the_pool, undisturbed):
    _, outputs = on_the_pool
    for name in (f"TrainDeepSF/{name}" for name in MEMBERS):
        assert (outputs / name).read_bytes() == (undisturbed.outputs / name).read_bytes(), name


def test_the_flag_of_the_top_task_reaches_the_workflow_and_each_member_was_one_job(on_the_pool, htcondor_pool):
    _, outputs = on_the_pool
    (record,) = (outputs / "TrainDeepSF" / "htcondor").glob("htcondor_jobs_*.json")
    jobs = json.loads(record.read_text())["jobs"]
    assert sorted(job["branches"][0] for job in jobs.values()) == [0, 1]
    assert {job["status"] for job in jobs.values()} == {"finished"}
    # law forgets the ids of finished jobs, the pool does not
    history = htcondor_pool.run(["condor_history", "-af", "ExitCode", "Iwd"])
    own = [line for line in history.stdout.splitlines() if str(outputs.parents[1]) in line]
    # two members and two bootstraps
    assert [line.split()[0] for line in own] == ["0"] * 4


def test_finished_workflows_above_submit_nothing(on_the_pool):
    _, outputs = on_the_pool
    with_jobs = {path.parent.parent.name for path in outputs.glob("*/htcondor/htcondor_jobs_*.json")}
    assert with_jobs == {"TrainDeepSF", "TrainBootstraps"}


def test_nothing_is_left_in_the_queue(on_the_pool, htcondor_pool):
    queue = htcondor_pool.run(["condor_q", "-allusers", "-af", "Iwd", "JobStatus"])
    assert queue.returncode == 0, queue.stderr
    assert [line for line in queue.stdout.splitlines() if str(on_the_pool[1].parents[1]) in line] == []


def test_logs_of_the_jobs_come_back(on_the_pool):
    _, outputs = on_the_pool
    logs = list((outputs / "TrainDeepSF" / "htcondor").glob("*.txt"))
    assert len(logs) == len([n for n in MEMBERS if n.startswith("member")]), [log.name for log in logs]


def test_jobs_read_a_snapshot_of_the_configuration_with_its_order_of_keys(on_the_pool):
    _, outputs = on_the_pool
    (snapshot,) = (outputs.parents[1] / ".configs").glob("tiny-*.json")
    content = json.loads(snapshot.read_text())["config"]
    assert content["ensemble"]["n_members"] == 2
    # the order of the networks' inputs, on which the weights depend
    assert list(content["training"]["inputs"]) == ["pt", "abseta", "discriminant"]


def test_a_second_run_submits_nothing(on_the_pool, htcondor_pool, config):
    _, outputs = on_the_pool
    before = {path: path.stat().st_mtime_ns for path in outputs.rglob("*") if path.is_file()}
    command = law(outputs.parents[1], config, TOP, "--workflow", "htcondor", "--poll-interval", "2sec")
    done = htcondor_pool.run(command, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    assert {path: path.stat().st_mtime_ns for path in outputs.rglob("*") if path.is_file()} == before
