"""Which code ran on which machine."""

from __future__ import annotations

import os
import subprocess

from tasks.framework import machine, settings


def test_reports_carry_commit_cpu_and_cores():
    made_on = machine.made_on()
    assert list(made_on) == ["commit", "cpu", "cores"]
    assert made_on["cores"] == len(os.sched_getaffinity(0))
    assert made_on["cpu"]


def test_the_commit_is_marked_where_files_were_changed_since(tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "base", lambda: tmp_path)
    assert machine.commit() == "unknown"
    git = ("git", "-C", tmp_path, "-c", "user.name=x", "-c", "user.email=x@y")
    (tmp_path / "file").write_text("one")
    for command in (["init", "-q"], ["add", "file"], ["commit", "-q", "-m", "one"]):
        subprocess.run([*git, *command], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    assert machine.commit() == head[:12]
    (tmp_path / "file").write_text("two")
    assert machine.commit() == f"{head[:12]}+"
