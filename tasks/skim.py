"""Skims: what the measurement needs of each input file."""

from __future__ import annotations

import hashlib
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

import law

from deepsf.config.samples import earlier_triggers
from deepsf.config.selection import Channel, Triggers
from deepsf.nanoaod.remote import is_url
from tasks.framework import remote_files, settings
from tasks.framework.base import ConfigTask
from tasks.framework.configuration import local_file
from tasks.framework.provenance import read_manifest
from tasks.framework.sample_files import sample_files
from tasks.framework.targets import ProvenanceTarget, leaves, staged
from tasks.framework.workflows import Workflow
from tasks.generation import OF_DATA, GenerateNtuples, of_data

if TYPE_CHECKING:
    from deepsf.skim.cut_flow import SkimReport
    from deepsf.skim.settings import SkimSettings

_OF_SAMPLE = ("kind", "channels", "triggers", "sum_weights", "generator_weight", "missing_shifts")
_OF_ERA = ("pileup", "jet_corrections", "jet_veto")
"""Sections that a sample may have instead of the campaign's."""


def weight_sources(task: ConfigTask) -> list[str] | None:
    """Return the sources of weight shifts that are asked for; None: all."""
    shifts = task.plan_cfg("shifts")
    if shifts is None:
        return []
    return None if shifts.weights is None else list(shifts.weights)


class InputFile(NamedTuple):
    """One branch: a file of a sample, by path or address; ``generated`` is the branch of `GenerateNtuples` for it."""

    sample: str
    location: str
    generated: int | None

    @property
    def name(self) -> str:
        """The name of the file without its folder."""
        return PurePosixPath(self.location.partition("?")[0] if is_url(self.location) else self.location).name

    @property
    def local(self) -> str:
        """The address, or the path on this machine."""
        return self.location if is_url(self.location) else str(settings.local(Path(self.location)))


class SkimNtuples(Workflow):
    """Selects events: a table of probe entries and one of all jets for each input file, one file per branch."""

    code_version = 5

    @property
    def config_keys(self) -> tuple[str, ...]:
        """Of the samples only what the branch's own table depends on: a cross section comes in later."""
        sample = f"samples.{self.branch_data.sample}"
        of_campaign = ("tagger", "selection", "regions", *_OF_ERA, *(f"campaign.{key}" for key in OF_DATA))
        return (*(f"{sample}.{key}" for key in (*_OF_SAMPLE, *_OF_ERA, *OF_DATA)), *of_campaign)

    def create_branch_map(self) -> dict[int, InputFile]:
        """Return generated files from their plan, without making any, and the files that the config names."""
        files = []
        if self._generation is not None:
            for number, planned in self._generation.branch_map.items():
                made = self._generation.as_branch(number).output().place
                files.append(InputFile(planned.sample, made, number))
        for name, of_sample in sample_files(self.config).items():
            files += [InputFile(name, location, None) for location in of_sample]
        return dict(enumerate(files))

    def workflow_requires(self) -> dict[str, Any]:
        required = super().workflow_requires()
        return required if self._generation is None else {**required, "ntuples": self._generation}

    def requires(self) -> Any:
        number = self.branch_data.generated
        return [] if number is None else self._generation.as_branch(number)

    def external_files(self) -> tuple[Path | str, ...]:
        location = self.branch_data.location
        files = () if self.branch_data.generated is not None else (location if is_url(location) else Path(location),)
        certified, sections = self._of_data("certified"), [self.cfg("selection"), *self._of_era().values()]
        named = [file for section in sections if section is not None for file in section.file_paths()]
        return (*files, *(settings.resolve(path) for path in (*named, *([certified] if certified else []))))

    def own_parameters(self) -> dict[str, Any]:
        earlier = {
            channel: [path if isinstance(path, str) else path.model_dump(mode="json") for path in paths]
            for channel, paths in self._earlier().items()
        }
        return {"sample": self.branch_data.sample, "earlier": earlier, "sources": weight_sources(self)}

    def output(self) -> Any:
        file = self.branch_data
        # files of one name in two folders must not meet
        place = file.location if is_url(file.location) else settings.name_of(Path(file.location))
        mark = "" if file.generated is not None else f"_{hashlib.sha256(place.encode()).hexdigest()[:8]}"
        stem = f"{PurePosixPath(file.name).stem}{mark}"
        return {kind: self.target(file.sample, f"{stem}_{kind}.parquet") for kind in ("entries", "jets")}

    def skim_settings(self) -> SkimSettings:
        """Return what the skim of the branch's file depends on, with paths on this machine."""
        from deepsf.skim.settings import SkimSettings

        file, certified = self.branch_data, self._of_data("certified")
        return SkimSettings(
            sample_name=file.sample,
            sample=self.plan_cfg("samples")[file.sample],
            tagger=self.cfg("tagger"),
            selection=self.cfg("selection").with_files(local_file),
            regions=self.cfg("regions"),
            **{key: section and section.with_files(local_file) for key, section in self._of_era().items()},
            certified=certified and local_file(certified),
            runs=self._of_data("runs"),
            earlier=self._earlier(),
            sources=None if (sources := weight_sources(self)) is None else tuple(sources),
        )

    def run(self) -> None:
        file = self.branch_data
        with staged(self.output()["entries"], self.output()["jets"]) as (entries, jets):
            report = self._skim(entries, jets)
        self._skipped = report.skipped
        if report.skipped:
            self.publish_message(f"{file.name}: skipped: {report.skipped}")
            return
        selected = ", ".join(
            f"{sum(report.cut_flow[f'region_{name}'].values())} in {name}" for name in self.cfg("regions")
        )
        self.publish_message(f"{file.name}: of {report.n_events} events {selected}")

    def _skim(self, entries: Path, jets: Path) -> SkimReport:
        """Skim the file from wherever it can be read, or write tables that say why it is skipped."""
        from deepsf.nanoaod.attempts import ChangedFileError, read_somewhere
        from deepsf.nanoaod.root_file import UnreadableError
        from deepsf.skim.skim_file import skim_file
        from deepsf.skim.skipped import skip_file

        file, skim = self.branch_data, self.skim_settings()
        tables: Any = {"entries_path": entries, "jets_path": jets, "file_name": file.name}
        redirectors = self.redirectors()
        try:
            identity = remote_files.identity(file.location, redirectors) if is_url(file.location) else None
            return read_somewhere(file.local, lambda place: skim_file(place, skim, **tables), redirectors, identity)
        except ChangedFileError:
            remote_files.forget(file.location)
            raise
        except UnreadableError as error:
            if not self.skips_bad_files:
                raise
            return skip_file(error, skim, **tables)

    @property
    def skips_bad_files(self) -> bool:
        """Whether a file that cannot be read counts as one without events, and not as an error.

        No input: it decides whether the tables of a skipped file count, and changes no others.
        """
        of_sample = self.plan_cfg("samples")[self.branch_data.sample].on_bad_file
        return (of_sample or self.plan_cfg("campaign.on_bad_file")) == "skip"

    def remarks(self) -> dict[str, str]:
        skipped = getattr(self, "_skipped", "")
        return {"skipped": skipped} if skipped else {}

    def digest_of(self, file: Path | str) -> str | None:
        """Return what stands for the content; of a file that was skipped what stood then: its server is not asked."""
        manifest = (
            read_manifest(self.output()["entries"].file) if isinstance(file, str) and self.skips_bad_files else None
        )
        if manifest is not None and "skipped" in manifest:
            return manifest["inputs"].get(f"file:{file}")
        return super().digest_of(file)

    def why_stale(self, target: ProvenanceTarget) -> str | None:
        manifest = read_manifest(target.file)
        if manifest is not None and "skipped" in manifest and not self.skips_bad_files:
            return "the file was skipped, and on_bad_file is fail"
        return super().why_stale(target)

    @law.workflow_property(setter=False, cache=True)
    def _generation(self) -> GenerateNtuples | None:
        """Return what makes the input of all branches, None if nothing is generated."""
        generates = any(sample.generate for sample in self.plan_cfg("samples").values())
        return GenerateNtuples.req(self, branch=-1) if generates else None

    def _of_era(self) -> dict[str, Any]:
        """Return what the sample, or else the campaign, corrects and vetoes jets and pile-up with."""
        sample = f"samples.{self.branch_data.sample}"
        return {key: self.cfg(f"{sample}.{key}") or self.cfg(key) for key in _OF_ERA}

    def _of_data(self, key: str) -> Any:
        """Return what the sample, or else the campaign, says about its runs."""
        return of_data(self.plan_cfg("samples")[self.branch_data.sample], self.cfg(f"campaign.{key}"), key)

    def _earlier(self) -> dict[Channel, Triggers]:
        """Return the trigger paths of the data sets in which an event of the sample counts first."""
        order, samples = self.plan_cfg("campaign.data_order"), self.plan_cfg("samples")
        if self.branch_data.sample not in order:
            return {}
        before = [samples[name] for name in order[: order.index(self.branch_data.sample)]]
        return earlier_triggers(before, self.cfg("selection"))


def skimmed(requirement: Any, kind: str) -> list[Path]:
    """Return the tables of one kind (``entries``, ``jets``) of all branches of `SkimNtuples`."""
    return [target.file for target in leaves(requirement) if target.file.name.endswith(f"_{kind}.parquet")]


def pairs(requirement: Any) -> list[tuple[Path, Path]]:
    """Return the tables of entries and of jets of all branches of `SkimNtuples`."""
    entries = skimmed(requirement, "entries")
    return [(path, path.with_name(f"{path.name.removesuffix('_entries.parquet')}_jets.parquet")) for path in entries]
