"""A campaign tried on a few files before it costs a night: problems of all samples at once, expected yields and costs.

Some files of each sample are skimmed, the first events of each, into a folder that is thrown away. Whatever stops a
skim, or would stop the campaign later, becomes a `Problem`.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from deepsf.config.regions import Region
from deepsf.config.samples import Sample
from deepsf.nanoaod.attempts import reachable
from deepsf.nanoaod.luminosity_blocks import LuminosityBlocks, joined, stored_blocks
from deepsf.nanoaod.root_file import number_of_events
from deepsf.probes.campaign_report import RATIO_MAX, RATIO_MIN, Yields
from deepsf.skim.campaign_checks import foreign_pileup, missing_shifts, mixed_branches, same_files
from deepsf.skim.cut_flow import SkimError, SkimReport
from deepsf.skim.event_identity import require_distinct_events
from deepsf.skim.settings import SkimSettings
from deepsf.skim.skim_file import skim_file

FEW_EVENTS = 25
"""Data over simulation is judged from this many events on, of data as expected and of simulation as found."""
FEW_FILES_MIN, FEW_FILES_MAX = 0.1, 10.0
MIN_COVERAGE = 0.99
"""Of the certified luminosity blocks, the fraction that the files of a data sample must hold."""


class Problem(NamedTuple):
    """What is wrong, in which sample and file (empty: in several), the value, the rule, and the way out."""

    what: str
    sample: str = ""
    file: str = ""
    value: str = ""
    rule: str = ""
    way_out: str = ""


@dataclass(frozen=True)
class TriedFile:
    """A file that was tried: its numbers of events, of which the first were skimmed, and what that has cost.

    ``report`` is None if it failed; ``n_events`` and ``sum_weights`` are those of the whole file. ``lists_blocks``: it
    has the tree of its luminosity blocks, which tells all of them whatever was skimmed.
    """

    sample: str
    path: str
    report: SkimReport | None = None
    n_events: int = 0
    seconds: float = 0.0
    n_bytes: int = 0
    tables: tuple[Path, Path] | None = None
    lists_blocks: bool = True

    @property
    def knows_all_blocks(self) -> bool:
        """Whether all luminosity blocks of the file are known."""
        return self.lists_blocks or self.scale == 1.0

    @property
    def scale(self) -> float:
        """Events of the whole file over those that were skimmed."""
        return self.n_events / self.report.n_events if self.report is not None and self.report.n_events else 1.0


@dataclass(frozen=True)
class Trial:
    """All files that were tried, and how many files each sample has."""

    files: Sequence[TriedFile]
    n_files: Mapping[str, int]

    @property
    def reports(self) -> list[SkimReport]:
        """Reports of the files that did not fail."""
        return [file.report for file in self.files if file.report is not None]

    def of_sample(self, sample: str) -> list[TriedFile]:
        """Return the files of a sample that did not fail."""
        return [file for file in self.files if file.sample == sample and file.report is not None]

    def extrapolated(self, sample: str, attribute: str) -> float:
        """Return a number of the skimmed parts of files, scaled to all files of the sample."""
        files = self.of_sample(sample)
        total = sum(float(getattr(file, attribute)) * file.scale for file in files)
        return total * self.n_files[sample] / len(files) if files else 0.0


def try_file(
    path: str, settings: SkimSettings, folder: Path, number: int, n_events: int, redirectors: Sequence[str] = ()
) -> tuple[TriedFile, list[Problem]]:
    """Skim the first events of a file, on disk or a server, into a folder; whatever stops it becomes problems."""
    tables = folder / f"{number}_entries.parquet", folder / f"{number}_jets.parquet"
    start = time.perf_counter()
    try:
        place = reachable(path, redirectors)
        n_all = number_of_events(place)
        report = skim_file(place, settings, entries_path=tables[0], jets_path=tables[1], n_events_max=n_events)
        lists_blocks = report.kind != "data" or len(stored_blocks(place)) > 0
    except (ValueError, OSError) as error:  # errors of files, corrections, limits: all that users meet
        return TriedFile(settings.sample_name, path), list(problems_of(str(error), settings.sample_name, path))
    n_bytes = sum(table.stat().st_size for table in tables)
    seconds = time.perf_counter() - start
    return TriedFile(settings.sample_name, path, report, n_all, seconds, n_bytes, tables, lists_blocks), []


def problems_of(message: str, sample: str, file: str) -> Iterator[Problem]:
    """Yield the problems that the message of an error names, one a line."""
    head, *lines = message.splitlines() or [""]
    for line in lines or [head]:
        text = line.strip().removeprefix(f"{file}: ")
        what, separator, way_out = text.rpartition("; ")
        yield Problem(what if separator else text, sample, Path(file).name, way_out=way_out if separator else "")


def campaign_problems(
    trial: Trial,
    samples: Mapping[str, Sample],
    regions: Mapping[str, Region],
    luminosity_ifb: float,
    certified: Mapping[str, LuminosityBlocks | None],
    sources: Iterable[str] | None,
) -> list[Problem]:
    """Return the problems that show only in several files together.

    Parameters
    ----------
    certified
        By data sample, the certified luminosity blocks of its runs; None where they are not known.
    sources
        Sources of weight shifts that are asked for; None: all.
    """
    texts = [
        *same_files(trial.reports),
        *mixed_branches(trial.reports, samples),
        *missing_shifts(trial.reports, samples, sources),
        *foreign_pileup(trial.reports),
        *_events_twice(trial),
    ]
    found = [problem for text in texts for problem in problems_of(text, "", "")]
    found += luminosity_problems(trial, certified)
    found += yield_problems(expected_yields(trial, samples, regions, luminosity_ifb), trial, samples)
    return found


def expected_yields(
    trial: Trial, samples: Mapping[str, Sample], regions: Mapping[str, Region], luminosity_ifb: float
) -> list[Yields]:
    """Return data and simulation at the luminosity by era, region and channel, as the tried files let expect."""
    sums: dict[tuple[str | None, str, str], dict[str, float]] = defaultdict(lambda: {"data": 0.0, "simulation": 0.0})
    for name, sample in samples.items():
        files = trial.of_sample(name)
        factor = _factor(trial, name, sample, luminosity_ifb)
        for region, definition in regions.items():
            for channel in definition.channels:
                found = sum(f.report.region_yields[region][channel]["sum_weights"] * f.scale for f in files if f.report)
                sums[sample.era, region, channel][sample.kind] += factor * found
    return [Yields(*key, of_kind["data"], of_kind["simulation"]) for key, of_kind in sums.items()]


def _factor(trial: Trial, name: str, sample: Sample, luminosity_ifb: float) -> float:
    """Return what scales the tried files of a sample to all of it, simulation to the luminosity."""
    files = trial.of_sample(name)
    if not files:
        return 0.0
    of_all = trial.n_files[name] / len(files)
    if sample.cross_section_pb is None:
        return of_all
    expected = 1e3 * sample.cross_section_pb * (sample.luminosity_ifb or luminosity_ifb)
    if not isinstance(sample.sum_weights, str):
        return expected * of_all / sample.sum_weights
    total = sum(file.report.sum_weights for file in files if file.report is not None)
    return expected / total if total > 0.0 else 0.0


def yield_problems(yields: Iterable[Yields], trial: Trial, samples: Mapping[str, Sample]) -> Iterator[Problem]:
    """Yield channels in which data over simulation is off, if there are enough events to judge.

    If all files were tried the limits are 0.5 and 2. A few files of many stand for all of them only roughly: then the
    limits are 0.1 and 10.
    """
    for row in yields:
        of_era = [name for name, sample in samples.items() if sample.era == row.era]
        is_whole = all(len(trial.of_sample(name)) == trial.n_files[name] for name in of_era)
        low, high = (RATIO_MIN, RATIO_MAX) if is_whole else (FEW_FILES_MIN, FEW_FILES_MAX)
        if low * row.simulation <= row.data <= high * row.simulation or not _is_judged(row, trial, samples, of_era):
            continue
        ratio = row.data / row.simulation if row.simulation > 0.0 else float("inf")
        yield Problem(
            f"data over simulation in {row.channel if row.era is None else f'{row.channel} of era {row.era}'}, region "
            f"{row.region} before the tag",
            value=f"{row.data:.4g} / {row.simulation:.4g} = {ratio:.3g}",
            rule=f"between {low:g} and {high:g}",
            way_out="check luminosity_ifb [1/fb], cross_section_pb [pb], the files of each sample and triggers",
        )


def _is_judged(row: Yields, trial: Trial, samples: Mapping[str, Sample], of_era: Iterable[str]) -> bool:
    """Return whether enough events of simulation were found, and enough of data were found or should have been."""
    found = {"data": 0.0, "simulation": 0.0}
    part = whole = 0.0
    for name in of_era:
        files = trial.of_sample(name)
        found[samples[name].kind] += sum(
            file.report.region_yields[row.region][row.channel]["n"] for file in files if file.report is not None
        )
        if samples[name].kind == "data" and row.channel in samples[name].channels and files:
            part += sum(file.report.n_events for file in files if file.report is not None)
            whole += sum(file.n_events for file in files) * trial.n_files[name] / len(files)
    expected = row.simulation * part / whole if whole else 0.0
    return found["simulation"] >= FEW_EVENTS and max(found["data"], expected) >= FEW_EVENTS


def luminosity_problems(trial: Trial, certified: Mapping[str, LuminosityBlocks | None]) -> Iterator[Problem]:
    """Yield data samples without a certified luminosity block, or, if all files were tried, with too few of them."""
    for name, blocks in certified.items():
        files = trial.of_sample(name)
        if blocks is None or not files:
            continue
        n_processed = len(joined([file.report.luminosity_blocks for file in files if file.report is not None]))
        if n_processed == 0:
            yield Problem(
                "no certified luminosity block in the files",
                sample=name,
                value="0 blocks",
                rule=f"some of the {len(blocks)} blocks that are certified",
                way_out="check certified and runs, or the files of the sample",
            )
            continue
        is_whole = len(files) == trial.n_files[name] and all(file.knows_all_blocks for file in files)
        if is_whole and n_processed < MIN_COVERAGE * len(blocks):
            yield Problem(
                "files are missing: certified luminosity blocks that no file of the sample holds",
                sample=name,
                value=f"{n_processed} of {len(blocks)} blocks",
                rule=f"at least {MIN_COVERAGE:.0%}: luminosity_ifb is that of all",
                way_out="add the missing files, or limit runs and luminosity_ifb to those that are there",
            )


def _events_twice(trial: Trial) -> list[str]:
    tried = [(file.tables, file.report) for file in trial.files if file.tables is not None and file.report is not None]
    try:
        require_distinct_events([tables for tables, _ in tried], [report for _, report in tried])
    except SkimError as error:
        return str(error).splitlines()
    return []
