"""Truth-tagged events as a table: the weight that stands for a cut, drawn tags, replica weights, the cut itself."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from deepsf import parquet_files
from deepsf.arrays import Array, Singles
from deepsf.config.efficiency.truth_tagging import TruthTagging, tag_point
from deepsf.efficiency.evaluation import ModelEfficiencies
from deepsf.efficiency.events.events import JetEvents, offsets_of
from deepsf.efficiency.non_closure.cells import EfficiencyChanges, NonClosures
from deepsf.efficiency.truth_tagging.draws import Bins, draw_bins, draw_pattern
from deepsf.efficiency.truth_tagging.probabilities import changes, taggable_jets, tagged_at_least, tagged_exactly
from deepsf.efficiency.truth_tagging.scale_factor_columns import (
    ScaleFactorSummary,
    Selection,
    Tagging,
    scale_factor_columns,
)
from deepsf.efficiency.truth_tagging.scale_factors import BinScaleFactors

MEAN_TOLERANCE = 0.01
"""Deviation from 1 of the mean scale factor of a flavour that is said."""


def selections(settings: TruthTagging) -> list[Selection]:
    """Return the numbers of tags of a configuration."""
    return [Selection(n, False) for n in settings.exactly] + [Selection(n, True) for n in settings.at_least]


@dataclass(frozen=True)
class TaggedEvents:
    """One row an event.

    Columns: ``event`` and ``weight`` (generator) of the event; ``out_of_range``, whether any of its jets is unlike all
    that the efficiencies were made from; ``sample``, ``run``, ``luminosityBlock`` and ``nanoaod_event`` where these are
    known, to join with the events of an analysis; and for each selection, such as ``exactly_2``,

    - ``probability_<selection>``: weight that stands for the cut, float64;
    - ``tag_bin_<selection>``: drawn tag bin of each jet, -1 for jets that are not taggable;
    - ``direct_<selection>``: whether the event passes the cut itself;
    - ``replicas_<selection>``: the probability by each member of the ensemble, float32: its yields' variance is V_eff;
      of training events by those of the cross-fit, absent if that has one member a fold;
    - ``change_<selection>``: dP / dln eps of the probability with each jet's efficiency, float32, with the non-closure.

    With the non-closure there is also ``non_closure_cell``, the cell of each jet, and the metadata key ``non_closure``;
    with scale factors also ``direct_scale_factor``, their product over the event's taggable jets at their actual scores
    or tag bins, and for each selection

    - ``scale_factor_<selection>``: product of the scale factors of the jets' drawn bins;
    - ``data_probability_<selection>``: the probability with scale factors in the efficiencies: the mean over draws;
    - ``data_replicas_<selection>``: the same by each member, float32.

    ``direct_scale_factor_<systematic>``, ``scale_factor_<selection>_<systematic>`` and
    ``data_probability_<selection>_<systematic>`` are those of systematics.
    """

    table: pa.Table
    scale_factors: ScaleFactorSummary | None = None

    def remarks(self) -> list[str]:
        """Return in words which flavours have scale factors whose mean is not 1 within `MEAN_TOLERANCE`."""
        means = {} if self.scale_factors is None else self.scale_factors.mean
        return [
            f"scale factors of {flavour} jets have the mean {mean:.3f} over tag bins, weighted with the efficiencies: "
            "they change yields before any cut on tags, for direct tagging alike; normalise them for these events"
            for flavour, mean in means.items()
            if mean is not None and not abs(mean - 1.0) <= MEAN_TOLERANCE
        ]

    def write(self, path: Path) -> None:
        """Write as parquet."""
        parquet_files.write(path, self.table)


def tag_events(
    events: JetEvents,
    efficiencies: ModelEfficiencies,
    settings: TruthTagging,
    hadron_flavours: Mapping[str, Sequence[int]],
    scale_factors: BinScaleFactors | None = None,
    non_closure: NonClosures | None = None,
) -> TaggedEvents:
    """Return weights and draws of all events; what a row says depends on that event alone.

    Only scale factors of the score know the other events, over whose scores they are averaged.

    Parameters
    ----------
    efficiencies
        Mean of the ensemble, and its members for the replica weights.
    hadron_flavours
        Codes of each flavour; scale factors are asked for the first.
    non_closure
        Errors of the efficiencies beside the spread of members.

    Raises
    ------
    ValueError
        If efficiencies do not belong to the events, or scale factors have none for some jets.
    """
    names = events.working_points
    if efficiencies.mean.shape != (len(events.pt_gev), len(names)) or not names:
        raise ValueError(
            f"efficiencies must be of the {len(events.pt_gev)} jets of the events and their working points "
            f"{list(names)}, at least one; got the shape {efficiencies.mean.shape}"
        )
    point = names.index(tag_point(names, settings.working_point))
    tagging = Tagging(events, efficiencies, taggable_jets(events, **dict(settings.taggable)), point)
    columns: dict[str, Any] = {"event": events.event, "weight": events.weight}
    columns |= {} if events.source is None else events.source.to_columns()
    if efficiencies.out_of_range is not None:
        jets = np.concatenate([[0], np.cumsum(efficiencies.out_of_range)])
        columns["out_of_range"] = np.diff(jets[events.offsets]) > 0
    drawn = {selection: _drawn_bins(tagging, selection, settings.seed) for selection in selections(settings)}
    for selection, bins in drawn.items():
        columns |= dict(_of_selection(tagging, selection, bins))
    metadata: dict[str, Any] = {"working_point": names[point], "working_points": names, "seed": settings.seed}
    summary = None
    if scale_factors is not None:
        corrected, summary = scale_factor_columns(tagging, scale_factors, hadron_flavours, drawn, settings.seed)
        columns |= corrected
        metadata |= {"systematics": scale_factors.systematics, "scale_factors": summary._asdict()}
    described = {"deepsf": json.dumps(metadata, allow_nan=False)}
    if non_closure is not None:
        columns["non_closure_cell"] = _by_jet(events, non_closure.cells.of_jets(events).astype(np.int16))
        for selection in drawn:
            columns[f"change_{selection.name}"] = _by_jet(events, _changes(tagging, selection))
        described["non_closure"] = non_closure.to_json()
    return TaggedEvents(pa.table(columns).replace_schema_metadata(described), summary)


def _changes(tagging: Tagging, selection: Selection) -> Singles:
    mean, offsets = tagging.efficiencies.mean[:, tagging.point], tagging.events.offsets
    change = changes(mean, offsets, selection.n, tagging.taggable, at_least_n=selection.at_least)
    return change.astype(np.float32)


def efficiency_changes(table: pa.Table, selection: str) -> EfficiencyChanges:
    """Return what the non-closure does to the events of a table, for `truth_tagged_yields`.

    Parameters
    ----------
    table
        As `TaggedEvents.write` wrote it; some of its events are enough.
    selection
        Such as ``exactly_2``.

    Raises
    ------
    ValueError
        If the table has no non-closure, or no such selection.
    """
    metadata, column = table.schema.metadata or {}, f"change_{selection}"
    if b"non_closure" not in metadata or column not in table.column_names:
        raise ValueError(
            f"the table has no column {column}, or no non-closure among its metadata; its columns are "
            f"{', '.join(table.column_names)}"
        )
    jets = {name: table[name].combine_chunks() for name in (column, "non_closure_cell")}
    found = NonClosures.from_json(metadata[b"non_closure"].decode())
    return EfficiencyChanges(
        offsets_of(jets[column].value_lengths().to_numpy()),
        jets["non_closure_cell"].flatten().to_numpy().astype(np.int64),
        jets[column].flatten().to_numpy().astype(np.float64),
        found.of(json.loads(metadata[b"deepsf"])["working_point"]).covariance,
    )


def _drawn_bins(tagging: Tagging, selection: Selection, seed: int) -> Bins:
    events, mean, taggable = tagging.events, tagging.efficiencies.mean, tagging.taggable
    drawn = draw_pattern(
        mean[:, tagging.point],
        events.offsets,
        events.event,
        selection.n,
        at_least=selection.at_least,
        seed=seed,
        taggable=taggable,
    )
    return draw_bins(mean, events.offsets, events.event, drawn.tagged, tagging.point, seed=seed, taggable=taggable)


def _of_selection(tagging: Tagging, selection: Selection, bins: Bins) -> Iterator[tuple[str, Any]]:
    """Yield name and column."""
    name, events, point = selection.name, tagging.events, tagging.point
    passes = tagged_at_least if selection.at_least else tagged_exactly
    yield f"probability_{name}", tagging.probability(selection, tagging.efficiencies.mean[:, point])
    yield f"direct_{name}", passes(events.tag_bin > point, events.offsets, selection.n, tagging.taggable)
    yield f"tag_bin_{name}", _by_jet(events, bins)
    if members := tagging.of_members():
        replicas = np.empty((len(events), len(members)), np.float32)
        for number, member in enumerate(members):
            replicas[:, number] = tagging.probability(selection, member[:, point])
        yield f"replicas_{name}", pa.FixedSizeListArray.from_arrays(pa.array(replicas.ravel()), len(members))


def _by_jet(events: JetEvents, values: Array) -> pa.ListArray:
    return pa.ListArray.from_arrays(pa.array(events.offsets.astype(np.int32)), pa.array(values))
