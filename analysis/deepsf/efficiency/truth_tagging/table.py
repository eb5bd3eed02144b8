"""Truth-tagged events as a table: the weight that stands for a cut, drawn tags, replica weights, the cut itself."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from deepsf import parquet_files
from deepsf.arrays import Bools, Floats, Singles
from deepsf.config.efficiency.truth_tagging import TruthTagging, tag_point
from deepsf.efficiency.evaluation import ModelEfficiencies
from deepsf.efficiency.events.events import JetEvents
from deepsf.efficiency.truth_tagging.draws import draw_bins, draw_pattern
from deepsf.efficiency.truth_tagging.probabilities import (
    at_least,
    exactly,
    taggable_jets,
    tagged_at_least,
    tagged_exactly,
)
from deepsf.efficiency.truth_tagging.scale_factors import (
    BinScaleFactors,
    TaggedJets,
    data_efficiencies,
    drawn_scale_factor,
    scale_factors_in_bins,
)


class Selection(NamedTuple):
    """A number of tags that is asked for."""

    n: int
    at_least: bool

    @property
    def name(self) -> str:
        """Name in columns, such as ``at_least_2``."""
        return f"{'at_least' if self.at_least else 'exactly'}_{self.n}"


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
    - ``scale_factor_<selection>``: product of the scale factors of the jets' drawn bins, if there are any;
    - ``data_probability_<selection>``: the probability with scale factors in the efficiencies: the mean over draws.
    """

    table: pa.Table

    def write(self, path: Path) -> None:
        """Write as parquet."""
        parquet_files.write(path, self.table)


def tag_events(
    events: JetEvents,
    efficiencies: ModelEfficiencies,
    settings: TruthTagging,
    hadron_flavours: Mapping[str, Sequence[int]],
    scale_factors: BinScaleFactors | None = None,
) -> TaggedEvents:
    """Return weights and draws of all events; what a row says depends on that event alone.

    Parameters
    ----------
    efficiencies
        Mean of the ensemble, and its members for the replica weights.
    hadron_flavours
        Codes of each flavour; scale factors are asked for the first.

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
    taggable = taggable_jets(events, **dict(settings.taggable))
    columns: dict[str, Any] = {"event": events.event, "weight": events.weight}
    columns |= {} if events.source is None else events.source.to_columns()
    if efficiencies.out_of_range is not None:
        jets = np.concatenate([[0], np.cumsum(efficiencies.out_of_range)])
        columns["out_of_range"] = np.diff(jets[events.offsets]) > 0
    in_bins = _in_bins(events, efficiencies, hadron_flavours, scale_factors, taggable)
    for selection in selections(settings):
        columns |= dict(_of_selection(events, efficiencies, selection, point, taggable, settings.seed, in_bins))
    metadata = {"working_point": names[point], "working_points": names, "seed": settings.seed}
    return TaggedEvents(pa.table(columns).replace_schema_metadata({"deepsf": json.dumps(metadata, allow_nan=False)}))


def _of_selection(
    events: JetEvents,
    efficiencies: ModelEfficiencies,
    selection: Selection,
    point: int,
    taggable: Bools,
    seed: int,
    in_bins: Floats | None,
) -> Iterator[tuple[str, Any]]:
    """Yield name and column."""
    name, offsets, mean = selection.name, events.offsets, efficiencies.mean
    probability = at_least if selection.at_least else exactly
    passes = tagged_at_least if selection.at_least else tagged_exactly
    yield f"probability_{name}", probability(mean[:, point], offsets, selection.n, taggable)
    yield f"direct_{name}", passes(events.tag_bin > point, offsets, selection.n, taggable)
    drawn = draw_pattern(
        mean[:, point],
        offsets,
        events.event,
        selection.n,
        at_least=selection.at_least,
        seed=seed,
        taggable=taggable,
    )
    bins = draw_bins(mean, offsets, events.event, drawn.tagged, point, seed=seed, taggable=taggable)
    yield f"tag_bin_{name}", pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), pa.array(bins))
    if in_bins is not None:
        yield f"scale_factor_{name}", drawn_scale_factor(in_bins, bins, offsets)
        in_data, untagged = data_efficiencies(mean, in_bins, point)
        yield f"data_probability_{name}", probability(in_data, offsets, selection.n, taggable, untagged)
    if efficiencies.members is not None and len(efficiencies.members) > 1:
        yield f"replicas_{name}", _replicas(efficiencies.members, events, selection, point, taggable)


def _replicas(
    members: Singles, events: JetEvents, selection: Selection, point: int, taggable: Bools
) -> pa.FixedSizeListArray:
    probability = at_least if selection.at_least else exactly
    replicas = np.empty((len(events), len(members)), np.float32)
    for number, member in enumerate(members):
        replicas[:, number] = probability(member[:, point], events.offsets, selection.n, taggable)
    return pa.FixedSizeListArray.from_arrays(pa.array(replicas.ravel()), len(members))


def _in_bins(
    events: JetEvents,
    efficiencies: ModelEfficiencies,
    hadron_flavours: Mapping[str, Sequence[int]],
    scale_factors: BinScaleFactors | None,
    taggable: Bools,
) -> Floats | None:
    if scale_factors is None:
        return None
    codes = np.array([hadron_flavours[flavour][0] for flavour in events.flavours], np.int64)
    jets = TaggedJets(codes[events.flavour], np.abs(events.eta).astype(np.float64), events.pt_gev.astype(np.float64))
    return scale_factors_in_bins(scale_factors, jets, efficiencies.mean, taggable)
