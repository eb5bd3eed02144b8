"""Experiments on the toy of efficiencies: coverage of errors, networks trained in other ways, known scale factors."""

from __future__ import annotations

from typing import Any

from deepsf.config.efficiency.toy import EfficiencyToy
from deepsf.json_text import json_text
from tasks.efficiency.events import EfficiencyTask
from tasks.framework.targets import staged
from tasks.framework.workflows import Workflow

_TOY_KEYS = tuple(
    f"efficiency.toy.{key}" for key in EfficiencyToy.model_fields if key not in ("n_train", "n_test", "scalar")
)
"""What experiments with samples of their own depend on: not on the sizes of the toy's samples."""


def toy_of_experiments(task: EfficiencyTask) -> EfficiencyToy:
    """Return the toy with the default sizes of its samples: a change of these repeats no experiment."""
    return EfficiencyToy(**{key.rsplit(".", maxsplit=1)[-1]: task.cfg(key) for key in _TOY_KEYS})


class RunCoverageReplicas(EfficiencyTask):
    """Tests whether errors of truth-tagged yields cover, on many small samples with maps of their own."""

    sections = ("efficiency.toy",)
    config_keys = (
        "flavours",
        *_TOY_KEYS,
        "efficiency.maps",
        *(f"efficiency.audit.{key}" for key in ("n_replicas", "n_replica_events", "seed")),
    )

    def output(self) -> Any:
        return self.target("coverage.json")

    def run(self) -> None:
        from deepsf.efficiency.audit.coverage import coverage

        found = coverage(
            toy_of_experiments(self),
            tuple(self.flavours()),
            self.cfg("efficiency.maps"),
            n_replicas=self.cfg("efficiency.audit.n_replicas"),
            n_events=self.cfg("efficiency.audit.n_replica_events"),
            seed=self.cfg("efficiency.audit.seed"),
        )
        with staged(self.output()) as (path,):
            path.write_text(json_text(found))


class RunEfficiencyExperiments(EfficiencyTask, Workflow):
    """Trains the ensemble's network in other ways, one experiment per branch, and writes rows for the audit.

    With a weight mu for untagged jets, on a toy with a hidden variable, on several working points.
    """

    code_version = 5
    sections = ("efficiency.toy", "efficiency.experiments")
    uses_networks = True

    @property
    def config_keys(self) -> tuple[str, ...]:
        """Declare of the experiments' settings those of the branch's own alone."""
        model = self.plan_cfg("efficiency.ensemble.model")
        own = (f"efficiency.experiments.{key}" for key in ("seed", "n_events", self.branch_data))
        network = ("efficiency.ensemble.model", f"efficiency.models.{model}")
        return ("flavours", "efficiency.toy", *network, *own, "efficiency.audit.delta_r")

    def create_branch_map(self) -> dict[int, str]:
        from deepsf.config.efficiency.experiments import experiments_of

        return dict(enumerate(experiments_of(self.plan_cfg("efficiency.toy"))))

    def own_parameters(self) -> dict[str, Any]:
        return {"experiment": self.branch_data}

    def output(self) -> Any:
        return self.target(f"{self.branch_data}.json")

    def run(self) -> None:
        import numpy as np

        from deepsf.efficiency.audit.experiments import ExperimentSetup, run_experiment

        name, model = self.branch_data, self.cfg("efficiency.ensemble.model")
        setup = ExperimentSetup(
            toy=self.cfg("efficiency.toy"),
            flavours=tuple(self.flavours()),
            model=model,
            training=self.cfg(f"efficiency.models.{model}"),
            n_events=self.cfg("efficiency.experiments.n_events"),
            seed=self.cfg("efficiency.experiments.seed"),
            delta_r=np.array(self.cfg("efficiency.audit.delta_r")),
        )
        rows = run_experiment(name, self.cfg(f"efficiency.experiments.{name}"), setup)
        with staged(self.output()) as (path,):
            path.write_text(json_text(rows))


class MeasureEfficiencySF(EfficiencyTask):
    """Measures scale factors of tag bins by density ratios, on pseudo-data of the toy in mixed regions."""

    code_version = 3
    sections = ("efficiency.toy", "efficiency.ratio")
    uses_networks = True
    config_keys = ("flavours", *_TOY_KEYS, "efficiency.ratio")

    def output(self) -> Any:
        return self.target("scale_factors.json")

    def run(self) -> None:
        from deepsf.efficiency.ratio.experiment import measure_on_toy

        found = measure_on_toy(toy_of_experiments(self), self.flavours(), self.cfg("efficiency.ratio"))
        with staged(self.output()) as (path,):
            path.write_text(json_text(found))
