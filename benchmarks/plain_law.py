"""The main job's graph as law alone has it: the same tasks, requirements, branches and files; what exists is complete.

`benchmarks/workflow.py` compares with it. ``--config`` is a YAML file that lists the branches: ``ntuples`` (stems),
``skims`` (pairs of sample and stem), ``n_members``, ``regions``, and the names of exported files and of figures.
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
def campaign(path: str) -> dict[str, Any]:
    """Return the configuration."""
    return dict(yaml.safe_load(Path(path).read_text()))


class Task(law.Task):
    """Base of all tasks: paths, and a run that writes something."""

    version = luigi.Parameter()
    config = luigi.Parameter()
    exclude_index = True

    @property
    def campaign(self) -> dict[str, Any]:
        """The configuration."""
        return campaign(self.config)

    def target(self, *names: str) -> law.LocalFileTarget:
        """Return an output."""
        place = (os.environ["PLAIN_DATA"], self.version, Path(self.config).stem, self.task_family)
        return law.LocalFileTarget(str(Path(*place, *names)))

    def run(self) -> None:
        """Write all outputs."""
        for output in law.util.flatten(self.output()):
            output.dump(self.task_family, formatter="text")


class Workflow(Task, law.LocalWorkflow, law.htcondor.HTCondorWorkflow):
    """Base of all workflows."""

    exclude_index = True

    def htcondor_output_directory(self) -> law.LocalDirectoryTarget:
        """Return where logs go."""
        return law.LocalDirectoryTarget(str(Path(self.target("htcondor").abspath)))

    def htcondor_bootstrap_file(self) -> law.JobInputFile:
        """Return what sets up a job."""
        return law.JobInputFile(os.environ["PLAIN_BOOTSTRAP"], share=True)


class TuneGenerator(Task):
    """Composition."""

    def output(self) -> Any:
        return self.target("composition.json")


class GenerateNtuples(Workflow):
    """Input files."""

    def create_branch_map(self) -> dict[int, Any]:
        return dict(enumerate(self.campaign["ntuples"]))

    def workflow_requires(self) -> dict[str, Any]:
        return {**super().workflow_requires(), "composition": TuneGenerator.req(self)}

    def requires(self) -> Any:
        return TuneGenerator.req(self)

    def output(self) -> Any:
        return self.target(f"{self.branch_data}.root")


class SkimNtuples(Workflow):
    """Skims."""

    def create_branch_map(self) -> dict[int, Any]:
        return dict(enumerate(self.campaign["skims"]))

    def workflow_requires(self) -> dict[str, Any]:
        required = super().workflow_requires()
        return {**required, "ntuples": GenerateNtuples.req(self, branch=-1)} if self.campaign["ntuples"] else required

    def requires(self) -> Any:
        return GenerateNtuples.req(self, branch=self.branch) if self.campaign["ntuples"] else []

    def output(self) -> Any:
        sample, stem = self.branch_data
        return {kind: self.target(sample, f"{stem}_{kind}.parquet") for kind in ("entries", "jets")}


class ReportCutFlow(Task):
    """Cut flow."""

    def requires(self) -> Any:
        return SkimNtuples.req(self)

    def output(self) -> Any:
        return self.target("cut_flow.txt")


class SampleInclusiveJets(Task):
    """Inclusive jets."""

    def requires(self) -> Any:
        return SkimNtuples.req(self)

    def output(self) -> Any:
        return self.target("inclusive.parquet")


class MeasureBinnedSF(Task):
    """Binned scale factors."""

    def requires(self) -> Any:
        return {"skims": SkimNtuples.req(self), "inclusive": SampleInclusiveJets.req(self)}

    def output(self) -> Any:
        return self.target("binned.json")


class TrainDeepSF(Workflow):
    """Members."""

    def create_branch_map(self) -> dict[int, Any]:
        return dict(enumerate(range(self.campaign["n_members"])))

    def workflow_requires(self) -> dict[str, Any]:
        return {**super().workflow_requires(), **self.requires_from_branch()}

    def requires(self) -> Any:
        return {"skims": SkimNtuples.req(self, branch=-1), "inclusive": SampleInclusiveJets.req(self)}

    def output(self) -> Any:
        return {
            "member": self.target(f"member_{self.branch}.safetensors"),
            "history": self.target(f"history_{self.branch}.json"),
        }


class AggregateDeepSF(Task):
    """Ensemble."""

    def requires(self) -> Any:
        return {
            "members": TrainDeepSF.req(self),
            "skims": SkimNtuples.req(self),
            "binned": MeasureBinnedSF.req(self),
        }

    def output(self) -> Any:
        names = [f"entries_{region}.parquet" for region in self.campaign["regions"]]
        return [self.target(name) for name in ("ensemble.safetensors", "bins.json", "grid.json", *names)]


class AuditScaleFactors(Task):
    """Audit."""

    def requires(self) -> Any:
        return {
            "skims": SkimNtuples.req(self),
            "inclusive": SampleInclusiveJets.req(self),
            "binned": MeasureBinnedSF.req(self),
            "deepsf": AggregateDeepSF.req(self),
        }

    def output(self) -> Any:
        return [self.target(f"{name}.json") for name in ("audit", "truth_overlay", "closure")]


class ExportScaleFactors(Task):
    """Files for analyses."""

    def requires(self) -> Any:
        return {
            "skims": SkimNtuples.req(self),
            "binned": MeasureBinnedSF.req(self),
            "deepsf": AggregateDeepSF.req(self),
            "inclusive": SampleInclusiveJets.req(self),
        }

    def output(self) -> Any:
        return [self.target(name) for name in self.campaign["exports"]]


class PlotScaleFactors(Task):
    """Figures of scale factors."""

    def requires(self) -> Any:
        return {
            "binned": MeasureBinnedSF.req(self),
            "members": TrainDeepSF.req(self),
            "deepsf": AggregateDeepSF.req(self),
            "audit": AuditScaleFactors.req(self),
        }

    def output(self) -> Any:
        names = self.campaign["scale_factor_figures"]
        return [self.target(f"{name}.{kind}") for name in names for kind in ("pdf", "png")]


class PlotClosure(Task):
    """Figures of closure."""

    def requires(self) -> Any:
        return AuditScaleFactors.req(self)

    def output(self) -> Any:
        names = self.campaign["closure_figures"]
        return [self.target(f"{name}.{kind}") for name in names for kind in ("pdf", "png")]


class ProduceDeepSFEnsemble(Task):
    """All; complete if the output of every task is there.

    law itself looks at this task's own file alone, and never again at those that it was made from. The one question
    that both sides can be asked is whether everything is there; so every task is asked, once.
    """

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

    def requires(self) -> Any:
        return {
            "cut_flow": ReportCutFlow.req(self),
            "audit": AuditScaleFactors.req(self),
            "exports": ExportScaleFactors.req(self),
            "scale_factors": PlotScaleFactors.req(self),
            "closure": PlotClosure.req(self),
        }

    def output(self) -> Any:
        return self.target("summary.txt")
