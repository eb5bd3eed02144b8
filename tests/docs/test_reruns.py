"""docs/reruns.md quotes messages as they are."""

from __future__ import annotations

import re

import pytest

from tasks.framework.provenance import differences, manifest_path, why_no_manifest
from tests.docs.documents import ROOT

PAGE = (ROOT / "docs" / "reruns.md").read_text()
RERUNS, JOBS = (re.findall(r"^\| (`.*?) \|", part, re.M) for part in PAGE.split("## Why is my job")[:2])


def quoted(rows):
    return [message for row in rows for message in re.findall(r"`([^`]+)`", row)]


def test_reasons_for_reruns_are_those_that_manifests_give(tmp_path):
    (tmp_path / "file").touch()
    absent = why_no_manifest(tmp_path / "file")
    manifest_path(tmp_path / "file").write_text("{")
    jets = "input:toy/SkimNtuples/ttbar/ttbar_0_jets.parquet"
    members = [f"input:toy/TrainDeepSF/{kind}_{n}.json" for kind in ("member", "history") for n in range(25)][:25]
    given = {
        absent,
        why_no_manifest(tmp_path / "file"),
        differences({"config:training": {"learning_rate": 0.001}}, {"config:training": {"learning_rate": 0.0005}}),
        differences({"code_version": 2}, {"code_version": 3}),
        differences({jets: "a"}, {jets: "b"}),
        differences(dict.fromkeys(members, "a"), dict.fromkeys(members, "b")),
        differences({}, {jets: "a"}).replace(jets.removeprefix("input:"), "..."),
        differences({jets: "a"}, {}).replace(jets.removeprefix("input:"), "..."),
        differences({jets: "a"}, {jets: None}).replace(jets.removeprefix("input:"), "..."),
    }
    # these are said by tasks, and tested there
    of_tasks = {"absent", "changed after it was made", "an empty file", "made by MeasureBinnedSF"}
    of_tasks |= {"inputs changed while the task ran", "the file was skipped, and on_bad_file is fail"}
    assert set(quoted(RERUNS)) == given | of_tasks


SOURCES = "\n".join(path.read_text() for path in (ROOT / "tasks").rglob("*.py"))


@pytest.mark.parametrize("message", [*quoted(JOBS), "changed after it was made", "inputs changed while the task ran"])
def test_messages_about_jobs_are_in_the_code(message):
    """Numbers, names and what stands for them are filled in when the message is given."""
    fixed = [part.strip(" .:()") for part in re.split(r"\d+(?: jobs)?|\.\.\.|failed and ", message)]
    fixed = [part for part in fixed if part not in ("", "MB", "min")]
    assert fixed
    for part in fixed:
        assert part in SOURCES, part


def test_the_page_quotes_many_messages():
    assert len(quoted(RERUNS)) > 12
    assert len(quoted(JOBS)) >= 9
