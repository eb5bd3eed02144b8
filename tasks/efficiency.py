"""Efficiency parametrisation: generated jets or jets of skims, maps, networks, and what they say at each sample's jets.

The default campaign of these tasks is ``efficiency_toy``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import luigi

from analysis.config import ConfigError
from analysis.config.efficiency import NetworkName
from tasks.base import ConfigTask
from tasks.members import EnsembleWorkflow
from tasks.provenance import digest
from tasks.skim import SkimNtuples
from tasks.targets import ProvenanceTarget, leaves, staged
from tasks.training import ProgressLine
from tasks.workflows import Workflow

if TYPE_CHECKING:
    from analysis.efficiency.events import JetEvents

TRAIN = "train"


class EfficiencyTask(ConfigTask):
    """Base of the efficiency tasks: which samples there are, and who makes their events.

    ``sections``: of the configuration, those without which the task makes no sense, though others do.
    """

    exclude_index = True
    config = luigi.Parameter(default="efficiency_toy", description=ConfigTask.config.description)
    sections: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for section in self.sections:
            self._require(section)

    def _require(self, section: str) -> None:
        if self.plan_cfg(section) is None:
            way_out = f"write {section}: {{}}" if self.is_toy() else "choose one of generated jets with --config"
            raise ConfigError(f"the configuration has no section {section}, which {self.task_family} needs; {way_out}")

    def is_toy(self) -> bool:
        """Return whether jets are generated; otherwise they come from the campaign's skims."""
        return self.plan_cfg("efficiency.toy") is not None

    def flavours(self) -> dict[str, Any]:
        """Return the flavours in the order of their index in events: the order of keys in a file has no meaning."""
        return dict(sorted(self.cfg("flavours").items()))

    def hadron_flavours(self) -> dict[str, tuple[int, ...]]:
        """Return the codes of each flavour."""
        return {name: flavour.hadron_flavours for name, flavour in self.flavours().items()}

    def samples(self) -> tuple[str, ...]:
        """Return the samples: one to train on, one to test, and generated jets of another process."""
        return (TRAIN, "test", "scalar") if self.is_toy() else (TRAIN, "test")

    def req_events(self, sample: str) -> Any:
        """Return the task that makes the events of a sample."""
        if self.is_toy():
            return GenerateEfficiencyToy.req(self, branch=self.samples().index(sample))
        return CollectJetEvents.req(self)

    def events_target(self, sample: str) -> ProvenanceTarget:
        """Return the file with the events of a sample."""
        output = self.req_events(sample).output()
        return output["events"] if self.is_toy() else output[sample]

    def load_events(self, sample: str) -> JetEvents:
        """Return the events of a sample; the task requires `req_events` of it."""
        from analysis.efficiency.events import JetEvents

        return JetEvents.read(self.events_target(sample).file).check(f"sample {sample}")


class GenerateEfficiencyToy(EfficiencyTask, Workflow):
    """Generated jets, a branch a sample: the events, and their true efficiencies in a file of their own."""

    sections = ("efficiency.toy",)
    config_keys = ("flavours", "efficiency.toy")

    def create_branch_map(self) -> dict[int, str]:
        return dict(enumerate(self.samples()))

    def own_parameters(self) -> dict[str, Any]:
        return {"sample": self.branch_data}

    def output(self) -> Any:
        return {kind: self.target(f"{kind}_{self.branch_data}.parquet") for kind in ("events", "truth")}

    def used_output(self) -> Any:
        """Return the events alone: the truth is an input of the audit, which says so itself."""
        outputs = [self.output()] if self.is_branch() else self.output()["collection"].targets.values()
        return [output["events"] for output in outputs]

    def run(self) -> None:
        from analysis.efficiency.toy import generate

        events, truth = generate(self.cfg("efficiency.toy"), tuple(self.flavours()), self.branch_data)
        with staged(self.output()["events"], self.output()["truth"]) as (events_path, truth_path):
            events.write(events_path)
            truth.write(truth_path)


class CollectJetEvents(EfficiencyTask):
    """Jets of simulated events that were skimmed: tag bits at the working points, all jets of an event together."""

    config_keys = (
        "samples",
        "flavours",
        "tagger",
        "campaign.luminosity_ifb",
        "efficiency.working_points",
        "efficiency.split",
    )

    def requires(self) -> Any:
        return SkimNtuples.req(self)

    def output(self) -> Any:
        return {sample: self.target(f"events_{sample}.parquet") for sample in self.samples()}

    def run(self) -> None:
        from analysis.efficiency.skims import jet_events
        from tasks.inputs import skimmed

        events = jet_events(
            skimmed(self.input(), "jets"),
            samples=self.cfg("samples"),
            flavours=self.flavours(),
            tagger=self.cfg("tagger"),
            working_points=self.cfg("efficiency.working_points"),
            luminosity_ifb=self.cfg("campaign.luminosity_ifb"),
            split=self.cfg("efficiency.split"),
        )
        with staged(*self.output().values()) as paths:
            for sample, path in zip(self.output(), paths, strict=True):
                events[sample].write(path)


class BuildEfficiencyMaps(EfficiencyTask):
    """Efficiencies in bins of flavour, pT and eta, and of the distance to the closest jet."""

    config_keys = ("efficiency.maps",)

    def requires(self) -> Any:
        return self.req_events(TRAIN)

    def output(self) -> Any:
        return {name: self.target(f"{name}.json") for name in ("map", "map_delta_r")}

    def run(self) -> None:
        from analysis.efficiency.maps import EfficiencyMap

        events = self.load_events(TRAIN)
        with staged(*self.output().values()) as paths:
            for name, path in zip(self.output(), paths, strict=True):
                found = EfficiencyMap.fit(events, self.cfg("efficiency.maps"), delta_r=name == "map_delta_r")
                path.write_text(found.to_json())


# --- networks


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


class EfficiencyTraining(EfficiencyTask, Workflow):
    """Trainings of efficiency networks, a branch a member."""

    exclude_index = True
    keeps_replaced = True

    @property
    def config_keys(self) -> tuple[str, ...]:  # type: ignore[override]
        """Of the networks' settings those of the branch's own alone."""
        return (f"efficiency.models.{self.member().model}", "efficiency.ensemble.seed")

    def member(self) -> Member:
        """Return what the branch trains."""
        raise NotImplementedError

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
        from analysis.cpu import prepare_process
        from analysis.efficiency.aggregate import fold_of_events
        from analysis.efficiency.ensemble import save_member
        from analysis.efficiency.training import member_seed, train_member
        from analysis.training.checkpoint import Checkpoint

        prepare_process()
        member, (state,) = self.member(), self.kept_between_attempts()
        checkpoint = Checkpoint(
            state,
            key=digest(self.inputs_now()),
            # not through cfg: how often a state is saved changes no result
            every_s=60 * self.plan_cfg("htcondor.checkpoint_minutes"),
            tell=lambda line: self.publish_message(f"{member.stem}: {line}"),
        )
        events = self.load_events(TRAIN)
        if member.fold is not None:
            events = events.select(fold_of_events(events) == member.fold)
        network, history = train_member(
            events,
            member.model,
            self.cfg(f"efficiency.models.{member.model}"),
            member_seed(self.cfg("efficiency.ensemble.seed"), *member),
            report=ProgressLine(self, member.stem),
            checkpoint=checkpoint,
        )
        with staged(self.output()["member"], self.output()["history"]) as (weights, record):
            save_member(weights, network)
            record.write_text(json.dumps(history, sort_keys=True))
        checkpoint.remove()


class TrainEfficiency(EfficiencyTraining, EnsembleWorkflow):
    """The ensemble: members of one network, each with its own initialisation and Poisson bootstrap by event."""

    members_key = "efficiency.ensemble.n_members"

    def member(self) -> Member:
        return Member(self.plan_cfg("efficiency.ensemble.model"), self.branch_data)


class TrainEfficiencyComparisons(EfficiencyTraining):
    """A few members of each network that the ensemble is compared with."""

    def create_branch_map(self) -> dict[int, Member]:
        wanted = self.plan_cfg("efficiency.comparisons")
        return dict(enumerate(Member(name, number) for name in sorted(wanted) for number in range(wanted[name])))

    def member(self) -> Member:
        return self.branch_data


class TrainEfficiencyFolds(EfficiencyTraining):
    """Members that see half of the events each, for the events of the other half."""

    def create_branch_map(self) -> dict[int, Member]:
        model = self.plan_cfg("efficiency.ensemble.model")
        numbers = range(self.plan_cfg("efficiency.cross_fit.n_members"))
        return dict(enumerate(Member(model, number, fold) for fold in (0, 1) for number in numbers))

    def member(self) -> Member:
        return self.branch_data


class AggregateEfficiency(EfficiencyTask):
    """Members of each network in one file to evaluate: mean and spread of efficiencies."""

    config_keys = ("efficiency.ensemble", "efficiency.comparisons")
    keeps_replaced = True

    def requires(self) -> Any:
        required = {"ensemble": TrainEfficiency.req(self), "folds": TrainEfficiencyFolds.req(self)}
        if self.plan_cfg("efficiency.comparisons"):
            required["comparisons"] = TrainEfficiencyComparisons.req(self)
        return required

    def output(self) -> Any:
        names = (*self.networks(), *(f"fold{fold}" for fold in (0, 1)))
        return {name: self.target(f"{name}.safetensors") for name in names}

    def networks(self) -> tuple[str, ...]:
        """Return the networks: the ensemble's first, then those it is compared with."""
        return self.plan_cfg("efficiency.ensemble.model"), *sorted(self.plan_cfg("efficiency.comparisons"))

    def _members(self, name: str) -> list[Path]:
        required = self.requires()
        if name == self.networks()[0]:
            return [output["member"].file for output in required["ensemble"].members().values()]
        workflow = required["folds" if name.startswith("fold") else "comparisons"]
        tasks = workflow.get_branch_tasks().values()
        kept = (task for task in tasks if name in (task.member().model, f"fold{task.member().fold}"))
        return [task.output()["member"].file for task in kept]

    def run(self) -> None:
        from analysis.efficiency.ensemble import EfficiencyEnsemble, load_member

        outputs = self.output()
        with staged(*outputs.values()) as paths:
            for name, path in zip(outputs, paths, strict=True):
                EfficiencyEnsemble.of([load_member(member) for member in self._members(name)]).save(path)


class EvaluateEfficiency(EfficiencyTask, Workflow):
    """Efficiencies of all models at the jets of a sample, a branch a sample; cross-fitted on events trained on."""

    code_version = 2
    config_keys = ("efficiency.ensemble.model", "efficiency.comparisons")

    def create_branch_map(self) -> dict[int, str]:
        return dict(enumerate(self.samples()))

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

    def own_parameters(self) -> dict[str, Any]:
        return {"sample": self.branch_data}

    def output(self) -> Any:
        return self.target(f"efficiencies_{self.branch_data}.safetensors")

    def run(self) -> None:
        from analysis.cpu import prepare_process
        from analysis.efficiency import aggregate
        from analysis.efficiency.ensemble import EfficiencyEnsemble
        from analysis.efficiency.maps import EfficiencyMap

        prepare_process()
        files, events = self.input()["aggregate"], self.load_events(self.branch_data)
        ensemble, *others = self.requires()["aggregate"].networks()
        models = {}
        if self.branch_data == TRAIN:
            folds = [EfficiencyEnsemble.load(files[f"fold{fold}"].file) for fold in (0, 1)]
            models[ensemble] = aggregate.cross_fitted(folds, events)
        else:
            for name, target in self.input()["maps"].items():
                models[name] = aggregate.of_map(EfficiencyMap.from_json(target.file.read_text()), events)
            for name in (*others, ensemble):
                network = EfficiencyEnsemble.load(files[name].file)
                models[name] = aggregate.of_ensemble(network, events, keep_members=name == ensemble)
        with staged(self.output()) as (path,):
            aggregate.write(path, models)


def truth_targets(task: EfficiencyTask, samples: Iterable[str]) -> dict[str, ProvenanceTarget]:
    """Return the files with the true efficiencies of samples; none for jets of skims."""
    if not task.is_toy():
        return {}
    return {sample: task.req_events(sample).output()["truth"] for sample in samples}


def evaluated(task: EfficiencyTask) -> dict[str, Path]:
    """Return the files of `EvaluateEfficiency` by sample."""
    workflow = EvaluateEfficiency.req(task, branch=-1)
    return dict(zip(task.samples(), (target.file for target in leaves(workflow.output())), strict=True))
