"""`ConfigTask`, its targets and staged writing, with small tasks in one process: complete means up to date."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from deepsf.config import ConfigError
from tasks.framework import settings
from tasks.framework.base import ConfigTask
from tasks.framework.provenance import copy_manifest, manifest_path, read_manifest, write_manifest
from tasks.framework.targets import BranchOutputs, ProvenanceTarget, staged
from tests.tasks.framework.chain import (
    BranchesOfChain,
    CollectsBranches,
    FirstOfChain,
    ReadsUndeclared,
    SecondOfChain,
    in_a_killed_process,
    kill,
    why,
)

# --- reading the configuration


def test_an_undeclared_read_is_an_error_that_names_task_and_key(campaign):
    with pytest.raises(KeyError, match=r"ReadsUndeclared reads 'training\.units', which is not in its config_keys"):
        campaign.make(ReadsUndeclared)


@pytest.mark.parametrize("key", ["training", "training.layers_of_another", "trainin", "ensemble"])
def test_a_declared_key_opens_nothing_beside_and_above_it(campaign, key):
    with pytest.raises(KeyError, match="not in its config_keys"):
        campaign.task(ReadsUndeclared).cfg(key)


def test_a_declared_section_opens_what_is_in_it(campaign):
    task = campaign.task(FirstOfChain)
    assert task.cfg("training").layers == task.cfg("training.layers") == 3
    assert task.cfg("training.inputs.pt.transform") == "log"


# --- complete means up to date


def test_a_task_is_complete_after_its_run_and_its_outputs_lie_at_readable_paths(campaign):
    task = campaign.task(SecondOfChain)
    assert not task.complete()
    assert why(task) == ["no manifest"] * 2
    task = campaign.make(SecondOfChain)
    assert task.complete()
    assert why(task) == [None, None]
    assert sorted(campaign.times()) == [
        "v1/mine/FirstOfChain/first.json",
        "v1/mine/SecondOfChain/deep/one.json",
        "v1/mine/SecondOfChain/deep/two.json",
    ]


def test_a_manifest_names_what_the_output_was_made_from(campaign):
    task = campaign.make(SecondOfChain)
    manifest = read_manifest(task.output()["one"].file)
    assert manifest["task"] == "SecondOfChain"
    assert set(manifest["inputs"]) == {
        "code_version",
        "config:ensemble.seed",
        f"file:{campaign.data / 'external.txt'}",
        "input:mine/FirstOfChain/first.json",
    }
    assert manifest["inputs"]["config:ensemble.seed"] == 1


def test_an_output_without_manifest_or_of_another_task_does_not_count(campaign):
    task = campaign.make(FirstOfChain)
    path = task.output().file
    manifest = read_manifest(path)
    write_manifest(path, "OtherTask", manifest["inputs"])
    campaign.new_process()
    assert (task.complete(), why(task)) == (False, ["made by OtherTask"])
    manifest_path(path).unlink()
    assert (task.complete(), why(task)) == (False, ["no manifest"])


def test_an_output_changed_by_hand_does_not_count(campaign):
    task = campaign.make(FirstOfChain)
    task.output().file.write_text('{"layers": 4}')
    assert (task.complete(), why(task)) == (False, ["changed after it was made"])


@pytest.mark.parametrize(
    "edit",
    [{}, {"comment": "a comment"}, {"plots": {"label": "other"}}, {"ensemble": {"n_members": 7}}],
    ids=["nothing", "a comment", "another section", "an undeclared key of a section that is read"],
)
def test_an_edit_of_what_is_not_declared_leaves_all_complete(campaign, edit):
    campaign.make(SecondOfChain)
    before = campaign.times()
    campaign.edit(**edit)
    assert campaign.task(SecondOfChain).complete()
    campaign.make(SecondOfChain)
    assert campaign.times() == before


def test_editing_a_declared_key_reruns_its_dependents_alone(campaign):
    campaign.make(SecondOfChain)
    before = campaign.times()
    campaign.edit(ensemble={"seed": 5})
    task = campaign.task(SecondOfChain)
    assert not task.complete()
    assert why(task) == ["ensemble.seed: 1 -> 5"] * 2
    assert campaign.task(FirstOfChain).complete()
    assert campaign.make(SecondOfChain).complete()
    after = campaign.times()
    assert [path for path in before if after[path] != before[path]] == [
        f"v1/mine/SecondOfChain/deep/{name}.json" for name in ("one", "two")
    ]
    campaign.edit(ensemble={"seed": 1})
    assert why(campaign.task(SecondOfChain)) == ["ensemble.seed: 5 -> 1"] * 2


def test_an_edit_upstream_makes_downstream_stale_too(campaign):
    campaign.make(SecondOfChain)
    campaign.edit(training={"layers": 5})
    assert why(campaign.task(FirstOfChain)) == ["training.layers: 3 -> 5"]
    assert why(campaign.task(SecondOfChain)) == ["mine/FirstOfChain/first.json is absent or stale"] * 2
    task = campaign.make(SecondOfChain)
    assert json.loads(task.output()["two"].file.read_text())["layers"] == 5


def test_an_upstream_rerun_with_equal_content_stops_there(campaign, monkeypatch):
    campaign.make(SecondOfChain)
    before = campaign.times()
    campaign.edit(training={"learning_rate": 5e-4})  # declared by the first task, but not in what it writes
    assert not campaign.task(SecondOfChain).complete()
    messages = []
    monkeypatch.setattr(ConfigTask, "publish_message", lambda _, message: messages.append(message))
    assert campaign.make(SecondOfChain).complete()
    assert messages == ["SecondOfChain: inputs did not change, nothing to do"]
    after = campaign.times()
    assert [path for path in before if after[path] != before[path]] == ["v1/mine/FirstOfChain/first.json"]


def test_a_code_version_makes_stale(campaign, monkeypatch):
    campaign.make(FirstOfChain)
    monkeypatch.setattr(FirstOfChain, "code_version", 2)
    assert why(campaign.task(FirstOfChain)) == ["code_version: 1 -> 2"]


def test_a_changed_or_absent_external_file_makes_stale(campaign):
    campaign.make(SecondOfChain)
    path = campaign.data / "external.txt"
    path.write_text("other")
    campaign.new_process()
    assert why(campaign.task(SecondOfChain)) == [f"{path} changed"] * 2
    path.unlink()
    assert why(campaign.task(SecondOfChain)) == [f"{path} is absent or stale"] * 2


def test_versions_lie_side_by_side(campaign):
    campaign.make(SecondOfChain)
    before = campaign.times()
    campaign.make(SecondOfChain, version="v2")
    assert campaign.task(SecondOfChain).complete()
    assert {path: time for path, time in campaign.times().items() if path.startswith("v1/")} == before


def test_removing_an_output_removes_its_manifest(campaign):
    task = campaign.make(FirstOfChain)
    task.output().remove()
    assert not manifest_path(task.output().file).exists()
    assert not task.complete()


def test_two_files_of_one_stem_under_one_version_are_an_error_that_names_both(campaign, tmp_path):
    campaign.make(FirstOfChain)
    first = campaign.path
    campaign.path = tmp_path / "elsewhere" / "mine.yaml"
    campaign.path.parent.mkdir()
    campaign.edit(training={"layers": 5})
    with pytest.raises(ConfigError) as error:
        campaign.make(FirstOfChain)
    assert f"{campaign.path}: " in str(error.value)
    assert f"come from {first}; rename one of the two files, or use another --version" in str(error.value)
    assert json.loads((campaign.data / "v1/mine/FirstOfChain/first.json").read_text()) == {"layers": 3}
    campaign.make(FirstOfChain, version="v2")


def test_status_says_why(campaign):
    task = campaign.make(FirstOfChain)
    assert task.output().status_text() == "existent"
    campaign.edit(training={"layers": 5, "learning_rate": 5e-4})
    words = "training.layers: 3 -> 5; training.learning_rate: 0.001 -> 0.0005"
    assert campaign.task(FirstOfChain).output().status_text() == f"stale ({words})"
    task.output().remove()
    assert task.output().status_text() == "absent"


# --- workflows


def collection(task):
    return task.output()["collection"]


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


def test_the_status_of_a_workflow_counts_branches_and_says_why_they_are_stale(campaign):
    campaign.edit(ensemble={"n_members": 2})
    assert isinstance(collection(campaign.task(BranchesOfChain)), BranchOutputs)
    assert collection(campaign.task(BranchesOfChain)).status_text() == "absent (0/2)"
    campaign.make(BranchesOfChain)
    assert collection(campaign.task(BranchesOfChain)).status_text() == "existent (2/2)"
    campaign.edit(training={"learning_rate": 5e-4}, ensemble={"n_members": 3})
    status = collection(campaign.task(BranchesOfChain)).status_text()
    assert status == "absent (0/3), stale (training.learning_rate: 0.001 -> 0.0005)"


def test_the_job_key_follows_the_configuration_of_the_task_and_all_above(campaign):
    key = campaign.task(SecondOfChain).configuration_key()
    campaign.make(SecondOfChain)
    campaign.edit("a comment", plots={"label": "other"})
    assert campaign.task(SecondOfChain).configuration_key() == key  # known before anything ran, the same after
    campaign.edit(training={"layers": 5})
    other = campaign.task(SecondOfChain).configuration_key()
    assert other != key
    campaign.edit(training={"layers": 3})
    assert campaign.task(SecondOfChain).configuration_key() == key


# --- nothing half-written


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


def test_an_exception_in_a_rerun_leaves_the_old_output_whole_and_stale(campaign, monkeypatch):
    task = campaign.make(SecondOfChain)
    before = task.output()["one"].file.read_text()
    campaign.edit(ensemble={"seed": 5})
    with monkeypatch.context() as context:
        context.setattr(SecondOfChain, "during_run", staticmethod(lambda: 1 / 0))
        with pytest.raises(ZeroDivisionError):
            campaign.make(SecondOfChain)
    assert task.output()["one"].file.read_text() == before
    assert why(campaign.task(SecondOfChain)) == ["ensemble.seed: 1 -> 5"] * 2


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


def test_a_process_killed_between_output_and_manifest_leaves_nothing_that_counts(campaign, monkeypatch):
    campaign.make(SecondOfChain)
    campaign.edit(ensemble={"seed": 5})
    with monkeypatch.context() as context:
        context.setattr("tasks.framework.base.write_manifest", lambda *_: kill())
        in_a_killed_process(campaign.task(SecondOfChain).run)
    task = campaign.task(SecondOfChain)
    assert json.loads(task.output()["one"].file.read_text())["seed"] == 5
    assert why(task) == ["changed after it was made"] * 2
    campaign.edit(ensemble={"seed": 1})  # the old manifest fits, the new content does not
    assert not campaign.task(SecondOfChain).complete()


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


def test_an_output_that_was_emptied_says_so(campaign):
    task = campaign.make(FirstOfChain)
    task.output().file.write_text("")
    assert (task.complete(), why(task)) == (False, ["an empty file"])
    copy_manifest(read_manifest(task.output().file), task.output().file)  # even if its manifest says so
    campaign.new_process()
    assert (task.complete(), why(task)) == (False, ["an empty file"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"task": "Fi', "its manifest is damaged"),
        ("", "its manifest is damaged"),
        ("[1, 2]", "its manifest has another form"),
        ('{"task": "FirstOfChain"}', "its manifest has another form"),
        (
            '{"task": "FirstOfChain", "inputs": {}, "content": "", "size": "1"}',
            "its manifest has another form",
        ),
    ],
)
def test_a_manifest_that_cannot_be_used_makes_stale_with_the_reason(campaign, text, words):
    task = campaign.make(FirstOfChain)
    manifest_path(task.output().file).write_text(text)
    assert (task.complete(), why(task)) == (False, [words])
    assert campaign.make(FirstOfChain).complete()


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


def test_inputs_that_change_while_a_task_runs_are_an_error_and_seal_nothing(campaign, monkeypatch):
    path = campaign.data / "external.txt"
    with monkeypatch.context() as context:
        context.setattr(SecondOfChain, "during_run", staticmethod(lambda: path.write_text("changed meanwhile")))
        with pytest.raises(RuntimeError) as error:
            campaign.make(SecondOfChain)
    assert str(error.value) == (f"SecondOfChain: inputs changed while the task ran ({path} changed); run it again")
    assert not campaign.task(SecondOfChain).complete()
    assert campaign.make(SecondOfChain).complete()


# --- the memo


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


# --- the snapshot for batch jobs


def test_the_snapshot_for_jobs_is_the_configuration_with_its_order_of_keys(campaign, monkeypatch):
    names = ("discriminant", "pt", "abseta")
    campaign.edit(training={"inputs": {name: {"transform": "identity"} for name in names}})
    submitted = settings.config(str(campaign.path))
    snapshot = campaign.task(BranchesOfChain)._snapshot()
    monkeypatch.setenv(settings.SNAPSHOT_VARIABLE, str(snapshot))
    campaign.new_process()
    read = settings.config(str(campaign.path))
    assert read == submitted
    assert list(read.training.inputs) == list(submitted.training.inputs)
    assert list(read.samples) == list(submitted.samples)


def test_a_job_with_the_snapshot_makes_what_the_submitting_side_takes_for_complete(campaign, monkeypatch):
    campaign.edit(ensemble={"n_members": 2})
    snapshot = campaign.task(BranchesOfChain)._snapshot()
    with monkeypatch.context() as context:
        context.setenv(settings.SNAPSHOT_VARIABLE, str(snapshot))
        campaign.make(BranchesOfChain)
    assert campaign.make(BranchesOfChain).complete()
