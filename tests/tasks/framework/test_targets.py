"""Targets: existing means up to date, nothing is left half-written, and verdicts are remembered for a moment."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from deepsf.reading import FileContentError
from tasks.framework.base import ConfigTask
from tasks.framework.provenance import manifest_path
from tasks.framework.targets import BranchOutputs, ProvenanceTarget, staged
from tests.tasks.framework.chain import (
    BranchesOfChain,
    CollectsBranches,
    FirstOfChain,
    SecondOfChain,
    in_a_killed_process,
    kill,
    why,
)


def test_removing_an_output_removes_its_manifest(campaign):
    task = campaign.make(FirstOfChain)
    task.output().remove()
    assert not manifest_path(task.output().file).exists()
    assert not task.complete()


def test_a_damaged_json_file_is_named(campaign):
    target = campaign.make(FirstOfChain).output()
    assert target.read_json() == target.read_json(json.loads)
    target.file.write_text("{")
    with pytest.raises(FileContentError, match=r"first\.json: Expecting property name"):
        target.read_json()


def test_status_says_why(campaign):
    task = campaign.make(FirstOfChain)
    assert task.output().status_text() == "existent"
    campaign.edit(training={"layers": 5, "learning_rate": 5e-4})
    words = "training.layers: 3 -> 5; training.learning_rate: 0.001 -> 0.0005"
    assert campaign.task(FirstOfChain).output().status_text() == f"stale ({words})"
    task.output().remove()
    assert task.output().status_text() == "absent"


def test_an_exception_in_the_middle_leaves_nothing(campaign, monkeypatch):
    def breaks():
        assert campaign.parts()
        raise ValueError("broken in the middle")

    with monkeypatch.context() as context:
        context.setattr(SecondOfChain, "during_run", staticmethod(breaks))
        with pytest.raises(ValueError, match="broken in the middle"):
            campaign.make(SecondOfChain)
    assert sorted(campaign.times()) == ["v1/mine/FirstOfChain/first.json"]
    assert campaign.parts() == []
    assert campaign.make(SecondOfChain).complete()


def test_a_process_killed_while_writing_leaves_no_output(campaign, monkeypatch):
    campaign.make(FirstOfChain)
    with monkeypatch.context() as context:
        context.setattr(SecondOfChain, "during_run", staticmethod(kill))
        in_a_killed_process(campaign.task(SecondOfChain).run)
    assert len(campaign.parts()) == 1
    assert sorted(campaign.times()) == ["v1/mine/FirstOfChain/first.json"]
    assert not campaign.task(SecondOfChain).complete()
    assert campaign.make(SecondOfChain).complete()
    assert campaign.parts() == []


def test_parts_of_a_target_whose_name_ends_alike_are_left_alone(campaign):
    task = campaign.task(FirstOfChain)
    long, short = task.target("a-b.json"), task.target("b.json")
    with staged(long) as (first,):
        first.write_text("long")
        with staged(short) as (second,):
            second.write_text("short")
        assert first.exists()
    assert (long.file.read_text(), short.file.read_text()) == ("long", "short")


def test_names_with_special_characters_are_staged(campaign):
    target = campaign.task(FirstOfChain).target("run[1]*.json")
    target.file.parent.mkdir(parents=True)
    left_over = target.file.with_name(f".part-{of_no_process()}-run[1]*.json")
    left_over.write_text("of a killed process")
    with staged(target) as (part,):
        part.write_text("whole")
    assert [path.name for path in target.file.parent.iterdir()] == ["run[1]*.json"]


def of_no_process():
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return child


@pytest.mark.parametrize("name", [".part-1", ".part-x-first.json", ".part-", ".part--first.json"])
def test_files_that_only_look_like_parts_are_left_alone(campaign, name):
    target = campaign.task(FirstOfChain).output()
    stranger = target.file.with_name(name)
    stranger.parent.mkdir(parents=True)
    stranger.write_text("whatever")
    with staged(target) as (part,):
        part.write_text("{}")
    assert stranger.exists()


def test_parts_of_a_process_that_is_still_at_it_are_left_alone(campaign):
    target = campaign.task(FirstOfChain).target("first.json")
    target.file.parent.mkdir(parents=True)
    in_use = target.file.with_name(f".part-{os.getppid()}-first.json")
    in_use.write_text("of another process")
    with staged(target) as (part,):
        part.write_text("whole")
    assert in_use.read_text() == "of another process"


def test_outputs_are_on_the_disk_before_they_get_their_names(campaign, monkeypatch):
    done = []

    def synced(handle):
        done.append(("sync", Path(f"/proc/self/fd/{handle}").resolve().name))

    one, two = (campaign.task(FirstOfChain).target(name) for name in ("one.json", "two.json"))
    monkeypatch.setattr(os, "fsync", synced)
    real = os.replace
    monkeypatch.setattr(os, "replace", lambda old, new: done.append(("name", Path(old).name)) or real(old, new))
    with staged(one, two) as parts:
        for part in parts:
            part.write_text("whole")
    names = [part.name for part in parts]
    assert done == [*(("sync", name) for name in names), *(("name", name) for name in names), ("sync", "FirstOfChain")]


def test_an_output_without_content_is_an_error_and_gets_no_name(campaign):
    one, two = (campaign.task(FirstOfChain).target(name) for name in ("one.json", "two.json"))

    def writes_one():
        with staged(one, two) as (first, second):
            first.write_text("whole")
            second.touch()

    with pytest.raises(ValueError, match=r"two\.json was written without content; an output is never empty"):
        writes_one()
    assert list(one.file.parent.iterdir()) == []


def test_an_output_that_was_not_written_is_an_error(campaign):
    target = campaign.task(FirstOfChain).target("first.json")
    with pytest.raises(FileNotFoundError, match=r"part-.*first\.json"), staged(target):
        pass
    assert not target.is_written()


def test_a_full_disk_is_named_with_folder_and_way_out(campaign, monkeypatch):
    campaign.make(FirstOfChain)

    def fills():
        Path("/dev/full").write_text("x")

    monkeypatch.setattr(SecondOfChain, "during_run", staticmethod(fills))
    with pytest.raises(OSError, match=r"No space left on device; free space there, or set DEEPSF_DATA") as error:
        campaign.make(SecondOfChain)
    assert error.value.filename == str(campaign.data / "v1/mine/SecondOfChain/deep")
    assert campaign.parts() == []
    assert sorted(campaign.times()) == ["v1/mine/FirstOfChain/first.json"]


def test_each_output_is_looked_at_once_to_answer_one_question(campaign, monkeypatch):
    campaign.edit(ensemble={"n_members": 4})
    campaign.make(CollectsBranches)
    campaign.edit(training={"learning_rate": 5e-4})
    asked = []
    real = ConfigTask.why_stale
    monkeypatch.setattr(ConfigTask, "why_stale", lambda self, target: asked.append(target.place) or real(self, target))
    task = campaign.task(CollectsBranches)
    assert not task.complete()
    assert len(asked) == len(set(asked)) == 5
    with ProvenanceTarget.one_question():
        assert not task.complete()
        assert why(task) == ["4 files in mine/BranchesOfChain are absent or stale"]
    assert len(asked) == 11  # `why` asks the task itself


def test_only_positive_verdicts_are_remembered(campaign, monkeypatch):
    monkeypatch.setattr(ProvenanceTarget, "memo_seconds", 1000.0)
    target = campaign.task(FirstOfChain).output()
    assert not target.exists()
    worker = os.fork()
    if worker == 0:
        try:
            campaign.task(FirstOfChain).run()
        finally:
            os._exit(0)
    os.waitpid(worker, 0)
    assert target.exists()
    target.file.unlink()
    assert target.exists()
    ProvenanceTarget.forget()
    assert not target.exists()


def test_a_positive_verdict_expires(campaign, monkeypatch):
    target = campaign.make(FirstOfChain).output()
    assert target.exists()
    target.file.unlink()
    monkeypatch.setattr(ProvenanceTarget, "memo_seconds", 0.0)
    assert not target.exists()


def collection(task):
    return task.output()["collection"]


def test_the_status_of_a_workflow_counts_branches_and_says_why_they_are_stale(campaign):
    campaign.edit(ensemble={"n_members": 2})
    assert isinstance(collection(campaign.task(BranchesOfChain)), BranchOutputs)
    assert collection(campaign.task(BranchesOfChain)).status_text() == "absent (0/2)"
    campaign.make(BranchesOfChain)
    assert collection(campaign.task(BranchesOfChain)).status_text() == "existent (2/2)"
    campaign.edit(training={"learning_rate": 5e-4}, ensemble={"n_members": 3})
    status = collection(campaign.task(BranchesOfChain)).status_text()
    assert status == "absent (0/3), stale (training.learning_rate: 0.001 -> 0.0005)"
