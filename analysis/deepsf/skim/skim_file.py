"""One NanoAOD file -> table of tag-probe entries and table of all jets (columns: docs/architecture.md).

The file is read once. Leptons are selected once a chunk, jets once for every shift of their energy.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from deepsf.config.flavours import Tagger
from deepsf.config.jet_corrections import JetCorrections
from deepsf.config.regions import Region
from deepsf.config.samples import Pileup, Sample
from deepsf.config.selection import CHANNELS, Selection
from deepsf.nanoaod.branches import JETS_AS_STORED
from deepsf.nanoaod.events import Events, Ntuple, inspect, iterate
from deepsf.skim.cut_flow import (
    SkimError,
    SkimReport,
    format_cut_flow,
    merge_cut_flows,
    read_metadata,
    require_selected,
    require_valid_scores,
)
from deepsf.skim.dileptons import DILEPTON_STEPS, by_channel
from deepsf.skim.jet_corrections import JetEnergy
from deepsf.skim.jet_corrections import load as load_jet_energy
from deepsf.skim.pileup import PileupWeights, load_pileup
from deepsf.skim.selection import select_leptons, with_jets
from deepsf.skim.shifts import NOMINAL
from deepsf.skim.tables import Selected, Weights, entries_schema, entry_rows, gather, jet_rows, jets_schema, open_tables

__all__ = [
    "SkimError",
    "SkimReport",
    "format_cut_flow",
    "merge_cut_flows",
    "read_metadata",
    "require_selected",
    "require_valid_scores",
    "skim_file",
]

Array = npt.NDArray[Any]


def skim_file(  # noqa: PLR0913 - becomes fewer
    path: str | Path,
    sample_name: str,
    sample: Sample,
    *,
    tagger: Tagger,
    selection: Selection,
    regions: Mapping[str, Region],
    pileup: Pileup | None = None,
    pileup_path: str | Path | None = None,
    jet_corrections: JetCorrections | None = None,
    jet_corrections_path: str | Path | None = None,
    entries_path: str | Path,
    jets_path: str | Path,
    file_name: str | None = None,
    chunk_entries: int = 100_000,
) -> SkimReport:
    """Select the dilepton events of a NanoAOD file and write its two tables.

    The tables are written chunk by chunk, so that memory does not grow with the file; if anything fails, neither is
    left behind.

    Parameters
    ----------
    pileup, pileup_path
        Pile-up weights and the correctionlib file they are in; without effect on data.
    jet_corrections, jet_corrections_path
        Corrections of the jets' energy and the correctionlib file they are in; without them jets are as stored. Every
        shift of theirs has rows of its own.
    entries_path, jets_path
        Where the parquet tables go.
    file_name
        What the tables call the file, if it is a copy of another name.
    chunk_entries
        Events held in memory at a time; a row group of each table.

    Raises
    ------
    deepsf.nanoaod.events.NtupleError
        If the file cannot be used.
    deepsf.skim.pileup.PileupError
        If the pile-up correction cannot be used.
    deepsf.skim.jet_corrections.JetCorrectionError
        If a correction of jets cannot be used.
    SkimError
        If more jets than ``tagger.max_invalid_fraction`` have an invalid score.
    OSError
        If a table cannot be written; the message names it.
    """
    energy = _jet_energy(jet_corrections, jet_corrections_path, sample_name, sample)
    pileup_weights = _pileup_weights(pileup, pileup_path, sample)
    ntuple = inspect(
        path,
        sample,
        tagger=tagger,
        selection=selection,
        pileup=pileup_weights is not None,
        jet_energy=JETS_AS_STORED if energy is None else energy.branches,
    )
    shifts = (NOMINAL,) if energy is None else energy.shifts
    weight_shifts = (*ntuple.weight_shifts, *(() if pileup_weights is None else pileup_weights.shifts))
    counts = _no_counts(regions)
    with open_tables(
        (entries_path, entries_schema(regions, selection.jet_columns, weight_shifts)),
        (jets_path, jets_schema(selection.jet_columns, weight_shifts)),
    ) as (entries, jets):
        for events in iterate(ntuple, chunk_entries):
            leptons = select_leptons(events, selection)
            weights = _weights(events, leptons.position, pileup_weights)
            varied = (
                iter([(NOMINAL, events)])
                if energy is None
                else energy.vary(events, leptons, selection.jet.lepton_delta_r_min)
            )
            for shift, shifted in varied:
                dileptons = with_jets(leptons, shifted.jets, selection)
                number = shifts.index(shift)
                selected = gather(shifted, dileptons, weights if shift == NOMINAL else weights.alone(), regions, number)
                rows, region_flow = entry_rows(selected, tagger, regions)
                entries.write(rows)
                jets.write(jet_rows(selected, selection.n_jets_min))
                if shift == NOMINAL:
                    counts = _added(counts, _counts(selected, region_flow))
        name = Path(path).name if file_name is None else file_name
        report = _report(ntuple, name, sample_name, sample, counts, shifts, weight_shifts)
        require_valid_scores(str(path), report.jets, tagger.branch, tagger.max_invalid_fraction)
        entries.close(report.to_json())
        jets.close(report.to_json())
    return report


def _jet_energy(
    settings: JetCorrections | None, path: str | Path | None, sample_name: str, sample: Sample
) -> JetEnergy | None:
    if settings is None:
        return None
    if path is None:
        raise ValueError("jet_corrections_path is needed where jet_corrections is configured")
    return load_jet_energy(settings, path, sample_name, sample.kind)


def _pileup_weights(pileup: Pileup | None, path: str | Path | None, sample: Sample) -> PileupWeights | None:
    if pileup is None or sample.kind == "data":
        return None
    if path is None:
        raise ValueError("pileup_path is needed where pileup is configured")
    return PileupWeights(load_pileup(pileup, path), pileup)


def _weights(events: Events, position: Array, pileup: PileupWeights | None) -> Weights:
    """Return the weights of the chunk's events; those at other positions than the given ones are of no use."""
    nominal, ratios = events.generator_weight, dict(events.weight_ratios)
    if pileup is not None and events.n_true_interactions is not None:
        factor, shifted = pileup.evaluate(events.n_true_interactions[position])
        nominal = nominal.copy()
        nominal[position] *= factor
        for shift, ratio in shifted.items():
            ratios[shift] = np.ones(events.n_events, np.float32)
            ratios[shift][position] = ratio
    return Weights(nominal, ratios)


def _counts(selected: Selected, region_flow: Mapping[str, Array]) -> dict[str, Any]:
    dileptons, weight = selected.dileptons, selected.weights["weight"]
    channel = dileptons.channel
    return {
        "filters": dileptons.n_filtered,
        "cut_flow": dileptons.cut_flow,
        "exactly_two_jets": by_channel(channel[dileptons.n_jets == 2]),
        **{f"region_{name}": flow for name, flow in region_flow.items()},
        **{f"n_{name}": by_channel(channel[mask]) for name, mask in selected.in_region.items()},
        **{f"sum_{name}": by_channel(channel[mask], weight[mask]) for name, mask in selected.in_region.items()},
        "jets": np.array([len(dileptons.jet_index), selected.n_invalid, selected.n_nan]),
    }


def _no_counts(regions: Mapping[str, Region]) -> dict[str, Any]:
    zeros = np.zeros(len(CHANNELS), np.int64)
    return {
        "filters": 0,
        "cut_flow": np.zeros((len(DILEPTON_STEPS), len(CHANNELS)), np.int64),
        "exactly_two_jets": zeros,
        **{f"{count}_{name}": zeros for name in regions for count in ("region", "n")},
        **{f"sum_{name}": zeros.astype(np.float64) for name in regions},
        "jets": np.zeros(3, np.int64),
    }


def _added(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    return {name: first[name] + second[name] for name in first}


def _report(
    ntuple: Ntuple,
    file_name: str,
    sample_name: str,
    sample: Sample,
    counts: Mapping[str, Any],
    kinematic_shifts: tuple[str, ...],
    weight_shifts: tuple[str, ...],
) -> SkimReport:
    regions = [name.removeprefix("region_") for name in counts if name.startswith("region_")]
    cut_flow = {"all": {"all": ntuple.n_events}, "filters": {"all": int(counts["filters"])}}
    for step, row in zip(DILEPTON_STEPS, counts["cut_flow"], strict=True):
        cut_flow[step] = _named(row)
    for step in ("exactly_two_jets", *(f"region_{name}" for name in regions)):
        cut_flow[step] = _named(counts[step])
    yields: dict[str, dict[str, dict[str, float]]] = {
        region: {
            str(channel): {"n": int(n), "sum_weights": float(total)}
            for channel, n, total in zip(CHANNELS, counts[f"n_{region}"], counts[f"sum_{region}"], strict=True)
        }
        for region in regions
    }
    selected, invalid, nan = (int(n) for n in counts["jets"])
    return SkimReport(
        sample=sample_name,
        kind=sample.kind,
        n_events=ntuple.n_events,
        sum_weights=ntuple.sum_weights,
        cut_flow=cut_flow,
        region_yields=yields,
        jets={"selected": selected, "invalid": invalid, "nan": nan},
        missing_triggers=ntuple.missing_triggers,
        kinematic_shifts=kinematic_shifts,
        weight_shifts=weight_shifts,
        file=file_name,
    )


def _named(row: Array) -> dict[str, int]:
    return {channel: int(n) for channel, n in zip(CHANNELS, row, strict=True)}
