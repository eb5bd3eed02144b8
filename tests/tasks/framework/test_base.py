"""`ConfigTask` with small tasks in one process: complete means up to date, and the reasons are words."""

from __future__ import annotations

import json

import pytest

from tasks.framework.provenance import copy_manifest, manifest_path, read_manifest, write_manifest
from tests.tasks.framework.chain import (
    FirstOfChain,
    SecondOfChain,
    why,
)


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
