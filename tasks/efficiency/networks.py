"""Networks of efficiencies: trainings, ensembles, and efficiencies of all models at all jets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from deepsf.config.efficiency.networks import NetworkName
from tasks.efficiency.events import TRAIN, EfficiencyTask, SampleWorkflow
from tasks.efficiency.maps import BuildEfficiencyMaps
from tasks.framework.abstract import only_inherited
from tasks.framework.members import EnsembleWorkflow
from tasks.framework.progress import ProgressLine, checkpoint_of
from tasks.framework.targets import leaves, staged
from tasks.framework.workflows import Workflow


class Member(NamedTuple):
    """One training: a network, its number among those of its kind, and the fold of the events that it sees."""

    model: NetworkName
    number: int
    fold: int | None = None

    @property
    def stem(self) -> str:
        """Name in files."""
        fold = "" if self.fold is None else f"_fold{self.fold}"
        return f"{self.model}{fold}_{self.number}"


@only_inherited
class EfficiencyTraining(EfficiencyTask, Workflow):
    """Base of the trainings of efficiency networks: one member per branch, with its history."""

    code_version = 5
    keeps_replaced = True
    uses_networks = True

    @property
    def config_keys(self) -> tuple[str, ...]:
        """Declare of the networks' settings those of the branch's own alone."""
        return (f"efficiency.models.{self.member().model}", "efficiency.ensemble.seed")

    def member(self) -> Member:
        """Return what the branch trains."""
        return self.branch_data

    def workflow_requires(self) -> dict[str, Any]:
        return {**super().workflow_requires(), "events": self.req_events(TRAIN)}

    def requires(self) -> Any:
        return self.req_events(TRAIN)

    def own_parameters(self) -> dict[str, Any]:
        return self.member()._asdict()

    def output(self) -> Any:
        stem = self.member().stem
        return {
            "member": self.target(f"member_{stem}.safetensors"),
            "history": self.target(f"history_{stem}.json"),
        }

    def kept_between_attempts(self) -> tuple[Path, ...]:
        return (self.folder() / f".checkpoint_{self.member().stem}.safetensors",)

    def run(self) -> None:
        from deepsf.efficiency.events.folds import Fold
        from deepsf.efficiency.networks.ensemble import save_member
        from deepsf.efficiency.networks.training import member_seed, train_member

        member = self.member()
        checkpoint = checkpoint_of(self, member.stem)
        network, history = train_member(
            self.load_events(TRAIN),
            member.model,
            self.cfg(f"efficiency.models.{member.model}"),
            member_seed(self.cfg("efficiency.ensemble.seed"), *member),
            fold=None if member.fold is None else Fold(member.fold),
            report=ProgressLine(self, member.stem),
            checkpoint=checkpoint,
        )
        with staged(self.output()["member"], self.output()["history"]) as (weights, record):
            save_member(weights, network)
            record.write_text(json.dumps(history, sort_keys=True, allow_nan=False))
        checkpoint.remove()


class TrainEfficiency(EfficiencyTraining, EnsembleWorkflow):
    """Trains the ensemble: members of one network, each with its own initialisation and Poisson bootstrap of events."""

    members_key = "efficiency.ensemble.n_members"

    def member(self) -> Member:
        return Member(self.plan_cfg("efficiency.ensemble.model"), self.branch_data)


class TrainEfficiencyComparisons(EfficiencyTraining):
    """Trains a few members of each network that the ensemble is compared with."""

    def create_branch_map(self) -> dict[int, Member]:
        wanted = self.plan_cfg("efficiency.comparisons")
        return dict(enumerate(Member(name, number) for name in sorted(wanted) for number in range(wanted[name])))


class TrainEfficiencyFolds(EfficiencyTraining):
    """Trains the members of the cross-fit, each on one half of the events; they evaluate the other half."""

    code_version = 5

    def create_branch_map(self) -> dict[int, Member]:
        model = self.plan_cfg("efficiency.ensemble.model")
        numbers = range(self.plan_cfg("efficiency.cross_fit.n_members"))
        return dict(enumerate(Member(model, number, fold) for fold in (0, 1) for number in numbers))


class AggregateEfficiency(EfficiencyTask):
    """Joins the members of each network in one file, which gives mean and spread of efficiencies."""

    code_version = 3
    keeps_replaced = True
    config_keys = ("efficiency.ensemble", "efficiency.comparisons")

    def requires(self) -> Any:
        required = {"ensemble": TrainEfficiency.req(self), "folds": TrainEfficiencyFolds.req(self)}
        if self.plan_cfg("efficiency.comparisons"):
            required["comparisons"] = TrainEfficiencyComparisons.req(self)
        return required

    def output(self) -> Any:
        names = (*self.networks(), *(f"fold{fold}" for fold in (0, 1)))
        return {name: self.target(f"{name}.safetensors") for name in names}

    def run(self) -> None:
        from deepsf.efficiency.networks.ensemble import EfficiencyEnsemble, load_member

        outputs = self.output()
        with staged(*outputs.values()) as paths:
            for name, path in zip(outputs, paths, strict=True):
                EfficiencyEnsemble.of([load_member(member) for member in self._members(name)]).save(path)

    def networks(self) -> tuple[str, ...]:
        """Return the networks: the ensemble's first, then those it is compared with."""
        return self.plan_cfg("efficiency.ensemble.model"), *sorted(self.plan_cfg("efficiency.comparisons"))

    def histories(self) -> dict[str, dict[int, Any]]:
        """Return the records of the trainings by network and number of the member."""
        return {
            name: {number: output["history"].read_json() for number, output in self._trained(name).items()}
            for name in self.networks()
        }

    def _members(self, name: str) -> list[Path]:
        return [output["member"].file for output in self._trained(name).values()]

    def _trained(self, name: str) -> dict[int, Any]:
        """Return the outputs of the trainings of a network, or of a fold, by number of the member."""
        required = self.requires()
        if name == self.networks()[0]:
            members: dict[int, Any] = required["ensemble"].members()
            return members
        workflow = required["folds" if name.startswith("fold") else "comparisons"]
        tasks = workflow.get_branch_tasks().values()
        kept = (task for task in tasks if name in (task.member().model, f"fold{task.member().fold}"))
        return {task.member().number: task.output() for task in kept}


class EvaluateEfficiency(SampleWorkflow):
    """Evaluates all models at all jets, one sample per branch; training events by members that never saw them."""

    code_version = 6
    uses_networks = True
    config_keys = ("efficiency.ensemble.model", "efficiency.comparisons")

    def workflow_requires(self) -> dict[str, Any]:
        return {
            **super().workflow_requires(),
            "aggregate": AggregateEfficiency.req(self),
            "maps": BuildEfficiencyMaps.req(self),
            "events": [self.req_events(sample) for sample in self.samples()],
        }

    def requires(self) -> Any:
        required = {"aggregate": AggregateEfficiency.req(self), "events": self.req_events(self.branch_data)}
        # maps were filled with the events that are trained on, and are not evaluated there
        return required if self.branch_data == TRAIN else {**required, "maps": BuildEfficiencyMaps.req(self)}

    def output(self) -> Any:
        return self.target(f"efficiencies_{self.branch_data}.safetensors")

    def run(self) -> None:
        from deepsf.efficiency import evaluation
        from deepsf.efficiency.maps.maps import EfficiencyMap
        from deepsf.efficiency.networks.ensemble import EfficiencyEnsemble

        files, events = self.input()["aggregate"], self.load_events(self.branch_data)
        ensemble, *others = self.requires()["aggregate"].networks()
        models = {}
        if self.branch_data == TRAIN:
            folds = [EfficiencyEnsemble.load(files[f"fold{fold}"].file) for fold in (0, 1)]
            models[ensemble] = evaluation.cross_fitted(folds, events)
        else:
            for name, target in self.input()["maps"].items():
                models[name] = evaluation.of_map(target.read_json(EfficiencyMap.from_json), events)
            for name in (*others, ensemble):
                network = EfficiencyEnsemble.load(files[name].file)
                models[name] = evaluation.of_ensemble(network, events, keep_members=name == ensemble)
        with staged(self.output()) as (path,):
            evaluation.write(path, models)


def evaluated(task: EfficiencyTask) -> dict[str, Path]:
    """Return the files of `EvaluateEfficiency` by sample."""
    workflow = EvaluateEfficiency.req(task, branch=-1)
    return dict(zip(task.samples(), (target.file for target in leaves(workflow.output())), strict=True))
