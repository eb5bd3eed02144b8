"""The main job's graph as law alone has it: the same tasks, requirements, branches and files; what exists is complete.

`benchmarks/workflow.py` compares with it. The file ``PLAIN_GRAPH`` names for each task that is no workflow what it
requires and writes. ``--config`` is a YAML file with the branches: ``ntuples`` (stems), ``skims`` (pairs of sample and
stem) and ``n_members``.
"""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Any

import law
import luigi
import yaml

law.contrib.load("htcondor")


@functools.cache
def read(path: str) -> dict[str, Any]:
    """Return the content of a YAML file."""
    return dict(yaml.safe_load(Path(path).read_text()))


GRAPH = read(os.environ["PLAIN_GRAPH"])


class Task(law.Task):
    """Base of all tasks."""

    version = luigi.Parameter()
    config = luigi.Parameter()
    exclude_index = True

    def target(self, *names: str) -> law.LocalFileTarget:
        """Return an output."""
        place = (os.environ["PLAIN_DATA"], self.version, Path(self.config).stem, self.task_family)
        return law.LocalFileTarget(str(Path(*place, *names)))

    def requires(self) -> Any:
        return [globals()[family].req(self) for family in GRAPH[self.task_family]["requires"]]

    def output(self) -> Any:
        return [self.target(name) for name in GRAPH[self.task_family]["files"]]

    def run(self) -> None:
        for output in law.util.flatten(self.output()):
            output.dump(self.task_family, formatter="text")


class Top(Task):
    """A task that is complete if the outputs of all tasks above it are there.

    law itself looks at a task's own files, and never again at those that they were made from. The one question that
    both sides can be asked is whether everything is there; so every task is asked, once.
    """

    exclude_index = True

    def complete(self) -> bool:
        if os.environ.get("PLAIN_TOP_ALONE"):
            return bool(super().complete())
        tasks: dict[str, law.Task] = {}
        todo = law.util.flatten(self.requires())
        while todo:
            task = todo.pop()
            if task.task_id not in tasks:
                tasks[task.task_id] = task
                todo += law.util.flatten(task.requires())
        return bool(super().complete()) and all(task.complete() for task in tasks.values())


for _family in GRAPH:
    globals()[_family] = type(_family, (Top if _family.startswith("Produce") else Task,), {"__module__": __name__})


class Workflow(Task, law.LocalWorkflow, law.htcondor.HTCondorWorkflow):
    """Base of all workflows."""

    exclude_index = True

    @property
    def campaign(self) -> dict[str, Any]:
        """The configuration."""
        return read(self.config)

    def htcondor_output_directory(self) -> law.LocalDirectoryTarget:
        return law.LocalDirectoryTarget(self.target("htcondor").abspath)

    def htcondor_bootstrap_file(self) -> law.JobInputFile:
        return law.JobInputFile(os.environ["PLAIN_BOOTSTRAP"], share=True)


class GenerateNtuples(Workflow):
    """Input files."""

    def create_branch_map(self) -> dict[int, Any]:
        return dict(enumerate(self.campaign["ntuples"]))

    def workflow_requires(self) -> dict[str, Any]:
        return {**super().workflow_requires(), "composition": globals()["TuneGenerator"].req(self)}

    def requires(self) -> Any:
        return globals()["TuneGenerator"].req(self)

    def output(self) -> Any:
        return self.target(f"{self.branch_data}.root")


class SkimNtuples(Workflow):
    """Skims."""

    def create_branch_map(self) -> dict[int, Any]:
        return dict(enumerate(self.campaign["skims"]))

    def workflow_requires(self) -> dict[str, Any]:
        return {**super().workflow_requires(), "ntuples": GenerateNtuples.req(self, branch=-1)}

    def requires(self) -> Any:
        return GenerateNtuples.req(self, branch=self.branch)

    def output(self) -> Any:
        sample, stem = self.branch_data
        return {kind: self.target(sample, f"{stem}_{kind}.parquet") for kind in ("entries", "jets")}


class TrainDeepSF(Workflow):
    """Members."""

    def create_branch_map(self) -> dict[int, Any]:
        return dict(enumerate(range(self.campaign["n_members"])))

    def workflow_requires(self) -> dict[str, Any]:
        return {**super().workflow_requires(), **self.requires_from_branch()}

    def requires(self) -> Any:
        inclusive = globals()["SampleInclusiveJets"].req(self)
        return {"skims": SkimNtuples.req(self, branch=-1), "inclusive": inclusive}

    def output(self) -> Any:
        return {
            "member": self.target(f"member_{self.branch}.safetensors"),
            "history": self.target(f"history_{self.branch}.json"),
        }
