"""Skims: what the measurement needs of each input file."""

from __future__ import annotations

import glob
import hashlib
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import law

from deepsf.config import ConfigError
from deepsf.config.jet_corrections import JetCorrections
from deepsf.config.pileup import Pileup
from tasks.framework import settings
from tasks.framework.base import ConfigTask
from tasks.framework.targets import leaves, staged
from tasks.framework.workflows import Workflow
from tasks.generation import GenerateNtuples


class InputFile(NamedTuple):
    """One branch: a file of a sample; ``generated`` is the branch of `GenerateNtuples` that makes it."""

    sample: str
    path: Path
    generated: int | None


class SkimNtuples(Workflow):
    """Selects events: a table of probe entries and one of all jets for each input file, one file per branch."""

    code_version = 4

    @property
    def config_keys(self) -> tuple[str, ...]:
        """Of the samples only what the branch's own table depends on: a cross section comes in later."""
        sample = f"samples.{self.branch_data.sample}"
        of_sample = (f"{sample}.{key}" for key in ("kind", "channels", "sum_weights", "pileup", "jet_corrections"))
        return (*of_sample, "tagger", "selection", "regions", "pileup", "jet_corrections")

    def create_branch_map(self) -> dict[int, InputFile]:
        """Return generated files from their plan, without making any, and files of the config by their patterns."""
        files = []
        if self._generation is not None:
            for number, planned in self._generation.branch_map.items():
                files.append(InputFile(planned.sample, self._generation.as_branch(number).output().file, number))
        for name, sample in self.plan_cfg("samples").items():
            files += [InputFile(name, path, None) for path in _matching(name, sample.files)]
        return dict(enumerate(files))

    def workflow_requires(self) -> dict[str, Any]:
        required = super().workflow_requires()
        return required if self._generation is None else {**required, "ntuples": self._generation}

    def requires(self) -> Any:
        number = self.branch_data.generated
        return [] if number is None else self._generation.as_branch(number)

    def external_files(self) -> tuple[Path, ...]:
        files = () if self.branch_data.generated is not None else (self.branch_data.path,)
        corrections = (section for section in self._corrections() if section is not None)
        return (*files, *(settings.resolve(file) for section in corrections for file in section.file_paths()))

    def own_parameters(self) -> dict[str, Any]:
        return {"sample": self.branch_data.sample}

    def output(self) -> Any:
        file = self.branch_data
        # files of one name in two folders must not meet
        mark = "" if file.generated is not None else f"_{hashlib.sha256(str(file.path).encode()).hexdigest()[:8]}"
        stem = f"{file.path.stem}{mark}"
        return {kind: self.target(file.sample, f"{stem}_{kind}.parquet") for kind in ("entries", "jets")}

    def run(self) -> None:
        from deepsf.skim.settings import SkimSettings
        from deepsf.skim.skim_file import skim_file

        file, (pileup, jet_corrections) = self.branch_data, map(_local, self._corrections())
        skim = SkimSettings(
            sample_name=file.sample,
            sample=self.plan_cfg("samples")[file.sample],
            tagger=self.cfg("tagger"),
            selection=self.cfg("selection"),
            regions=self.cfg("regions"),
            pileup=pileup,
            jet_corrections=jet_corrections,
        )
        with staged(self.output()["entries"], self.output()["jets"]) as (entries, jets):
            report = skim_file(
                settings.local(file.path), skim, entries_path=entries, jets_path=jets, file_name=file.path.name
            )
        selected = ", ".join(
            f"{sum(report.cut_flow[f'region_{name}'].values())} in {name}" for name in self.cfg("regions")
        )
        self.publish_message(f"{file.path.name}: of {report.n_events} events {selected}")

    @law.workflow_property(setter=False, cache=True)
    def _generation(self) -> GenerateNtuples | None:
        """Return what makes the input of all branches, None if nothing is generated."""
        generates = any(sample.generate for sample in self.plan_cfg("samples").values())
        return GenerateNtuples.req(self, branch=-1) if generates else None

    def _corrections(self) -> tuple[Pileup | None, JetCorrections | None]:
        """Return what the sample, or else the campaign, corrects pile-up and jets with."""
        sample = f"samples.{self.branch_data.sample}"
        pileup, jets = (self.cfg(f"{sample}.{key}") or self.cfg(key) for key in ("pileup", "jet_corrections"))
        return pileup, jets


class ReportCutFlow(ConfigTask):
    """Counts the events of each sample after each cut, by channel: ``cut_flow.txt``.

    If nothing is selected, or too many scores are invalid, this task fails.
    """

    config_keys = ("regions", "tagger.branch", "tagger.max_invalid_fraction")

    def requires(self) -> Any:
        return SkimNtuples.req(self)

    def output(self) -> Any:
        return self.target("cut_flow.txt")

    def run(self) -> None:
        from deepsf.skim.cut_flow import (
            format_cut_flow,
            merge_cut_flows,
            read_report,
            require_selected,
            require_valid_scores,
        )

        tables = [target.file for target in leaves(self.input()) if target.file.name.endswith("_entries.parquet")]
        reports = [read_report(table) for table in tables]
        require_selected(reports, self.cfg("regions"))
        merged = merge_cut_flows(reports)
        for sample, report in merged.items():
            limit = self.cfg("tagger.max_invalid_fraction")
            require_valid_scores(f"sample {sample}", report.jets, self.cfg("tagger.branch"), limit)
        text = "\n".join(format_cut_flow(report) for report in merged.values())
        with staged(self.output()) as (path,):
            path.write_text(text)
        self.publish_message(text)


def _local(section: Pileup | JetCorrections | None) -> Any:
    """Return the section with its files as paths on this machine."""
    return section and section.with_files(lambda file: str(settings.local(settings.resolve(file))))


def _matching(sample: str, patterns: tuple[str, ...]) -> list[Path]:
    files: list[Path] = []
    if settings.shipped() is not None:
        return [Path(name) for name in patterns]  # the snapshot names files; some are elsewhere here
    for pattern in patterns:
        resolved = str(settings.resolve(pattern))
        matches = sorted(glob.glob(resolved, recursive=True))  # noqa: PTH207 - patterns are absolute
        if not matches:
            raise ConfigError(f"samples.{sample}.files: {pattern!r} matches no file (looked for {resolved})")
        files += [Path(match) for match in matches]
    twice = [path for path, count in Counter(files).items() if count > 1]
    if twice:
        raise ConfigError(f"samples.{sample}.files: {min(map(str, twice))} is matched by more than one pattern")
    return files
