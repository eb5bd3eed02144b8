"""`CheckCampaign`: what would stop a campaign, found on a few files before cluster time is spent."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import luigi
from rich.console import Console
from rich.filesize import decimal
from rich.table import Table

from deepsf.config import ConfigError
from tasks.cut_flow import certified_blocks
from tasks.framework import settings
from tasks.framework.provenance import write_json
from tasks.framework.registry import Report
from tasks.skim import SkimNtuples, weight_sources

if TYPE_CHECKING:
    from deepsf.probes.campaign_check import Problem, Trial


class CampaignError(ValueError):
    """A campaign has problems; they are in the table above the message."""


class CheckCampaign(Report):
    """Tries the first events of some files of every sample, and shows all problems, expected yields, disk and time.

    ``law run CheckCampaign --version v1 --config NAME``; the problems are also in ``check.json``. It fails if there are
    any. Generated samples are generated before.
    """

    config_keys = ("samples", "regions", "campaign", "shifts")
    n_files = luigi.IntParameter(default=10, description="files of each sample to try; 0: all")
    n_events = luigi.IntParameter(default=20_000, description="first events of each file to try")

    def requires(self) -> Any:
        generates = any(sample.generate for sample in self.plan_cfg("samples").values())
        return SkimNtuples.req(self, branch=-1).workflow_requires()["ntuples"] if generates else []

    def run(self) -> None:
        from deepsf.probes.campaign_check import Trial, problems_of

        settings.claim_stem(str(self.version), self.config)
        try:
            trial, problems = self._try()
        except ConfigError as error:  # files that cannot be found
            trial, problems = Trial((), {}), list(problems_of(str(error), "", self.config))
        _print_table(trial)
        _print_problems(problems)
        path = self.folder() / "check.json"
        write_json(path, {"problems": [problem._asdict() for problem in problems]}, durable=False)
        self.ran = not problems
        if problems:
            raise CampaignError(f"{len(problems)} problem(s), also in {path}")

    def _try(self) -> tuple[Trial, list[Problem]]:
        from deepsf.nanoaod.luminosity_blocks import LuminosityError
        from deepsf.probes.campaign_check import Trial, campaign_problems, try_file

        skims = SkimNtuples.req(self, branch=-1)
        chosen, n_files = _chosen(skims.branch_map, self.n_files)
        tried, problems = [], []
        with tempfile.TemporaryDirectory() as folder:
            for number in chosen:
                branch = skims.as_branch(number)
                path = branch.branch_data.local
                try:
                    skim = branch.skim_settings()
                except ConfigError as error:  # a variable in a path is not set
                    raise ConfigError(f"samples.{branch.branch_data.sample}: {error}") from None
                file, of_file = try_file(path, skim, Path(folder), number, self.n_events, self.redirectors())
                tried.append(file)
                problems += of_file
            trial = Trial(tried, n_files)
            samples, regions = self.cfg("samples"), self.cfg("regions")
            try:
                certified = certified_blocks(samples, self.cfg("campaign"))
            except LuminosityError:  # each file of the data has said so
                certified = {}
            luminosity_ifb = self.cfg("campaign").luminosity_ifb
            problems += campaign_problems(trial, samples, regions, luminosity_ifb, certified, weight_sources(self))
        return trial, [*dict.fromkeys(problems), *self._disk_problems(trial)]

    def _disk_problems(self, trial: Trial) -> list[Problem]:
        from deepsf.probes.campaign_check import Problem

        need = sum(trial.extrapolated(sample, "n_bytes") for sample in trial.n_files)
        free = shutil.disk_usage(settings.data()).free
        if need <= free:
            return []
        way_out = "free space there, or set DEEPSF_DATA to a folder on a larger disk"
        value, rule = f"{decimal(int(need))} for the skims", f"at most the {decimal(free)} that are free"
        return [Problem(f"the disk of {settings.data()} is too small", value=value, rule=rule, way_out=way_out)]


def _chosen(branch_map: dict[int, Any], n_max: int) -> tuple[list[int], dict[str, int]]:
    """Return branches of at most so many files of each sample, evenly chosen, and how many files each has."""
    n_files = Counter(file.sample for file in branch_map.values())
    chosen: list[int] = []
    for sample, n in n_files.items():
        branches = [number for number, file in branch_map.items() if file.sample == sample]
        n_tried = n if n_max <= 0 else min(n, n_max)
        chosen += [branches[round(k * (n - 1) / max(n_tried - 1, 1))] for k in range(n_tried)]
    return chosen, dict(n_files)


def _print_table(trial: Trial) -> None:
    table = Table("sample", "files", "tried", "events", "with two jets", "skims", r"CPU time \[h]", title="Campaign")
    for sample, n_files in trial.n_files.items():
        files = trial.of_sample(sample)
        events = sum(file.n_events for file in files) * n_files / len(files) if files else 0.0
        two = sum(sum(f.report.cut_flow["two_jets"].values()) * f.scale for f in files if f.report is not None)
        row = [f"{events:.3g}", f"{two * n_files / len(files):.3g}"] if files else ["-", "-"]
        n_bytes, hours = trial.extrapolated(sample, "n_bytes"), trial.extrapolated(sample, "seconds") / 3600
        table.add_row(sample, str(n_files), str(len(files)), *row, decimal(int(n_bytes)), f"{hours:.2g}")
    Console(width=110).print(table)


def _print_problems(problems: list[Problem]) -> None:
    for problem in problems:
        place = " ".join(part for part in (problem.sample, problem.file) if part)
        value = f": {problem.value}" if problem.value else ""
        rule = f" (must be {problem.rule})" if problem.rule else ""
        way_out = f"; {problem.way_out}" if problem.way_out else ""
        print(f"{place + ': ' if place else ''}{problem.what}{value}{rule}{way_out}")
    if not problems:
        print("no problem found")
