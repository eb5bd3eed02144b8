"""Events of jets, generated or from skims, on which efficiencies are measured; what all tasks on them share."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import luigi

from deepsf.config import ConfigError
from deepsf.config.flavours import hadron_flavours
from tasks.framework import settings
from tasks.framework.abstract import only_inherited
from tasks.framework.base import ConfigTask
from tasks.framework.sample_files import event_files
from tasks.framework.targets import ProvenanceTarget, staged
from tasks.framework.workflows import Workflow
from tasks.skim import SkimNtuples, skimmed

if TYPE_CHECKING:
    from deepsf.efficiency.events.events import JetEvents

TRAIN = "train"
_OF_FILES = ("tree", "columns", "working_points")
"""What decides how files are read."""


@only_inherited
class EfficiencyTask(ConfigTask):
    """Base of the tasks of efficiencies: which samples there are, and which task makes their events.

    Their default campaign is ``efficiency_toy``.
    """

    config = luigi.Parameter(default="efficiency_toy", description=ConfigTask.config.description)
    sections: ClassVar[tuple[str, ...]] = ()
    """Optional sections of the configuration without which the task makes no sense."""

    def check(self) -> None:
        super().check()
        for section in self.sections:
            if self.plan_cfg(section) is None:
                need = f"the configuration has no section {section}, which {self.task_family} needs"
                way_out = f"write {section}: {{}}" if self.is_toy() else "choose one of generated jets with --config"
                raise ConfigError(f"{need}; {way_out}")

    def is_toy(self) -> bool:
        """Return whether jets are generated."""
        return self.plan_cfg("efficiency.toy") is not None

    def is_of_files(self) -> bool:
        """Return whether events are read from files; those that are not, nor generated, come from skims."""
        return self.plan_cfg("efficiency.events") is not None

    def is_alone(self) -> bool:
        """Return whether the campaign is of efficiencies alone, with neither tagger nor luminosity."""
        return self.is_toy() or self.is_of_files()

    def transfer_samples(self) -> tuple[str, ...]:
        """Return the samples of other processes that the configuration names; they are never trained on."""
        names: tuple[str, ...] = self.plan_cfg("efficiency").transfer_names
        return names

    def flavours(self) -> dict[str, Any]:
        """Return the flavours in the order of their index in events: the order of keys in a file has no meaning."""
        return dict(sorted(self.cfg("flavours").items()))

    def hadron_flavours(self) -> dict[str, tuple[int, ...]]:
        """Return the codes of each flavour."""
        return hadron_flavours(self.flavours())

    def samples(self) -> tuple[str, ...]:
        """Return the samples: one to train on, one to test, and those of other processes."""
        return (TRAIN, "test", "scalar") if self.is_toy() else (TRAIN, "test", *self.transfer_samples())

    def req_events(self, sample: str) -> Any:
        """Return the task that makes the events of a sample."""
        if self.is_toy():
            return GenerateEfficiencyToy.req(self, branch=self.samples().index(sample))
        return ReadJetEvents.req(self) if self.is_of_files() else CollectJetEvents.req(self)

    def events_target(self, sample: str) -> ProvenanceTarget:
        """Return the file with the events of a sample."""
        output = self.req_events(sample).output()
        return output["events"] if self.is_toy() else output[sample]

    def load_events(self, sample: str) -> JetEvents:
        """Return the events of a sample; the task requires `req_events` of it."""
        from deepsf.efficiency.events.events import JetEvents

        return JetEvents.read(self.events_target(sample).file).check(f"sample {sample}")


@only_inherited
class SampleWorkflow(EfficiencyTask, Workflow):
    """Base of the tasks with one sample per branch."""

    def create_branch_map(self) -> dict[int, str]:
        return dict(enumerate(self.samples()))

    def own_parameters(self) -> dict[str, Any]:
        return {"sample": self.branch_data}


class GenerateEfficiencyToy(SampleWorkflow):
    """Generates jets, one sample per branch: the events, and in a separate file the true efficiencies."""

    code_version = 3
    sections = ("efficiency.toy",)
    config_keys = ("flavours", "efficiency.toy")

    def output(self) -> Any:
        return {kind: self.target(f"{kind}_{self.branch_data}.parquet") for kind in ("events", "truth")}

    def used_output(self) -> Any:
        """Return the events alone: the truth is an input of the audit, which says so itself."""
        outputs = [self.output()] if self.is_branch() else self.output()["collection"].targets.values()
        return [output["events"] for output in outputs]

    def run(self) -> None:
        from deepsf.efficiency.toy import generate

        events, truth = generate(self.cfg("efficiency.toy"), tuple(self.flavours()), self.branch_data)
        with staged(self.output()["events"], self.output()["truth"]) as (events_path, truth_path):
            events.write(events_path)
            truth.write(truth_path)


class CollectJetEvents(EfficiencyTask):
    """Collects the jets of skimmed events of simulation, event by event, with tag bits at the working points."""

    code_version = 4
    config_keys = (
        "samples",
        "flavours",
        "tagger",
        "campaign.luminosity_ifb",
        "efficiency.working_points",
        "efficiency.split",
        "efficiency.processes",
    )

    def requires(self) -> Any:
        return SkimNtuples.req(self)

    def output(self) -> Any:
        return {sample: self.target(f"events_{sample}.parquet") for sample in self.samples()}

    def run(self) -> None:
        from deepsf.efficiency.events.from_skims import jet_events

        events = jet_events(
            skimmed(self.input(), "jets"),
            samples=self.cfg("samples"),
            flavours=self.flavours(),
            tagger=self.cfg("tagger"),
            working_points=self.cfg("efficiency.working_points"),
            luminosity_ifb=self.cfg("campaign.luminosity_ifb"),
            split=self.cfg("efficiency.split"),
            processes=self.cfg("efficiency.processes"),
        )
        with staged(*self.output().values()) as paths:
            for sample, path in zip(self.output(), paths, strict=True):
                events[sample].write(path)


class ReadJetEvents(EfficiencyTask):
    """Reads the events of parquet or ROOT files, sample by sample, and checks every rule that they must keep."""

    @property
    def config_keys(self) -> tuple[str, ...]:
        """Leave out the names of files, whose content is the input, and the division where there is a test sample."""
        keys = ("flavours", "efficiency.working_points", *(f"efficiency.events.{key}" for key in _OF_FILES))
        return keys if self._has_test() else (*keys, "efficiency.split")

    def check(self) -> None:
        """Refuse files that are not there before anything runs."""
        super().check()
        event_files(self.config)

    def external_files(self) -> tuple[Path, ...]:
        return tuple(file for files in event_files(self.config).values() for file in files)

    def own_parameters(self) -> dict[str, Any]:
        """Return which files are of which sample."""
        files = event_files(self.config)
        return {"samples": {sample: [settings.name_of(file) for file in names] for sample, names in files.items()}}

    def output(self) -> Any:
        return {sample: self.target(f"events_{sample}.parquet") for sample in self.samples()}

    def run(self) -> None:
        from deepsf.efficiency.events.from_files import EventFormat, divided, events_of_files

        tree, columns, cuts = (self.cfg(f"efficiency.events.{key}") for key in _OF_FILES)
        given = EventFormat(self.hadron_flavours(), self.cfg("efficiency.working_points"), columns, cuts, tree)
        with staged(*self.output().values()) as paths:
            place = dict(zip(self.output(), paths, strict=True))
            for sample, files in event_files(self.config).items():
                if not files:
                    continue
                events = events_of_files([settings.local(file) for file in files], given, sample)
                self.publish_message(f"{sample}: {len(events)} events, {len(events.pt_gev)} jets")
                is_whole = sample != TRAIN or self._has_test()
                parts = {sample: events} if is_whole else divided(events, self.cfg("efficiency.split"))
                for name, part in parts.items():
                    part.write(place[name])

    def _has_test(self) -> bool:
        return bool(self.plan_cfg("efficiency.events.test"))


def truth_targets(task: EfficiencyTask, samples: Iterable[str]) -> dict[str, ProvenanceTarget]:
    """Return the files with the true efficiencies of samples; none for jets of skims."""
    if not task.is_toy():
        return {}
    return {sample: task.req_events(sample).output()["truth"] for sample in samples}
