"""A configuration with outputs in a folder of its own, and law run on it as a user does."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from deepsf.config import load

ROOT = Path(__file__).parents[2]


class Launch(NamedTuple):
    """How law is started: what stands before the shell, options of every call, the environment (default: this one)."""

    prefix: Sequence[str] = ()
    options: Sequence[str] = ()
    env: Mapping[str, str] | None = None


HERE = Launch()


class Campaign:
    """A configuration that extends another, by its path or one of this folder; its outputs have a folder of their own.

    law is run on it as a user does.
    """

    def __init__(
        self, folder: Path, sections: dict[str, Any] | None = None, launch: Launch = HERE, base: str | Path = "tiny"
    ) -> None:
        self.data = folder / "data"
        self.extends = ROOT / "tests" / "workflow" / f"{base}.yaml" if isinstance(base, str) else base
        self.base = self.extends.stem
        self.path = folder / f"{self.base}.yaml"
        self.sections: dict[str, Any] = dict(sections or {})
        self.launch = launch
        folder.mkdir(parents=True, exist_ok=True)
        self.write()

    @property
    def outputs(self) -> Path:
        return self.data / "v1" / self.base

    def write(self, comment: str = "") -> None:
        """Write the configuration."""
        tree = {"extends": str(self.extends), **self.sections}
        self.path.write_text(f"# {comment}\n{yaml.safe_dump(tree)}")

    def reverse_keys(self) -> None:
        """Write the same configuration in full, with the keys of every section in reverse order."""
        tree = _reversed(load(self.path).model_dump(mode="json"))
        self.path.write_text(yaml.safe_dump(tree, sort_keys=False))

    def copy(self, folder: Path, *tasks: str, launch: Launch = HERE) -> Campaign:
        """Return the same campaign elsewhere, with the outputs of some tasks."""
        other = Campaign(folder, self.sections, launch, self.extends)
        for task in tasks:
            # with modification times, by which the manifests know their files
            shutil.copytree(self.outputs / task, other.outputs / task)
        return other

    def command(self, task: str, *options: str) -> list[str]:
        """Return the shell command that runs a task."""
        source = f'source "{ROOT}/setup.sh" && exec law run "$@"'
        law = ["law", task, "--version", "v1", "--config", str(self.path), *self.launch.options, *options]
        return [*self.launch.prefix, "bash", "-c", source, *law]

    def environment(self, workers: int) -> dict[str, str]:
        """Return the environment for `command`."""
        env = os.environ if self.launch.env is None else self.launch.env
        return {**env, "DEEPSF_DATA": str(self.data), "DEEPSF_WORKERS": str(workers)}

    def law(self, task: str, *options: str, workers: int = 2) -> subprocess.CompletedProcess[str]:
        """Run a task to its end."""
        command, env = self.command(task, *options), self.environment(workers)
        return subprocess.run(command, env=env, capture_output=True, text=True, timeout=900, check=False)

    def status(self) -> str:
        """Return what ``ShowStatus`` prints."""
        done = self.law("ShowStatus")
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    def artefacts(self) -> dict[str, int]:
        """Return when each artefact was written, by ``Task/file``."""
        visible = [path for path in self.outputs.rglob("*") if path.is_file()]
        names = {str(path.relative_to(self.outputs)): path.stat().st_mtime_ns for path in visible}
        return {name: time for name, time in names.items() if not any(p.startswith(".") for p in Path(name).parts)}

    def records(self) -> dict[str, int]:
        """Return when each task, or branch as ``Task/number``, has noted what it cost: it does so whenever it ran."""
        files = self.outputs.glob("*/.resources/*.json")
        names = {f"{path.parts[-3]}/{path.stem}": path.stat().st_mtime_ns for path in files}
        return {name.removesuffix("/task").replace("/branch_", "/"): time for name, time in names.items()}

    def everything(self) -> dict[str, int]:
        """Return the modification time of every file, manifests and records of costs included."""
        files = [path for path in self.data.rglob("*") if path.is_file()]
        return {str(path.relative_to(self.data)): path.stat().st_mtime_ns for path in files}


def _reversed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _reversed(value[key]) for key in reversed(value)}
    return [_reversed(item) for item in value] if isinstance(value, list) else value


def not_up_to_date(status: str) -> set[str]:
    """Return the tasks that a status shows as absent or stale."""
    lines = [line.strip("│├─└ ").split(" ", 1) for line in status.splitlines()]
    return {task for task, state in lines if state.startswith(("absent", "stale"))}
