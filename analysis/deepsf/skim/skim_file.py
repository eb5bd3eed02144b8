"""One NanoAOD file -> table of probe entries and table of all jets (columns: docs/architecture.md).

The file is read once. Leptons are selected once a chunk, jets once for every shift of their energy.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from deepsf.arrays import Array
from deepsf.nanoaod.branches import inspect
from deepsf.nanoaod.events import Events, iterate
from deepsf.nanoaod.root_file import opened
from deepsf.skim.acceptance import accepted_events
from deepsf.skim.counting import empty_report, with_chunk, with_counts, with_found_shifts
from deepsf.skim.cut_flow import SkimReport
from deepsf.skim.file_identity import FileIdentity
from deepsf.skim.limits import require_usable
from deepsf.skim.moved import require_moved, with_moved
from deepsf.skim.pileup import PileupWeights
from deepsf.skim.probe_entries import probe_entries, probe_entries_schema
from deepsf.skim.selected import Selected, Weights, gather
from deepsf.skim.selection import select_leptons, with_identification, with_jets
from deepsf.skim.settings import Corrections, SkimSettings
from deepsf.skim.shifts import NOMINAL
from deepsf.skim.tables import Table, jet_rows, jets_schema, open_tables


def skim_file(
    path: str | Path,
    settings: SkimSettings,
    *,
    entries_path: str | Path,
    jets_path: str | Path,
    file_name: str | None = None,
    events_per_chunk: int = 50_000,
    n_events_max: int | None = None,
) -> SkimReport:
    """Select the dilepton events of a NanoAOD file and write its two tables.

    The tables are written chunk by chunk, so that memory does not grow with the file; if anything fails, neither is
    left behind.

    Parameters
    ----------
    entries_path, jets_path
        Where the parquet tables of probe entries and of jets go.
    file_name
        What the tables call the file, if it is a copy of another name.
    events_per_chunk
        Events held in memory at a time; a row group of each table.
    n_events_max
        Skim only the first events, to try a file.

    Raises
    ------
    deepsf.nanoaod.root_file.NtupleError
        If the file cannot be used.
    deepsf.skim.jet_corrections.JetCorrectionError, deepsf.skim.pileup.PileupError
        If a correction cannot be used.
    deepsf.skim.cut_flow.SkimError
        If an event is of a run outside of the era, a shift moves nothing, or the counts of the file exceed a
        limit: jets with an invalid score, events without weights that others have, the share of the largest weight.
    OSError
        If a table cannot be written; the message names it.
    """
    corrections = Corrections.load(settings)
    of_sample = (settings.sample, settings.tagger, settings.selection, corrections.branches)
    with opened(str(path)) as file:
        ntuple = inspect(path, *of_sample, settings.sources, settings.earlier, file=file).first(n_events_max)
        report = empty_report(ntuple, settings, corrections, Path(path).name if file_name is None else file_name)
        columns = settings.selection.jet_columns, report.weight_shifts
        with open_tables(
            (entries_path, probe_entries_schema(settings.regions, *columns)), (jets_path, jets_schema(*columns))
        ) as tables:
            identity = FileIdentity(ntuple, file)
            for events in iterate(ntuple, events_per_chunk, file=file):
                identity.add(events)
                accepted, left = accepted_events(events, settings, corrections.certified, str(path))
                report = with_counts(report, left, events.n_without)
                report = _write_rows(accepted, report, tables, settings, corrections)
            report = _checked(str(path), report, identity, settings, corrections)
            for table in tables:
                table.close(report.to_json())
    return report


def _checked(
    path: str, report: SkimReport, identity: FileIdentity, settings: SkimSettings, corrections: Corrections
) -> SkimReport:
    """Return the report of a whole file, which may be used and in which every shift moves something."""
    report = with_found_shifts(report)
    report = replace(report, content=identity.digest, luminosity_blocks=identity.blocks(corrections.certified))
    require_usable(path, report, settings)
    require_moved(path, report, corrections, settings.selection.jet.abseta_max)
    return report


def _write_rows(
    events: Events, report: SkimReport, tables: Sequence[Table], settings: SkimSettings, corrections: Corrections
) -> SkimReport:
    """Write the rows of a chunk to both tables, and return the report with its counts added."""
    entries, jets = tables
    for selected in _selected(events, settings, corrections):
        rows, tagged = probe_entries(selected, settings.tagger, settings.regions)
        entries.write(rows)
        jets.write(jet_rows(selected, settings.selection.n_jets_min))
        if report.kinematic_shifts[selected.shift] == NOMINAL:
            report, nominal = with_chunk(report, selected, tagged), selected
        report = with_moved(report, selected, nominal)
    return report


def _selected(events: Events, settings: SkimSettings, corrections: Corrections) -> Iterator[Selected]:
    """Yield the preselected events of a chunk with the jets of each shift."""
    energy, selection = corrections.energy, settings.selection
    leptons = select_leptons(events, selection)
    if settings.earlier:
        leptons = leptons.that_pass("data_order", ~events.fired_earlier[leptons.position, leptons.channel])
    if corrections.jet_veto is not None:
        leptons = leptons.that_pass("jet_veto", ~corrections.jet_veto.rejects(events.jets, leptons.position))
    events = events._replace(jets=with_identification(events.jets, leptons, selection, corrections.identification))
    weights = _weights(events, leptons.position, corrections.pileup)
    for shift, shifted in energy.vary(events, leptons, selection.jet.lepton_delta_r_min):
        dileptons = with_jets(leptons, shifted.jets, selection)
        of_shift = weights if shift == NOMINAL else weights.alone()
        yield gather(shifted, dileptons, of_shift, settings.regions, energy.shifts.index(shift))


def _weights(events: Events, position: Array, pileup: PileupWeights | None) -> Weights:
    """Return the weights of the chunk's events, complete only at the given positions: no others are used."""
    nominal, ratios, of_pileup = events.weight, dict(events.weight_ratios), None
    if pileup is not None and events.n_true_interactions is not None:
        factor, shifted = pileup.evaluate(events.n_true_interactions[position])
        of_pileup = np.ones(events.n_events)
        of_pileup[position] = factor
        nominal = nominal * of_pileup
        for shift, ratio in shifted.items():
            ratios[shift] = np.ones(events.n_events, np.float32)
            ratios[shift][position] = ratio
    return Weights(nominal, ratios, of_pileup)
