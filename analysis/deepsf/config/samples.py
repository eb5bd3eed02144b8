"""Section of the samples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

from pydantic import Field, model_validator

from deepsf.config.base import Positive, Section, Source
from deepsf.config.campaign import Campaign, OnBadFile, RunRange
from deepsf.config.generator import Generator
from deepsf.config.jet_corrections import JetCorrections
from deepsf.config.jet_id import JetVeto
from deepsf.config.mismodelling import Process
from deepsf.config.pileup import Pileup
from deepsf.config.selection import CHANNELS, Channel, Selection, TriggerOfRuns, Triggers


class Sample(Section):
    """Input files of one process or one data set: named by patterns, or made by the generator."""

    kind: Literal["data", "simulation"] = Field(description="data, or simulation that is scaled to their luminosity")
    files: tuple[str, ...] = Field(
        default=(),
        description="NanoAOD files: paths, glob patterns, folders (all *.root below), lists of such entries (.txt, one "
        "a line), root:// and http(s):// addresses, and /store/... names if there are campaign.redirectors; may start "
        "with an environment variable",
    )
    generate: tuple[Process, ...] = Field(
        default=(), description="processes to generate; zcc: Z+jets whose two hardest jets are c jets"
    )
    channels: tuple[Channel, ...] = Field(default=CHANNELS, description="channels that this data set may fill")
    cross_section_pb: Positive | None = Field(default=None, description="cross section [pb]; simulation needs it")
    era: str | None = Field(
        default=None, description="data-taking period, if there are several: its data are compared with its simulation"
    )
    luminosity_ifb: Positive | None = Field(
        default=None, description="luminosity of the era's data [1/fb], to which its simulation is scaled"
    )
    pileup: Pileup | None = Field(default=None, description="pile-up weights of the era, instead of the campaign's")
    jet_corrections: JetCorrections | None = Field(
        default=None, description="jet corrections of the era, instead of the campaign's"
    )
    jet_veto: JetVeto | None = Field(default=None, description="veto map of the era, instead of the campaign's")
    triggers: dict[Channel, Triggers] | None = Field(
        default=None, description="HLT paths of this data set by channel, instead of selection.triggers"
    )
    certified: str | None = Field(
        default=None, description="JSON of the certified luminosity blocks of this data set, instead of the campaign's"
    )
    runs: tuple[RunRange, ...] = Field(
        default=(), description="ranges [first run, last run] of this data set, instead of the campaign's"
    )
    sum_weights: Literal["runs", "events"] | Positive = Field(
        default="runs",
        description="where the sum of generator weights comes from: the Runs trees, the stored events (right only for "
        "files that were never skimmed), or a number for all files of the sample together",
    )
    generator_weight: Literal["value", "sign"] = Field(
        default="value", description="generator weights as they are, or only their signs, for samples with huge weights"
    )
    missing_shifts: tuple[Source, ...] = Field(
        default=(),
        description="sources of weight shifts that this sample does not have, e.g. [genscale] of a pure Pythia sample",
    )
    on_bad_file: OnBadFile | None = Field(
        default=None, description="what a file means that cannot be read, instead of the campaign's"
    )

    @model_validator(mode="after")
    def _one_origin(self) -> Sample:
        if bool(self.files) == bool(self.generate):
            raise ValueError("give either files or generate, not both and not neither")
        if self.kind == "simulation" and self.cross_section_pb is None:
            raise ValueError("a simulated sample needs cross_section_pb")
        if self.kind == "simulation" and len(self.generate) > 1:
            raise ValueError("a simulated sample is generated from one process")
        if self.era is not None and self.generate:
            raise ValueError("generated samples belong to no era; leave era out")
        needs_luminosity = self.era is not None and self.kind == "simulation"
        if needs_luminosity != (self.luminosity_ifb is not None):
            raise ValueError("luminosity_ifb is given for the simulation of an era, and for nothing else")
        return self

    @model_validator(mode="after")
    def _of_its_kind(self) -> Sample:
        other = {
            "data": ("generator_weight", "sum_weights", "missing_shifts"),
            "simulation": ("certified", "runs"),
        }[self.kind]
        misplaced = [key for key in other if getattr(self, key) != type(self).model_fields[key].default]
        if misplaced:
            are = "is not for" if len(misplaced) == 1 else "are not for"
            raise ValueError(f"{' and '.join(misplaced)} {are} {self.kind}; leave it out")
        if self.generator_weight == "sign" and self.sum_weights == "runs":
            raise ValueError(
                "generator_weight: sign needs the sum of signs, but Runs holds the sum of values; set sum_weights to "
                "events, or to the sum of signs over all generated events"
            )
        return self


def sample_problems(samples: Mapping[str, Sample], generator: Generator | None) -> Iterator[str]:
    """Yield kinds without a sample, and generated samples that do not fit the generator."""
    for kind in ("data", "simulation"):
        if kind not in {sample.kind for sample in samples.values()}:
            yield f"samples: none of kind {kind}"
    generated = {name: sample for name, sample in samples.items() if sample.generate}
    if generator is None:
        if generated:
            yield f"samples {list(generated)} are to be generated, but there is no generator section"
        return
    simulated = [sample.generate[0] for sample in generated.values() if sample.kind == "simulation"]
    for process in {process for sample in generated.values() for process in sample.generate}:
        if simulated.count(process) != 1:
            yield f"samples: process {process} needs exactly one generated simulation sample"


def mismodelling_problems(generator: Generator | None, samples: Mapping[str, Sample]) -> Iterator[str]:
    """Yield departures of processes that no sample of pseudo-data has: they would change nothing."""
    if generator is None:
        return
    generated = sorted({process for sample in samples.values() if sample.kind == "data" for process in sample.generate})
    for process in generator.mismodelling.departures:
        if process not in generated:
            yield (
                f"generator.mismodelling.departures.{process}: no data sample generates it, they have "
                f"{', '.join(generated) or 'none'}; take it away, or add {process} to generate of a data sample"
            )


def certification_problems(samples: Mapping[str, Sample], campaign: Campaign) -> Iterator[str]:
    """Yield data samples of files for which nothing says which luminosity blocks are certified, not even null."""
    for name, sample in samples.items():
        if campaign.certified is not None and "certified" in sample.model_fields_set and sample.certified is None:
            yield (
                f"samples.{name}.certified: null cannot undo campaign.certified; give each data sample that needs it "
                "its own JSON, and the campaign none"
            )
    if "certified" in campaign.model_fields_set:
        return
    names = [n for n, s in samples.items() if s.kind == "data" and s.files and "certified" not in s.model_fields_set]
    if names:
        yield (
            f"campaign.certified: data samples {', '.join(names)} need the JSON of certified luminosity blocks; name "
            "it, or write certified: null if the files hold certified blocks alone"
        )


def earlier_triggers(before: Iterable[Sample], selection: Selection) -> dict[Channel, Triggers]:
    """Return the paths by channel of the data samples in which an event counts first, each in the sample's runs."""
    found: dict[Channel, list[str | TriggerOfRuns]] = {}
    for sample in before:
        triggers = selection.triggers if sample.triggers is None else sample.triggers
        for channel in sample.channels:
            for trigger in triggers.get(channel, ()):
                found.setdefault(channel, []).extend(_in_runs(trigger, sample.runs))
    return {channel: tuple(paths) for channel, paths in found.items()}


def _in_runs(trigger: str | TriggerOfRuns, ranges: Sequence[RunRange]) -> Iterator[str | TriggerOfRuns]:
    """Yield a trigger path limited to each of some ranges of runs; unchanged if there are none."""
    if not ranges:
        yield trigger
    for first, last in ranges:
        path, (low, high) = (trigger, (first, last)) if isinstance(trigger, str) else (trigger.path, trigger.runs)
        if max(first, low) <= min(last, high):
            yield TriggerOfRuns(path=path, runs=(max(first, low), min(last, high)))


_RUNS_OF_2016 = (271036, 284044)


def pileup_id_problems(samples: Mapping[str, Sample], campaign: Campaign, selection: Selection) -> Iterator[str]:
    """Yield that the pile-up id was left at its default, though in 2016 the bit of loose and tight are swapped."""
    if "pu_id_bit" in selection.jet.model_fields_set or not any(sample.files for sample in samples.values()):
        return
    eras = [campaign.era, *(sample.era for sample in samples.values() if sample.era is not None)]
    runs = [run for ranges in (campaign.runs, *(s.runs for s in samples.values())) for run in ranges]
    first, last = _RUNS_OF_2016
    if any("2016" in era for era in eras) or any(low <= last and high >= first for low, high in runs):
        yield (
            "selection.jet.pu_id_bit: in 2016 the bits of Jet_puId are swapped, 1 is loose and the default 4 is tight; "
            "write the bit that you want, or null for no pile-up id"
        )


def era_problems(samples: Mapping[str, Sample], luminosity_ifb: float) -> Iterator[str]:
    """Yield eras that lack a kind, and luminosities that do not fit each other."""
    eras = sorted({sample.era for sample in samples.values() if sample.era is not None})
    if not eras:
        return
    incomplete = [f"samples.{name}: give it an era as the others" for name, s in samples.items() if s.era is None]
    total = 0.0
    for era in eras:
        members = [sample for sample in samples.values() if sample.era == era]
        incomplete += [
            f"samples: era {era} has none of kind {kind}"
            for kind in ("data", "simulation")
            if kind not in {sample.kind for sample in members}
        ]
        luminosities = {sample.luminosity_ifb for sample in members if sample.luminosity_ifb is not None}
        if len(luminosities) > 1:
            incomplete.append(
                f"samples: luminosity_ifb of era {era} is {sorted(luminosities)}; give its samples one value"
            )
        total += max(luminosities, default=0.0)
    yield from incomplete
    if not incomplete and abs(total / luminosity_ifb - 1.0) > 0.01:
        yield f"campaign.luminosity_ifb = {luminosity_ifb:g} is not the sum of the eras', {total:g}; correct either"
