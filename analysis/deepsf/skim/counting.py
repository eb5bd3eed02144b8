"""Counts of a skim while it runs: a report without events, to which each chunk adds its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from deepsf.arrays import Array
from deepsf.config.selection import CHANNELS
from deepsf.nanoaod.branches import Ntuple
from deepsf.skim.cut_flow import STEPS, WEIGHT, SkimReport, added, added_weights
from deepsf.skim.dileptons import by_channel
from deepsf.skim.selected import Selected
from deepsf.skim.settings import Corrections, SkimSettings


def blank_report(settings: SkimSettings, corrections: Corrections, file_name: str) -> SkimReport:
    """Return the report of a file of which nothing is known."""
    regions = settings.regions
    configured = {
        "certified": corrections.certified is not None,
        "data_order": bool(settings.earlier),
        "jet_veto": corrections.jet_veto is not None,
    }
    steps = [step for step in STEPS if configured.get(step, True)]
    return SkimReport(
        sample=settings.sample_name,
        kind=settings.sample.kind,
        n_events=0,
        sum_weights=0.0,
        cut_flow={
            **{step: dict.fromkeys(("all",) if step in _OF_ALL_CHANNELS else CHANNELS, 0) for step in steps},
            **{f"region_{name}": dict.fromkeys(CHANNELS, 0) for name in regions},
        },
        region_yields={name: {channel: {"n": 0, "sum_weights": 0.0} for channel in CHANNELS} for name in regions},
        jets={"selected": 0, "invalid": 0, "nan": 0},
        kinematic_shifts=corrections.energy.shifts,
        file=file_name,
    )


def empty_report(ntuple: Ntuple, settings: SkimSettings, corrections: Corrections, file_name: str) -> SkimReport:
    """Return the report of a file before its first chunk."""
    blank = blank_report(settings, corrections, file_name)
    pileup_shifts = () if corrections.pileup is None else corrections.pileup.shifts
    weight_shifts = (*ntuple.weight_shifts, *pileup_shifts)
    return replace(
        blank,
        n_events=ntuple.n_events,
        sum_weights=ntuple.sum_weights,
        cut_flow={**blank.cut_flow, "all": {"all": ntuple.n_events}},
        missing_triggers=ntuple.triggers.missing,
        weight_shifts=weight_shifts,
        moved=dict.fromkeys((*blank.kinematic_shifts[1:], *weight_shifts), 0),
        n_without=dict.fromkeys(ntuple.listed_sources, 0),
        resolved=ntuple.resolved,
    )


_OF_ALL_CHANNELS = ("all", "certified", "filters")
"""Steps before the leptons, at which no event has a channel yet."""


def with_counts(report: SkimReport, left: Mapping[str, int], n_without: Mapping[str, int]) -> SkimReport:
    """Return the report with numbers of events of a chunk added, by step and by source of weight shifts."""
    flow = {step: {"all": n} for step, n in left.items()}
    return replace(report, cut_flow=added(report.cut_flow, flow), n_without=added(report.n_without, n_without))


def with_chunk(report: SkimReport, selected: Selected, tagged: Mapping[str, Array]) -> SkimReport:
    """Return the report with the counts of a chunk added.

    Parameters
    ----------
    selected
        The chunk's events with nominal jets.
    tagged
        By region, shape (3,): number of events by channel with a probe entry.
    """
    dileptons, weight = selected.dileptons, selected.weights[WEIGHT]
    channel = dileptons.channel
    cut_flow = dict(dileptons.cut_flow)
    cut_flow["exactly_two_jets"] = by_channel(channel[dileptons.n_jets == 2])
    cut_flow |= {f"region_{name}": n_events for name, n_events in tagged.items()}
    counts: dict[str, Mapping[str, Any]] = {
        "cut_flow": {"filters": {"all": dileptons.n_filtered}}
        | {step: dict(zip(CHANNELS, row.tolist(), strict=True)) for step, row in cut_flow.items()},
        "region_yields": {name: _yields(channel[mask], weight[mask]) for name, mask in selected.in_region.items()},
        "jets": {"selected": len(dileptons.jet_index), "invalid": selected.n_invalid, "nan": selected.n_nan},
    }
    if selected.pileup is not None:
        counts["pileup"] = {"n": len(weight), "sum": float(selected.pileup.sum())}
    ratios = {f"weight_{shift}": selected.weights[f"weight_{shift}"] for shift in report.weight_shifts}
    sums = {WEIGHT: _weight_sums(weight), **{column: _weight_sums(weight * ratio) for column, ratio in ratios.items()}}
    summed = {name: added(getattr(report, name), count) for name, count in counts.items()}
    return replace(report, **summed, weights=added_weights(report.weights, sums))


def with_found_shifts(report: SkimReport) -> SkimReport:
    """Return the report of a whole file without the weight shifts that none of its events has."""
    absent = {source for source, n in report.n_without.items() if n == report.n_events > 0}
    found = tuple(shift for shift in report.weight_shifts if shift.rpartition("_")[0] not in absent)
    n_without = {source: n for source, n in report.n_without.items() if source not in absent}
    moved = {s: n for s, n in report.moved.items() if s in (*report.kinematic_shifts, *found)}
    columns = (WEIGHT, *(f"weight_{shift}" for shift in found))
    weights = {column: sums for column, sums in report.weights.items() if column in columns}
    return replace(report, weight_shifts=found, n_without=n_without, moved=moved, weights=weights)


def _weight_sums(weight: Array) -> dict[str, float]:
    absolute = np.abs(weight)
    return {
        "n": float(len(weight)),
        "sum": float(weight.sum()),
        "sum_abs": float(absolute.sum()),
        "sum_squares": float(np.dot(weight, weight)),
        "largest": float(absolute.max(initial=0.0)),
    }


def _yields(channel: Array, weight: Array) -> dict[str, dict[str, float]]:
    n_events, sums = by_channel(channel).tolist(), by_channel(channel, weight).tolist()
    return {name: {"n": n, "sum_weights": total} for name, n, total in zip(CHANNELS, n_events, sums, strict=True)}
