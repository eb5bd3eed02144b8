"""`CleanOutputs` with small tasks in one process: what goes, what stays, and that nothing goes unasked."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path

import pytest

from deepsf.config import ConfigError
from tasks.clean import CleanOutputs
from tasks.framework import store
from tests.tasks.framework.chain import BranchesOfChain, CollectsBranches, SecondOfChain


@pytest.fixture
def clean(campaign, capsys):
    """Return a function that cleans and returns what it said, as pairs of path below the outputs and reason."""

    def run(**params: bool) -> list[tuple[str, str]]:
        campaign.new_process()
        task = campaign.task(CleanOutputs, **params)
        assert not task.complete()
        capsys.readouterr()
        task.run()
        assert task.complete()
        *lines, clean.end = capsys.readouterr().out.splitlines()
        found = [line[12:].rstrip(")").split("  (") for line in lines]
        return [(path.removeprefix("v1/mine/"), why) for path, why in found]

    clean = run
    return run


@pytest.fixture
def made(campaign):
    """Three members, what collects them, and the chain; returns the folder of the outputs."""
    campaign.edit(ensemble={"n_members": 3})
    campaign.make(CollectsBranches)
    campaign.make(SecondOfChain)
    return campaign.data / "v1" / "mine"


def files(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.lstat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def put(path: Path, text: str = "x", hours_old: float = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    time = path.stat().st_mtime - 3600 * hours_old
    os.utime(path, (time, time))
    return path


def test_without_edits_nothing_is_left_over(made, clean):
    before = files(made)
    assert clean(dry_run=False, store=True) == []
    assert clean.end == "nothing is left over"
    assert files(made) == before


def test_it_shows_first_and_removes_when_told(campaign, made, clean):
    campaign.edit(ensemble={"n_members": 2})
    wanted = [
        ("BranchesOfChain/.branch_2.json.manifest.json", "manifest of what no task makes now"),
        ("BranchesOfChain/.resources/branch_2.json", "cost of a branch that is no more"),
        ("BranchesOfChain/branch_2.json", "no task makes it now"),
    ]
    before = files(made)
    assert clean() == wanted
    size = sum((made / name).stat().st_size for name, _ in wanted)
    assert clean.end == f"3 files, {size} bytes: nothing is removed yet, --dry-run False does that"
    assert files(made) == before
    assert clean(dry_run=False) == wanted
    assert clean.end == f"3 files, {size} bytes: removed"
    assert files(made) == {name: time for name, time in before.items() if name not in dict(wanted)}
    assert clean() == []


def test_stale_outputs_of_current_tasks_stay(campaign, made, clean):
    campaign.edit(training={"learning_rate": 5e-4, "layers": 5}, ensemble={"seed": 7})
    before = files(made)
    assert clean(dry_run=False) == []
    assert files(made) == before


def test_folders_of_no_task_go_and_folders_that_are_empty_then(made, clean):
    put(made / "OldTask" / "a" / "b.json")
    put(made / "OldTask" / ".resources" / "task.json")
    put(made / "SecondOfChain" / "sample" / "c.json")
    put(made / "notes.txt")
    assert clean(dry_run=False) == [
        ("OldTask/.resources/task.json", "of no task"),
        ("OldTask/a/b.json", "of no task"),
        ("SecondOfChain/sample/c.json", "no task makes it now"),
        ("notes.txt", "of no task"),
    ]
    assert not (made / "OldTask").exists()
    assert not (made / "SecondOfChain" / "sample").exists()
    assert (made / "SecondOfChain" / "deep").is_dir()


def test_outputs_of_another_configuration_that_lie_inside_stay(campaign, made, capsys):
    put(made / "tiny" / ".config.json")
    put(made / "tiny" / "AggregateDeepSF" / "ensemble.safetensors")
    put(made / "old" / "v2" / "tiny" / ".config.json")
    before = files(made)
    campaign.task(CleanOutputs, dry_run=False).run()
    assert capsys.readouterr().out.splitlines()[-3:] == [
        "old is left alone: it holds outputs of another configuration",
        "tiny is left alone: it holds outputs of another configuration",
        "nothing is left over",
    ]
    assert files(made) == before


def test_parts_go_only_when_they_are_old(made, clean):
    for hours, name in ((0, "now"), (2, "old")):
        put(made / "FirstOfChain" / f".part-1-{name}.json", hours_old=hours)
        put(made / "FirstOfChain" / f".{name}.json.manifest.json.part-k3j", hours_old=hours)
        put(made / "FirstOfChain" / f".checkpoint_{name}.safetensors.part", hours_old=hours)
    assert {name for name, _ in clean(dry_run=False)} == {
        "FirstOfChain/.checkpoint_old.safetensors.part",
        "FirstOfChain/.old.json.manifest.json.part-k3j",
        "FirstOfChain/.part-1-old.json",
    }


def test_the_state_of_a_training_goes_when_the_member_is_complete_or_no_more(campaign, made, clean, monkeypatch):
    def state_of(branch):
        return made / "BranchesOfChain" / f".checkpoint_{branch}.safetensors"

    monkeypatch.setattr(BranchesOfChain, "kept_between_attempts", lambda task: (state_of(task.branch),))
    (made / "BranchesOfChain" / "branch_1.json").unlink()
    for branch in (0, 1, 7):
        put(state_of(branch))
    assert clean(dry_run=False) == [
        ("BranchesOfChain/.checkpoint_0.safetensors", "state of a finished attempt"),
        ("BranchesOfChain/.checkpoint_7.safetensors", "state of a branch that is no more"),
    ]


def test_hidden_files_of_unknown_kind_stay(made, clean):
    put(made / "FirstOfChain" / ".notes")
    put(made / "FirstOfChain" / ".received-x" / "first.json")
    assert clean(dry_run=False) == []


def test_nothing_outside_is_touched(campaign, made, clean, tmp_path):
    outside = put(tmp_path / "elsewhere" / "data.json")
    (made / "Linked").symlink_to(outside.parent)
    (made / "FirstOfChain" / "linked").symlink_to(outside.parent)
    (made / "FirstOfChain" / "link.json").symlink_to(outside)
    put(campaign.data / "v2" / "mine" / "OldTask" / "a.json")
    put(campaign.data / "v1" / "other" / "OldTask" / "a.json")
    assert clean(dry_run=False) == [("FirstOfChain/link.json", "no task makes it now")]
    assert outside.read_text() == "x"
    assert (made / "Linked" / "data.json").exists()


def test_the_store_goes_only_when_asked_for(campaign, made, clean, monkeypatch):
    monkeypatch.setattr(SecondOfChain, "keeps_replaced", True)
    campaign.edit(ensemble={"seed": 5})
    campaign.make(SecondOfChain)
    put(made / store.NAME / ".part-x" / "one.json")
    assert clean(dry_run=False) == []
    found = clean(dry_run=False, store=True)
    assert [why for _, why in found] == ["replaced output"] * 5
    assert not (made / store.NAME).exists()


def test_unknown_folders_and_other_stems_are_left_alone(campaign, made, clean, tmp_path):
    before = files(campaign.data)
    campaign.new_process()
    campaign.task(CleanOutputs, version="v9", dry_run=False).run()
    first, campaign.path = campaign.path, tmp_path / "elsewhere" / "mine.yaml"
    campaign.path.parent.mkdir()
    campaign.edit(ensemble={"n_members": 2})
    with pytest.raises(ConfigError, match=rf"come from {first}; rename one"):
        clean(dry_run=False)
    assert files(campaign.data) == before


def test_outputs_of_files_that_cannot_be_found_now_are_left_alone(campaign, made, capsys, tmp_path):
    files_on_a_disk = {"files": [str(tmp_path / "disk" / "*.root")], "generate": []}
    campaign.tree["generator"] = None
    samples = dict.fromkeys(("ttbar", "zjets", "data"), files_on_a_disk)
    campaign.edit(samples=samples, campaign={"certified": None})
    put(made / "GenerateNtuples" / "ttbar_0.root")
    put(made / "SkimNtuples" / "ttbar" / "ttbar_0_entries.parquet")
    campaign.task(CleanOutputs, dry_run=False).run()
    said = capsys.readouterr().out
    assert "SkimNtuples is left alone: with this configuration it cannot say what it makes (samples.ttbar.files" in said
    assert (made / "SkimNtuples" / "ttbar" / "ttbar_0_entries.parquet").exists()
    assert not (made / "GenerateNtuples").exists()  # that task is not needed any more, and says so


# --- jobs


@pytest.fixture
def jobs(campaign, made):
    """What HTCondor leaves of two selections of branches and several attempts; returns its folder."""
    folder = made / "BranchesOfChain" / "htcondor"
    for selection in ((), ((0, 1), (2,))):
        task = campaign.task(BranchesOfChain, workflow="htcondor", branches=selection)
        record(Path(task.workflow_proxy.output()["jobs"].abspath), "finished")
    for name in ("submission1_0", "submission1_1-2", "submission2_1", "submission9_7", "submission10_1"):
        put(folder / f"{name}.txt")
    put(folder / ".driver.lock")
    put(folder / "shipments" / "content.tar")
    put(campaign.data / ".configs" / f"mine-{'a' * 24}.json")
    put(campaign.data / ".configs" / f"mine-other-{'a' * 24}.json")
    return folder


def record(path, *statuses):
    content = {"jobs": {str(n): {"job_id": f"7.{n}", "status": status} for n, status in enumerate(statuses)}}
    return put(path, json.dumps(content))


GONE = [
    ("htcondor_jobs_0_2.json", "jobs of another selection of branches"),
    ("submission2_1.txt", "log of an earlier attempt"),
    ("submission9_7.txt", "log of an earlier attempt"),
]
SNAPSHOT = (f".configs/mine-{'a' * 24}.json", "configuration of jobs that ended")


def test_of_jobs_the_last_logs_and_the_record_of_all_branches_stay(jobs, clean):
    assert clean(dry_run=False) == [SNAPSHOT, *((f"BranchesOfChain/htcondor/{name}", why) for name, why in GONE)]
    assert sorted(path.name for path in jobs.iterdir() if path.suffix == ".txt") == [
        "submission10_1.txt",
        "submission1_0.txt",
        "submission1_1-2.txt",
    ]
    assert sorted(path.name for path in jobs.glob("*.json")) == ["htcondor_jobs_0To3.json"]
    assert (jobs / "shipments" / "content.tar").exists()


@pytest.mark.parametrize("status", ["pending", "running", "retry", None])
def test_a_configuration_stays_while_jobs_of_any_version_may_read_it(campaign, jobs, clean, status):
    other = campaign.data / "v2" / "mine" / "BranchesOfChain" / "htcondor"
    record(other / "htcondor_jobs_0To3.json", "failed", status)
    assert SNAPSHOT not in clean(dry_run=False)
    assert (campaign.data / SNAPSHOT[0]).exists()


def test_a_folder_whose_jobs_are_driven_now_is_left_alone(campaign, jobs, capsys):
    before = files(jobs.parent)
    with (jobs / ".driver.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        campaign.task(CleanOutputs, dry_run=False).run()
    assert "BranchesOfChain is left alone: a law process drives its jobs" in capsys.readouterr().out
    assert files(jobs.parent) == before
    assert (campaign.data / SNAPSHOT[0]).exists()
