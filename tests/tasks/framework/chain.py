"""Small tasks that need no data, a configuration to edit, and kills: for tests of what all tasks have in common."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import law
import luigi
import yaml

from tasks.framework import settings
from tasks.framework.base import ConfigTask
from tasks.framework.members import EnsembleWorkflow
from tasks.framework.targets import ProvenanceTarget, leaves, staged
from tasks.framework.workflows import Workflow

ROOT = settings.base()


class FirstOfChain(ConfigTask):
    """Says no more than the number of layers, but declares all of the training."""

    config_keys = ("training",)

    def output(self):
        return self.target("first.json")

    def run(self):
        with staged(self.output()) as (path,):
            path.write_text(json.dumps({"layers": self.cfg("training.layers")}))


class SecondOfChain(ConfigTask):
    """Reads the first, a configuration of its own, and a file that no task makes."""

    during_run = staticmethod(lambda: None)
    config_keys = ("ensemble.seed",)

    def requires(self):
        return FirstOfChain.req(self)

    def external_files(self):
        return (settings.data() / "external.txt",)

    def output(self):
        return {name: self.target("deep", f"{name}.json") for name in ("one", "two")}

    def run(self):
        text = self.external_files()[0].read_text()
        content = json.loads(self.input().file.read_text()) | {"seed": self.cfg("ensemble.seed"), "text": text}
        with staged(*self.output().values()) as paths:
            paths[0].write_text(json.dumps(content))
            self.during_run()
            paths[1].write_text(json.dumps(content))


class ReadsUndeclared(ConfigTask):
    config_keys = ("training.layers",)

    def output(self):
        return self.target("never.json")

    def run(self):
        self.cfg("training.units")


class BranchesOfChain(Workflow):
    """A branch a member; one may be told to fail."""

    config_keys = ("training.learning_rate",)

    def create_branch_map(self):
        return dict(enumerate(range(10, 10 + self.plan_cfg("ensemble.n_members"))))

    def own_parameters(self):
        return {"member": self.branch_data}

    def output(self):
        return self.target(f"branch_{self.branch}.json")

    def run(self):
        with staged(self.output()) as (path,):
            path.write_text(json.dumps([self.branch_data, self.cfg("training.learning_rate")]))


class OtherBranches(BranchesOfChain):
    """Branches of the same number, of another task."""


class CollectsBranches(ConfigTask):
    """Does not declare the number of members: a new one is an input that is new."""

    def requires(self):
        return BranchesOfChain.req(self)

    def output(self):
        return self.target("collected.json")

    def run(self):
        with staged(self.output()) as (path,):
            path.write_text(json.dumps([json.loads(t.file.read_text()) for t in leaves(self.input())]))


class Campaign:
    """A configuration that tests edit, with outputs in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.path = folder / "mine.yaml"
        self.tree: dict = {"extends": str(ROOT / "configs" / "toy_small.yaml")}
        self.data.mkdir()
        (self.data / "external.txt").write_text("external")
        self.edit()

    def edit(self, comment: str = "", **sections: dict) -> None:
        """Change values, then see the world as a new process does."""
        for name, values in sections.items():
            self.tree[name] = self.tree.get(name, {}) | values
        self.path.write_text(f"# {comment}\n{yaml.safe_dump(self.tree, sort_keys=False)}")
        self.new_process()

    def new_process(self) -> None:
        settings.config.cache_clear()
        luigi.task_register.Register.clear_instance_cache()
        ProvenanceTarget.forget()
        EnsembleWorkflow.local_runs.clear()
        # law starts the branches of a local workflow once per process
        law.util.mp_manager.get("local_workflow_tasks_yielded", "dict").clear()

    def task(self, cls: type[ConfigTask], version: str = "v1", **params: object) -> ConfigTask:
        return cls(version=version, config=str(self.path), **params)

    def make(self, cls: type[ConfigTask], **params: object) -> ConfigTask:
        """Run a task with everything it needs, as ``law run`` does; raise if anything fails."""
        self.new_process()
        task = self.task(cls, **params)
        failures: list[Exception] = []
        remove = ConfigTask.event_handler(luigi.Event.FAILURE)(lambda _, error: failures.append(error))
        try:
            done = luigi.build([task], local_scheduler=True, workers=1, log_level="ERROR", no_lock=True)
        finally:
            ConfigTask.remove_event_handler(luigi.Event.FAILURE, remove)
        if failures:
            raise failures[0]
        assert done
        self.new_process()
        return self.task(cls, **params)

    def times(self) -> dict[str, int]:
        """Return when each artefact was written."""
        files = [path for path in self.data.rglob("*.json") if not any(p.startswith(".") for p in path.parts)]
        return {str(path.relative_to(self.data)): path.stat().st_mtime_ns for path in files}

    def records(self) -> dict[str, int]:
        """Return when each task, or branch, last ran."""
        files = self.data.glob("v1/mine/*/.resources/*.json")
        return {f"{path.parts[-3]}/{path.stem}": path.stat().st_mtime_ns for path in files}

    def parts(self) -> list[Path]:
        return list(self.data.rglob(".part-*"))


def why(task):
    """Return the reasons of all outputs, None for those up to date."""
    return [task.why_stale(target) for target in leaves(task.output())]


def in_a_killed_process(work):
    """Call ``work`` in a process that ends by SIGKILL in it."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)
    assert os.WTERMSIG(status) == signal.SIGKILL


def kill():
    os.kill(os.getpid(), signal.SIGKILL)
