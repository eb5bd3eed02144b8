"""Columns of truth-tagged events with scale factors: both routes to data, systematics, replicas, direct tagging."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from deepsf.arrays import Bools, Floats, Singles
from deepsf.efficiency.evaluation import ModelEfficiencies
from deepsf.efficiency.events.events import JetEvents
from deepsf.efficiency.events.random import jet_uniforms, stream
from deepsf.efficiency.events.ranks import product
from deepsf.efficiency.truth_tagging.draws import Bins
from deepsf.efficiency.truth_tagging.probabilities import at_least, exactly
from deepsf.efficiency.truth_tagging.scale_factors import (
    BinScaleFactors,
    JetScaleFactors,
    TaggedJets,
    bin_probabilities,
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


class Tagging(NamedTuple):
    """What is tagged: events, efficiencies of their jets, which jets may be tagged, the working point of a tag."""

    events: JetEvents
    efficiencies: ModelEfficiencies
    taggable: Bools
    point: int

    def probability(self, selection: Selection, tagged: Floats | Singles, untagged: Floats | None = None) -> Floats:
        """Return the weight of each event to have the wanted tags, from the weights of its jets."""
        function = at_least if selection.at_least else exactly
        return function(tagged, self.events.offsets, selection.n, self.taggable, untagged)

    def of_members(self) -> Sequence[Singles]:
        """Return the efficiencies of each member, none if there is but one."""
        members = self.efficiencies.members
        return () if members is None or len(members) < 2 else tuple(members)


class ScaleFactorSummary(NamedTuple):
    """What the audit says of the central scale factors.

    Attributes
    ----------
    mean
        By flavour, mean over its taggable jets of sum_k p_k SF_k, with the efficiencies as p_k; None without jets.
    n_negative
        Taggable jets that have a negative weight in some tag bin, or as untagged: scale factor times efficiency exceeds
        1.
    n_merged
        Cells of the score distribution that had too few jets.
    """

    mean: dict[str, float | None]
    n_negative: int
    n_merged: int


def scale_factor_columns(
    tagging: Tagging,
    source: BinScaleFactors,
    hadron_flavours: Mapping[str, Sequence[int]],
    drawn: Mapping[Selection, Bins],
    seed: int,
) -> tuple[dict[str, Any], ScaleFactorSummary]:
    """Return columns by name, see `deepsf.efficiency.truth_tagging.table.TaggedEvents`, and a summary.

    Parameters
    ----------
    source
        Scale factors; those of the score are averaged over the taggable jets of these events.
    hadron_flavours
        Codes of each flavour; scale factors are asked for the first.
    drawn
        Drawn tag bins, ``(n_jets,)``, by selection.
    seed
        Of the random positions of the scores that a scale factor is averaged over.

    Raises
    ------
    ValueError
        If there are no scale factors for some jets, or they need scores that are not known.
    """
    jets = tagged_jets(tagging.events, hadron_flavours, seed).choose(tagging.taggable)
    source = source.averaged_over(jets)
    central = source.of_jets(jets)
    columns = dict(_of_systematic(tagging, central, drawn, ""))
    columns |= _replicas(tagging, central, drawn)
    for name in source.systematics:
        columns |= _of_systematic(tagging, source.of_jets(jets, name), drawn, f"_{name}")
    return columns, _summary(tagging, central, source.n_merged)


def tagged_jets(events: JetEvents, hadron_flavours: Mapping[str, Sequence[int]], seed: int) -> TaggedJets:
    """Return what scale factors depend on of all jets; those of a flavour get its first code."""
    codes = np.array([hadron_flavours[flavour][0] for flavour in events.flavours], np.int64)
    return TaggedJets(
        codes[events.flavour],
        np.abs(events.eta).astype(np.float64),
        events.pt_gev.astype(np.float64),
        events.tag_bin,
        None if events.discriminant is None else events.discriminant.astype(np.float64),
        np.repeat(events.weight.astype(np.float64), events.n_jets),
        jet_uniforms(stream(seed, "scores of tagged jets"), events.event, events.offsets),
    )


def _of_systematic(
    tagging: Tagging, found: JetScaleFactors, drawn: Mapping[Selection, Bins], suffix: str
) -> Iterator[tuple[str, Floats]]:
    """Yield name and column."""
    mean, offsets, taggable = tagging.efficiencies.mean, tagging.events.offsets, tagging.taggable
    in_bins = scale_factors_in_bins(found, mean, taggable)
    in_data, untagged = data_efficiencies(mean, in_bins, tagging.point)
    at_tags = np.ones(len(taggable))
    at_tags[taggable] = found.at_tags(mean[taggable].astype(np.float64))
    yield f"direct_scale_factor{suffix}", product(at_tags, offsets, taggable)
    for selection, bins in drawn.items():
        yield f"scale_factor_{selection.name}{suffix}", drawn_scale_factor(in_bins, bins, offsets)
        yield f"data_probability_{selection.name}{suffix}", tagging.probability(selection, in_data, untagged)


def _replicas(
    tagging: Tagging, central: JetScaleFactors, selections: Iterable[Selection]
) -> dict[str, pa.FixedSizeListArray]:
    """Return the columns of replicas, none without members; scale factors of cuts give others in bins for each."""
    members = tagging.of_members()
    if not members:
        return {}
    replicas = {s: np.empty((len(tagging.events), len(members)), np.float32) for s in selections}
    for number, member in enumerate(members):
        in_bins = scale_factors_in_bins(central, member, tagging.taggable)
        in_data, untagged = data_efficiencies(member, in_bins, tagging.point)
        for selection, columns in replicas.items():
            columns[:, number] = tagging.probability(selection, in_data, untagged)
    return {
        f"data_replicas_{selection.name}": pa.FixedSizeListArray.from_arrays(pa.array(columns.ravel()), len(members))
        for selection, columns in replicas.items()
    }


def _summary(tagging: Tagging, central: JetScaleFactors, n_merged: int) -> ScaleFactorSummary:
    events, taggable = tagging.events, tagging.taggable
    efficiency = tagging.efficiencies.mean[taggable]
    weight = bin_probabilities(efficiency) * central.in_bins(efficiency.astype(np.float64))
    event_weight = np.repeat(events.weight.astype(np.float64), events.n_jets)[taggable]
    mean: dict[str, float | None] = {}
    for number, flavour in enumerate(events.flavours):
        chosen = events.flavour[taggable] == number
        total = float(event_weight[chosen].sum())
        product_sum = float(np.sum(event_weight[chosen] * weight[chosen].sum(axis=1)))
        mean[flavour] = product_sum / total if total > 0.0 else None
    untagged = weight[:, : tagging.point + 1].sum(axis=1)
    return ScaleFactorSummary(mean, int(np.sum((weight < 0.0).any(axis=1) | (untagged < 0.0))), n_merged)
