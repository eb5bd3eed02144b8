"""The main job on a tiny campaign, as a user starts it, run once for all tests of this folder."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

ROOT = Path(__file__).parents[2]


class Campaign:
    """A configuration with outputs in a folder of its own, and law run on it in a fresh shell."""

    def __init__(self, folder: Path, sections: dict[str, Any] | None = None) -> None:
        self.data = folder / "data"
        self.path = folder / "tiny.yaml"
        self.sections: dict[str, Any] = sections or {}
        folder.mkdir(parents=True, exist_ok=True)
        self.write()

    @property
    def outputs(self) -> Path:
        return self.data / "v1" / "tiny"

    def write(self, comment: str = "") -> None:
        """Write the configuration, which extends tiny.yaml."""
        tree = {"extends": str(ROOT / "tests" / "workflow" / "tiny.yaml"), **self.sections}
        self.path.write_text(f"# {comment}\n{yaml.safe_dump(tree)}")

    def copy(self, folder: Path, *tasks: str) -> Campaign:
        """Return the same campaign elsewhere, with the outputs of some tasks."""
        other = Campaign(folder, self.sections)
        for task in tasks:
            # with modification times, by which the manifests know their files
            shutil.copytree(self.outputs / task, other.outputs / task)
        return other

    def command(self, task: str, *options: str) -> list[str]:
        """Return the shell command that runs a task."""
        source = f'source "{ROOT}/setup.sh" && exec law run "$@"'
        return ["bash", "-c", source, "law", task, "--version", "v1", "--config", str(self.path), *options]

    def environment(self, workers: int) -> dict[str, str]:
        """Return the environment for `command`."""
        return {**os.environ, "DEEPSF_DATA": str(self.data), "DEEPSF_WORKERS": str(workers)}

    def law(self, task: str, *options: str, workers: int = 2) -> subprocess.CompletedProcess[str]:
        """Run a task to its end."""
        command, env = self.command(task, *options), self.environment(workers)
        return subprocess.run(command, env=env, capture_output=True, text=True, timeout=900, check=False)

    def artefacts(self) -> dict[str, int]:
        """Return when each artefact was written, by ``Task/file``."""
        visible = [path for path in self.outputs.rglob("*") if path.is_file()]
        names = {str(path.relative_to(self.outputs)): path.stat().st_mtime_ns for path in visible}
        return {name: time for name, time in names.items() if not any(p.startswith(".") for p in Path(name).parts)}

    def everything(self) -> dict[str, int]:
        """Return the modification time of every file, manifests and records of costs included."""
        files = [path for path in self.data.rglob("*") if path.is_file()]
        return {str(path.relative_to(self.data)): path.stat().st_mtime_ns for path in files}


class MainJob(NamedTuple):
    campaign: Campaign
    done: subprocess.CompletedProcess[str]


@pytest.fixture(scope="session")
def main_job(tmp_path_factory: pytest.TempPathFactory) -> MainJob:
    """Return the finished main job; tests that change its outputs work on a copy."""
    campaign = Campaign(tmp_path_factory.mktemp("main_job"))
    return MainJob(campaign, campaign.law("ProduceDeepSFEnsemble"))
