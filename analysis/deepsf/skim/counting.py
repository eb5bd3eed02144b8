"""Counts of a skim while it runs: a report without events, to which each chunk adds its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from deepsf.arrays import Array
from deepsf.config.selection import CHANNELS
from deepsf.nanoaod.branches import Ntuple
from deepsf.skim.cut_flow import DILEPTON_STEPS, SkimReport, added
from deepsf.skim.dileptons import by_channel
from deepsf.skim.selected import Selected
from deepsf.skim.settings import Corrections, SkimSettings


def empty_report(ntuple: Ntuple, settings: SkimSettings, corrections: Corrections, file_name: str) -> SkimReport:
    """Return the report of a file before its first chunk."""
    regions = settings.regions
    steps = (*DILEPTON_STEPS, "exactly_two_jets", *(f"region_{name}" for name in regions))
    pileup_shifts = () if corrections.pileup is None else corrections.pileup.shifts
    kinematic_shifts, weight_shifts = corrections.energy.shifts, (*ntuple.weight_shifts, *pileup_shifts)
    return SkimReport(
        sample=settings.sample_name,
        kind=settings.sample.kind,
        n_events=ntuple.n_events,
        sum_weights=ntuple.sum_weights,
        cut_flow={"all": {"all": ntuple.n_events}, "filters": {"all": 0}}
        | {step: dict.fromkeys(CHANNELS, 0) for step in steps},
        region_yields={name: {channel: {"n": 0, "sum_weights": 0.0} for channel in CHANNELS} for name in regions},
        jets={"selected": 0, "invalid": 0, "nan": 0},
        missing_triggers=ntuple.missing_triggers,
        kinematic_shifts=kinematic_shifts,
        weight_shifts=weight_shifts,
        moved=dict.fromkeys((*kinematic_shifts[1:], *weight_shifts), 0),
        file=file_name,
    )


def with_chunk(report: SkimReport, selected: Selected, tagged: Mapping[str, Array]) -> SkimReport:
    """Return the report with the counts of a chunk added.

    Parameters
    ----------
    selected
        The chunk's events with nominal jets.
    tagged
        By region, shape (3,): number of events by channel with a probe entry.
    """
    dileptons, weight = selected.dileptons, selected.weights["weight"]
    channel = dileptons.channel
    cut_flow = dict(zip(DILEPTON_STEPS, dileptons.cut_flow, strict=True))
    cut_flow["exactly_two_jets"] = by_channel(channel[dileptons.n_jets == 2])
    cut_flow |= {f"region_{name}": n_events for name, n_events in tagged.items()}
    counts = {
        "cut_flow": {"filters": {"all": dileptons.n_filtered}}
        | {step: dict(zip(CHANNELS, row.tolist(), strict=True)) for step, row in cut_flow.items()},
        "region_yields": {name: _yields(channel[mask], weight[mask]) for name, mask in selected.in_region.items()},
        "jets": {"selected": len(dileptons.jet_index), "invalid": selected.n_invalid, "nan": selected.n_nan},
    }
    return replace(report, **{name: added(getattr(report, name), count) for name, count in counts.items()})


def _yields(channel: Array, weight: Array) -> dict[str, dict[str, float]]:
    n_events, sums = by_channel(channel).tolist(), by_channel(channel, weight).tolist()
    return {name: {"n": n, "sum_weights": total} for name, n, total in zip(CHANNELS, n_events, sums, strict=True)}
