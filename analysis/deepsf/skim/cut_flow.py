"""Reports of skims: cut flow, yields and invalid scores, their sums over files, tables to print, and limits."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from deepsf import parquet_files
from deepsf.config.selection import CHANNELS
from deepsf.nanoaod.luminosity_blocks import Ranges, joined

METADATA_KEY = b"deepsf"
WEIGHT = "weight"
"""Column of the nominal weight; ``weight_<shift>`` is the ratio to it."""
LEPTON_STEPS = ("two_leptons", "opposite_charge", "lead_lepton_pt", "trigger", "mll", "delta_r_ll")
STEPS = ("all", "certified", "filters", *LEPTON_STEPS, "data_order", "jet_veto", "two_jets", "exactly_two_jets")
"""Steps of the cut flow before those of the regions: all that there may be, in their order."""

CutFlow = Mapping[str, Mapping[str, int]]


class SkimError(ValueError):
    """The selected events cannot be used; the message names file or sample, numbers, rule and way out."""


@dataclass(frozen=True)
class SkimReport:
    """Counts of one file, or summed over files; the JSON in the metadata of both tables.

    Attributes
    ----------
    sample, kind
        Name and kind of the sample.
    n_events, sum_weights
        Events in the file; sum of generator weights before any skim (data: number of events).
    cut_flow
        Events left by step and channel; ``all`` stands for the channel until it is known.
    region_yields
        By region and channel: number ``n`` and ``sum_weights`` of the events with at least two jets that pass all cuts
        of the region but the one on the tag jet.
    jets
        Counts of ``selected`` jets, of those with an ``invalid`` score (negative or not finite), and of those with a
        score that is not finite (``nan``).
    missing_triggers
        Configured trigger paths that the file lacks.
    kinematic_shifts
        Names of the shifts of the jets' energy: the column ``shift`` of the tables is the index into it.
    weight_shifts
        Names of the shifts of the event weight: each has a column ``weight_<shift>``.
    moved
        By shift, the number of jets whose pT it changes, or of selected events whose weight it changes.
    weights
        Of the events with at least two jets, by column of weights (``weight``, and ``weight_<shift>`` times it): number
        ``n``, ``sum``, ``sum_abs`` of absolute values, ``sum_squares``, and the ``largest`` absolute value.
    pileup
        Of the events with at least two jets: number ``n``, and ``sum`` of their pile-up weights; empty without these.
    n_without
        Number of events without weights, by source of weight shifts.
    resolved
        What was chosen among alternatives that the file offers, by quantity.
    luminosity_blocks
        Of data: processed luminosity blocks, of the certified ones if these are known.
    content
        Digest of all events, equal for copies of a file; empty in sums.
    file
        Name of the NanoAOD file, without its folder; empty in sums.
    skipped
        Why nothing of the file was read, though it belongs to the sample (``on_bad_file: skip``); empty if it was read.
    """

    sample: str
    kind: Literal["data", "simulation"]
    n_events: int
    sum_weights: float
    cut_flow: dict[str, dict[str, int]]
    region_yields: dict[str, dict[str, dict[str, float]]]
    jets: dict[str, int]
    missing_triggers: tuple[str, ...] = ()
    kinematic_shifts: tuple[str, ...] = ("nominal",)
    weight_shifts: tuple[str, ...] = ()
    moved: dict[str, int] = field(default_factory=dict)
    weights: dict[str, dict[str, float]] = field(default_factory=dict)
    pileup: dict[str, float] = field(default_factory=dict)
    n_without: dict[str, int] = field(default_factory=dict)
    resolved: dict[str, str] = field(default_factory=dict)
    luminosity_blocks: Ranges = field(default_factory=dict)
    content: str = ""
    file: str = ""
    skipped: str = ""

    def largest_share(self, column: str = WEIGHT) -> float:
        """Return the share of the largest weight in the sum of all absolute weights; 0 without events."""
        sums = self.weights.get(column, {})
        return sums["largest"] / sums["sum_abs"] if sums.get("sum_abs") else 0.0

    def n_effective(self, column: str = WEIGHT) -> float:
        """Return the effective number of events with at least two jets, (sum of w)^2 / (sum of w^2)."""
        sums = self.weights.get(column, {})
        return sums["sum"] * sums["sum"] / sums["sum_squares"] if sums.get("sum_squares") else 0.0

    def to_json(self) -> str:
        """Return the report as JSON; the same report gives the same text."""
        return json.dumps(asdict(self), sort_keys=True, allow_nan=False)


def read_report(path: str | Path) -> SkimReport:
    """Return the report in the metadata of a skim's table, its cut flow in the order of the steps.

    Raises
    ------
    SkimError
        If the file is no table of a skim.
    """
    metadata = parquet_files.read_schema(Path(path)).metadata or {}
    if METADATA_KEY not in metadata:
        raise SkimError(f"{path}: parquet file without the metadata of a skim; give a table that SkimNtuples wrote")
    stored: dict[str, Any] = json.loads(metadata[METADATA_KEY])
    stored["cut_flow"] = dict(sorted(stored["cut_flow"].items(), key=lambda item: _step_order(item[0])))
    stored |= {name: tuple(value) for name, value in stored.items() if isinstance(value, list)}
    return SkimReport(**stored)


def _step_order(step: str) -> tuple[int, str]:
    return (STEPS.index(step), "") if step in STEPS else (len(STEPS), step)


def merge_cut_flows(reports: Iterable[SkimReport]) -> dict[str, SkimReport]:
    """Return one report for each sample, summed over its files, in the order of their first files.

    Raises
    ------
    SkimError
        If files of one sample were skimmed with different regions.
    """
    merged: dict[str, SkimReport] = {}
    for report in reports:
        merged[report.sample] = _sum(merged[report.sample], report) if report.sample in merged else report
    return merged


def by_sample(reports: Iterable[SkimReport]) -> dict[str, list[SkimReport]]:
    """Return the reports of the files of each sample, in the order of their first files."""
    found: dict[str, list[SkimReport]] = {}
    for report in reports:
        found.setdefault(report.sample, []).append(report)
    return found


def _sum(first: SkimReport, second: SkimReport) -> SkimReport:
    if set(first.cut_flow) != set(second.cut_flow) or first.kind != second.kind:
        raise SkimError(
            f"sample {first.sample}: files differ in kind or in steps of the cut flow "
            f"({sorted(set(first.cut_flow) ^ set(second.cut_flow))}); skim all files of a sample with one config"
        )
    both: dict[str, Any] = {
        name: tuple(dict.fromkeys((*getattr(first, name), *getattr(second, name))))
        for name in ("missing_triggers", "kinematic_shifts", "weight_shifts")
    }
    return SkimReport(
        sample=first.sample,
        kind=first.kind,
        n_events=first.n_events + second.n_events,
        sum_weights=first.sum_weights + second.sum_weights,
        **{name: added(getattr(first, name), getattr(second, name)) for name in _ADDED},
        weights=added_weights(first.weights, second.weights),
        luminosity_blocks=joined([first.luminosity_blocks, second.luminosity_blocks]).ranges,
        **both,
    )


_ADDED = ("cut_flow", "region_yields", "jets", "moved", "pileup", "n_without")


def added_weights(
    first: Mapping[str, Mapping[str, float]], second: Mapping[str, Mapping[str, float]]
) -> dict[str, dict[str, float]]:
    """Return the sums of ``weights`` of a report over two parts; of the largest ones the larger."""
    return {
        column: {**sums, "largest": max(part[column]["largest"] for part in (first, second) if column in part)}
        for column, sums in added(first, second).items()
    }


def added(first: Any, second: Any) -> Any:
    """Return the sum of two trees of numbers; a leaf that one of them lacks counts as 0."""
    if not isinstance(first, Mapping):
        return first + second
    return {
        key: added(first[key], second[key]) if key in first and key in second else first.get(key, second.get(key))
        for key in dict.fromkeys((*first, *second))
    }


def format_cut_flow(report: SkimReport) -> str:
    """Return a report's cut flow, yields and scores as a table of fixed width to print."""
    header = f"{report.sample} ({report.kind}): {report.n_events} events"
    if report.kind == "simulation":
        header += f", sum of weights {report.sum_weights:.6g}" if report.sum_weights else ", sum of weights as given"
    columns = ("all", *CHANNELS)
    lines = [header, f"{'step':<24}" + "".join(f"{name:>12}" for name in columns)]
    for step, counts in report.cut_flow.items():
        cells = {"all": sum(counts.values()), **counts}
        lines.append(f"{step:<24}" + "".join(f"{cells.get(name, '-'):>12}" for name in columns))
    lines.append("sum of weights before the cut on the tag jet")
    for region, yields in report.region_yields.items():
        sums = {channel: value["sum_weights"] for channel, value in yields.items()}
        weights = {"all": math.fsum(sums.values()), **sums}
        lines.append(f"{region:<24}" + "".join(f"{weights[name]:>12.6g}" for name in columns))
    return "\n".join([*lines, *_remarks(report)])


def _remarks(report: SkimReport) -> Iterator[str]:
    """Yield lines about scores, weights and triggers."""
    yield "{selected} selected jets, {invalid} with an invalid score ({nan} of these not finite)".format(**report.jets)
    n = report.weights.get(WEIGHT, {}).get("n", 0.0)
    if report.kind == "simulation" and n:
        yield (
            f"{n:.0f} events with two jets, worth {report.n_effective():.6g} of weight 1; the largest "
            f"weight is {report.largest_share():.2%} of their sum"
        )
    if report.weight_shifts:
        yield "weight shifts: " + ", ".join(report.weight_shifts)
    for source, n in report.n_without.items():
        if n:
            yield f"events without weights of {source}, which count as not shifted: {n}"
    if report.missing_triggers:
        yield "trigger paths that a file lacks, and that count as not fired there: " + ", ".join(
            report.missing_triggers
        )
