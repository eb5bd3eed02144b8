"""Commands of HTCondor that answer as they are told."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def condor(tmp_path, monkeypatch):
    """Return a function that makes a command of HTCondor, which prints a text, and the file with its arguments."""
    folder = tmp_path / "condor"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    def answers(command: str, text: str, status: int = 0) -> Path:
        script, called = folder / command, folder / f"{command}.called"
        (folder / f"{command}.txt").write_text(text)
        script.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >>"{called}"\ncat "{script}.txt"\nexit {status}\n')
        script.chmod(0o755)
        return called

    return answers
