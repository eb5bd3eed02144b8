"""The store of replaced outputs: what comes back, what is kept, its bound, kills at every step, and two processes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import traceback
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tasks.framework import settings, store
from tasks.framework.provenance import content_digest, inputs_key, manifest_path, read_manifest, write_manifest
from tasks.framework.targets import leaves
from tests.tasks.framework.chain import BranchesOfChain, FirstOfChain, SecondOfChain, why


@pytest.fixture(autouse=True)
def kept(monkeypatch):
    """The second task of the chain and the workflow keep what is replaced; the first does not."""
    monkeypatch.delenv(settings.STORE_VARIABLE, raising=False)
    monkeypatch.setattr(SecondOfChain, "keeps_replaced", True)
    monkeypatch.setattr(BranchesOfChain, "keeps_replaced", True)


@pytest.fixture
def at(campaign):
    """Return a function that runs the second task with a seed and returns what it made, and what manifests say."""

    def run(seed: int) -> dict[str, Any]:
        campaign.edit(ensemble={"seed": seed})
        task = campaign.make(SecondOfChain)
        assert task.complete()
        files = [target.file for target in leaves(task.output())]
        return bytes_of(files) | said_of(files)

    return run


def bytes_of(files) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in files}


def said_of(files) -> dict[str, dict[str, Any]]:
    """Return manifests by name, without what the file system says of the file: links and copies differ in it."""
    manifests = {manifest_path(file).name: read_manifest(file) for file in files}
    return {name: {key: found[key] for key in ("task", "inputs", "content")} for name, found in manifests.items()}


def folder(campaign) -> Path:
    return campaign.data / "v1" / "mine" / store.NAME


def entries(campaign) -> list[Path]:
    """Return the entries; half-made ones are none."""
    return [path for path in folder(campaign).glob("*") if not path.name.startswith(".")]


def seeds(campaign) -> list[int]:
    """Return the seeds of all entries."""
    manifests = [json.loads(next(place.glob(".*.manifest.json")).read_text()) for place in entries(campaign)]
    return sorted(manifest["inputs"]["config:ensemble.seed"] for manifest in manifests)


def size(campaign) -> int:
    return sum(file.stat().st_size for place in entries(campaign) for file in place.iterdir())


def limit(monkeypatch, n_bytes: int) -> None:
    monkeypatch.setenv(settings.STORE_VARIABLE, repr(n_bytes / 1e9))
    assert settings.store_bytes() == n_bytes


# --- coming back


def test_going_back_restores_the_same_bytes_and_manifests_and_runs_nothing(campaign, at, said):
    first, second = at(1), at(5)
    assert first["one.json"] != second["one.json"]
    ran = campaign.records()
    said.clear()
    assert at(1) == first
    assert said == ["SecondOfChain: restored from the store: one.json, two.json"]
    assert at(5) == second  # what a restored output replaced was kept too
    assert at(1) == first
    assert campaign.records() == ran
    assert campaign.parts() == []


def test_an_entry_is_an_output_and_its_manifest(campaign, at):
    first = at(1)
    assert entries(campaign) == []
    at(5)
    assert seeds(campaign) == [1, 1]
    files = [file for place in entries(campaign) for file in place.glob("[!.]*")]
    assert bytes_of(files) | said_of(files) == first


def test_what_is_upstream_comes_back_first_so_that_the_rest_fits(campaign, at, monkeypatch):
    monkeypatch.setattr(FirstOfChain, "keeps_replaced", True)
    campaign.edit(training={"layers": 3})
    first = at(1)
    campaign.edit(training={"layers": 5})
    assert at(1)["one.json"] != first["one.json"]
    ran = campaign.records()
    campaign.edit(training={"layers": 3})
    assert at(1) == first
    assert campaign.records() == ran


def test_a_task_that_does_not_ask_for_it_keeps_nothing(campaign, monkeypatch):
    monkeypatch.setattr(SecondOfChain, "keeps_replaced", False)
    campaign.make(SecondOfChain)
    campaign.edit(training={"layers": 5}, ensemble={"seed": 5})
    campaign.make(SecondOfChain)
    assert not folder(campaign).exists()


def test_a_batch_job_leaves_the_store_to_the_side_that_submitted_it(campaign, at, monkeypatch):
    at(1)
    at(5)
    monkeypatch.setattr(settings, "in_job", lambda: True)
    ran = campaign.records()
    at(1)
    assert campaign.records() != ran
    assert seeds(campaign) == [1, 1]


def test_outputs_that_the_same_inputs_will_make_again_are_not_kept(campaign, at):
    first = at(1)
    (campaign.data / "v1/mine/SecondOfChain/deep/one.json").unlink()
    assert at(1).keys() == first.keys()
    assert entries(campaign) == []


def test_an_output_changed_by_hand_is_not_kept(campaign, at):
    at(1)
    (campaign.data / "v1/mine/SecondOfChain/deep/one.json").write_text("by hand")
    at(5)
    assert [file.name for place in entries(campaign) for file in place.glob("[!.]*")] == ["two.json"]


def test_with_one_of_two_outputs_in_the_store_the_task_runs(campaign, at):
    first = at(1)
    at(5)
    shutil.rmtree(next(place for place in entries(campaign) if (place / "two.json").exists()))
    ran = campaign.records()
    assert {name: text for name, text in at(1).items() if "manifest" not in name} == {
        name: text for name, text in first.items() if "manifest" not in name
    }
    assert campaign.records() != ran


def test_a_stored_output_is_not_changed_with_the_one_in_place(campaign, at):
    first = at(1)
    at(5)
    at(1)
    path = campaign.data / "v1/mine/SecondOfChain/deep/one.json"
    path.unlink()
    path.write_text("another file")
    assert at(1)["one.json"] == first["one.json"]


def test_where_files_cannot_have_two_names_they_are_copied(campaign, at, monkeypatch):
    def cannot(*_, **__):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", cannot)
    first = at(1)
    at(5)
    ran = campaign.records()
    assert at(1) == first
    assert campaign.records() == ran


def test_a_store_that_cannot_be_written_stops_no_run(campaign, at, said):
    at(1)
    folder(campaign).write_text("a file where the folder should be")
    said.clear()
    at(5)
    (words,) = said
    assert words.startswith("SecondOfChain: its replaced outputs are not kept: ")
    assert str(folder(campaign)) in words


# --- branches, before anything is submitted


def test_branches_are_restored_and_kept_before_anything_is_submitted(campaign, said):
    campaign.edit(ensemble={"n_members": 3})
    campaign.make(BranchesOfChain)
    first = campaign.times()
    campaign.edit(training={"learning_rate": 5e-4})
    workflow = campaign.task(BranchesOfChain)
    assert store.restore_branches(workflow) == 0
    assert len(entries(campaign)) == 3
    assert campaign.times() == first  # kept, and still in their place
    campaign.make(BranchesOfChain)
    campaign.edit(training={"learning_rate": 1e-3})
    ran = campaign.records()
    said.clear()
    workflow = campaign.task(BranchesOfChain)
    assert store.restore_branches(workflow) == 3
    assert said == ["BranchesOfChain: 3 branches restored from the store"]
    assert workflow.complete()
    assert campaign.records() == ran
    assert campaign.times() == first
    assert store.restore_branches(workflow) == 0


def test_a_branch_that_is_not_in_the_store_is_left_to_be_run(campaign):
    campaign.edit(ensemble={"n_members": 2})
    campaign.make(BranchesOfChain)
    campaign.edit(training={"learning_rate": 5e-4})
    campaign.make(BranchesOfChain)
    campaign.edit(training={"learning_rate": 1e-3}, ensemble={"n_members": 3})
    workflow = campaign.task(BranchesOfChain)
    assert store.restore_branches(workflow) == 2
    assert [task.complete() for task in workflow.get_branch_tasks().values()] == [True, True, False]


# --- what cannot be believed


def other_content(place):
    file = next(place.glob("[!.]*.json"))
    text = file.read_text()
    file.unlink()  # the output in its place has the same inode
    file.write_text(text.replace("external", "EXTERNAL"))


def cut_manifest(place):
    path = next(place.glob(".*.manifest.json"))
    path.write_text(path.read_text()[:40])


def no_manifest(place):
    next(place.glob(".*.manifest.json")).unlink()


def no_output(place):
    next(place.glob("[!.]*.json")).unlink()


def manifest_of_other_inputs(place):
    file = next(place.glob("[!.]*.json"))
    manifest = read_manifest(file)
    write_manifest(file, manifest["task"], manifest["inputs"] | {"config:ensemble.seed": 7})


@pytest.mark.parametrize("damage", [other_content, cut_manifest, no_manifest, no_output, manifest_of_other_inputs])
def test_a_damaged_entry_is_removed_and_the_task_runs(campaign, at, said, damage):
    first = at(1)
    at(5)
    place = next(place for place in entries(campaign) if (place / "one.json").exists())
    damage(place)
    ran = campaign.records()
    said.clear()
    assert at(1)["one.json"] == first["one.json"]
    assert said == ["SecondOfChain: one.json in the store is damaged and removed there"]
    assert campaign.records() != ran
    assert not place.exists()
    at(5)  # makes a sound one of it
    assert at(1)["one.json"] == first["one.json"]
    assert place.exists()


def test_what_a_killed_process_left_is_ignored_and_swept_when_it_is_old(campaign, at):
    at(1)
    at(5)
    left, fresh = (folder(campaign) / f".part-{name}" for name in ("left", "fresh"))
    for part in (left, fresh):
        shutil.copytree(entries(campaign)[0], part)
    old = left.stat().st_mtime - store.ABANDONED_S - 1
    os.utime(left, (old, old))
    at(6)
    assert not left.exists()
    assert fresh.exists()  # somebody may be at it
    assert seeds(campaign) == [1, 1, 5, 5]


# --- the bound


def test_the_store_never_holds_more_than_its_limit(campaign, at, monkeypatch):
    at(1)
    at(2)
    bound = size(campaign) * 5 // 2
    limit(monkeypatch, bound)
    for seed in (3, 1, 4, 2, 5, 3, 1, 1, 2, 6):
        at(seed)
        assert 0 < size(campaign) <= bound


def test_what_was_used_longest_ago_goes_first(campaign, at, monkeypatch):
    for seed in (1, 2, 3):
        at(seed)
    assert seeds(campaign) == [1, 1, 2, 2]
    at(1)  # restored: used
    assert seeds(campaign) == [1, 1, 2, 2, 3, 3]
    limit(monkeypatch, size(campaign))
    at(4)  # its predecessor is in the store already
    at(5)
    assert seeds(campaign) == [1, 1, 3, 3, 4, 4]


def test_what_is_being_restored_does_not_go_to_make_room_for_what_it_replaces(campaign, at, monkeypatch):
    for seed in (1, 2, 3):
        at(seed)
    limit(monkeypatch, size(campaign))
    at(1)
    assert seeds(campaign) == [1, 1, 3, 3]


def test_what_is_larger_than_the_limit_is_not_kept_and_costs_no_other_entry(campaign, at, monkeypatch):
    at(1)
    at(2)
    limit(monkeypatch, size(campaign))
    (campaign.data / "external.txt").write_text("x" * 5000)
    at(3)
    assert seeds(campaign) == [2, 2]
    at(4)
    assert seeds(campaign) == [2, 2]


def test_a_limit_of_zero_keeps_and_restores_nothing(campaign, at, monkeypatch):
    at(1)
    at(2)
    limit(monkeypatch, 0)
    ran = campaign.records()
    at(1)
    assert campaign.records() != ran
    assert seeds(campaign) == [1, 1]


# --- kills


STEPS = ("link", "rename", "replace", "unlink", "rmdir", "utime", "fsync")


def killed_at_step(number: int, work) -> bool:
    """Call ``work`` in a process that is killed before its n-th change of the disk; False if it made fewer."""
    child = os.fork()
    if child == 0:
        steps = count()

        def counted(call):
            def counting(*args, **kwargs):
                if next(steps) == number:
                    os.kill(os.getpid(), signal.SIGKILL)
                return call(*args, **kwargs)

            return counting

        try:
            for name in STEPS:
                setattr(os, name, counted(getattr(os, name)))
            work()
            os._exit(0)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.waitstatus_to_exitcode(status) == 0
    return os.WIFSIGNALED(status)


@pytest.mark.parametrize("goes_back", [True, False], ids=["restoring", "keeping"])
def test_a_kill_at_any_step_leaves_nothing_wrong_that_counts_and_loses_no_entry(campaign, at, tmp_path, goes_back):
    made = {1: at(1), 5: at(5)}
    if not goes_back:
        shutil.rmtree(folder(campaign))
        campaign.edit(ensemble={"seed": 6})
        made[6] = at(6)
        shutil.rmtree(folder(campaign))
        made[5] = at(5)
        shutil.rmtree(folder(campaign))
    wanted = 1 if goes_back else 6
    backup = tmp_path / "backup"
    shutil.copytree(campaign.data, backup)
    for number in range(200):
        campaign.edit(ensemble={"seed": wanted})
        killed = killed_at_step(number, campaign.task(SecondOfChain).run)
        if not killed:
            break
        campaign.new_process()
        for target in leaves(campaign.task(SecondOfChain).output()):
            assert not target.exists() or target.file.read_bytes() == made[wanted][target.file.name], number
        for place in entries(campaign):
            file = next(place.glob("[!.]*.json"))
            assert read_manifest(file)["content"] == content_digest(file), number
        ran = campaign.records()
        again = at(wanted)
        assert {n: t for n, t in again.items() if "manifest" not in n} == {
            n: t for n, t in made[wanted].items() if "manifest" not in n
        }, number
        assert not goes_back or campaign.records() == ran, number
        assert campaign.parts() == [p for p in campaign.parts() if p.is_relative_to(folder(campaign))], number
        back = at(5)
        assert {name: back[name] for name in ("one.json", "two.json")} == {
            name: made[5][name] for name in ("one.json", "two.json")
        }, number
        shutil.rmtree(campaign.data)
        shutil.copytree(backup, campaign.data)
    assert 15 < number < 199
    assert at(wanted)["one.json"] == made[wanted]["one.json"]


# --- two processes


def in_processes(*works) -> None:
    """Call functions at once, each in a process of its own; all must end well."""
    children = []
    for work in works:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                work()
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)
        children.append(child)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * len(works)


def test_processes_that_restore_the_same_at_once_all_end_well(campaign, at):
    first = at(1)
    at(5)
    campaign.edit(ensemble={"seed": 1})
    task = campaign.task(SecondOfChain)
    in_processes(*[task.run] * 4)
    campaign.new_process()
    assert why(campaign.task(SecondOfChain)) == [None, None]
    assert at(1)["one.json"] == first["one.json"]
    assert seeds(campaign) == [1, 1, 5, 5]


def test_concurrent_inserts_and_evictions_leave_sound_entries(tmp_path):
    place, bound = tmp_path / store.NAME, 12_000

    def inserts(process: int):
        def work():
            for number in range(60):
                file = tmp_path / str(process) / "output.json"
                file.parent.mkdir(exist_ok=True)
                file.unlink(missing_ok=True)
                inputs = {"number": (number * (process + 1)) % 40}  # others insert the same
                file.write_text(json.dumps([inputs["number"]] * 200))
                write_manifest(file, "Task", inputs)
                store.insert(place, file, inputs_key("Task", file.name, inputs), bound)

        return work

    in_processes(*[inserts(process) for process in range(4)])
    found = [path for path in place.iterdir() if not path.name.startswith(".")]
    assert len(found) > 5
    assert sum(file.stat().st_size for entry in found for file in entry.iterdir()) <= bound
    for entry in found:
        manifest = read_manifest(entry / "output.json")
        assert entry.name == inputs_key("Task", "output.json", manifest["inputs"])
        assert json.loads((entry / "output.json").read_text()) == [manifest["inputs"]["number"]] * 200
    assert list(place.glob(".part-*")) == []
