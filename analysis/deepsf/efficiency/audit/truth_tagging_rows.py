"""Rows on truth tagging: sums over patterns, draws, jets that are not taggable, scale factors.

Each figure is computed with the efficiencies of the ensemble at the events of a sample, so that it holds for what is
used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy.stats import chisquare, combine_pvalues

from deepsf.arrays import Floats, Ints, Singles
from deepsf.efficiency.audit.rows import Rows, row
from deepsf.efficiency.audit.symmetries import N_EVENTS
from deepsf.efficiency.events.events import JetEvents, offsets_of
from deepsf.efficiency.truth_tagging.draws import draw_bins, draw_pattern
from deepsf.efficiency.truth_tagging.patterns import all_patterns
from deepsf.efficiency.truth_tagging.probabilities import at_least, exactly
from deepsf.efficiency.truth_tagging.scale_factors import (
    bin_probabilities,
    data_efficiencies,
    drawn_scale_factor,
    of_working_points,
)

if TYPE_CHECKING:
    from deepsf.efficiency.networks.ensemble import EfficiencyEnsemble

_N_DRAWS = 100_000
_N_TAGS = 2
_N_JETS_DRAWN = 4
"""Jets that an event of many draws should have, if there is one."""
_MOST_JETS = 10
"""Of events whose patterns are listed: there are two to the power of that."""
_RARE = 5.0
"""Patterns that are expected less often share a class."""


def tagging_rows(
    events: JetEvents,
    efficiency: Singles,
    point: int,
    hadron_flavours: Mapping[str, Sequence[int]],
    ensemble: EfficiencyEnsemble,
    seed: int,
) -> Rows:
    """Return the rows on truth tagging.

    Parameters
    ----------
    efficiency
        Of the ensemble at all jets of the events, ``(n_jets, K)``.
    point
        Index of the working point that counts as a tag.
    """
    few = np.flatnonzero((events.n_jets > 0) & (events.n_jets <= _MOST_JETS))[:N_EVENTS]
    chosen = np.zeros(len(events), np.bool_)
    chosen[few] = True
    some, jets = events.select(chosen), np.repeat(chosen, events.n_jets)
    return {
        **row("truth_tagging.sums.patterns", _sum_of_patterns(some, efficiency[jets, point])),
        **_draws(events, efficiency, point, seed),
        **_taggable(some, efficiency[jets, point], ensemble),
        **_scale_factors(events, efficiency, point, hadron_flavours, seed),
    }


def _sum_of_patterns(events: JetEvents, efficiency: Singles) -> float:
    largest = 0.0
    for probability, or_more in ((exactly, False), (at_least, True)):
        patterns = all_patterns(efficiency, events.offsets, _N_TAGS, at_least=or_more)
        total = np.bincount(patterns.event, patterns.probability, len(events))
        largest = max(largest, float(np.abs(total - probability(efficiency, events.offsets, _N_TAGS)).max()))
    return largest


# --- draws


def _draws(events: JetEvents, efficiency: Singles, point: int, seed: int) -> Rows:
    rows: Rows = {}
    listed = np.where(events.n_jets <= _MOST_JETS, events.n_jets, 0)
    if listed.max(initial=0) > 0:
        chosen = int(np.argmax(listed >= min(_N_JETS_DRAWN, int(listed.max()))))
        first, last = events.offsets[chosen], events.offsets[chosen + 1]
        values = efficiency[first:last].astype(np.float64)
        rows |= row("truth_tagging.draws.patterns", _pattern_p_value(values[:, point], seed))
        rows |= row("truth_tagging.draws.tag_bins", _bin_p_value(values, point, seed))
    return rows | row("truth_tagging.draws.order", _n_changed(events, efficiency, point, seed))


def _pattern_p_value(efficiency: Floats, seed: int) -> float:
    patterns = all_patterns(efficiency, np.array([0, len(efficiency)]), 1, at_least=True)
    powers = 1 << np.arange(len(efficiency))
    expected = np.zeros(1 << len(efficiency))
    expected[patterns.tagged.reshape(-1, len(efficiency)) @ powers] = patterns.probability
    tiled, offsets, number = _repeated(efficiency)
    drawn = draw_pattern(tiled, offsets, number, 1, at_least=True, seed=seed).tagged
    observed = np.bincount(drawn.reshape(_N_DRAWS, -1) @ powers, minlength=len(expected))
    return _p_value(observed, expected / expected.sum())


def _bin_p_value(efficiency: Floats, point: int, seed: int) -> float:
    """Return the p-value of the bins of all jets, drawn given a pattern of any number of tags: they are independent."""
    tiled, offsets, number = _repeated(efficiency)
    tagged = draw_pattern(tiled[:, point], offsets, number, 0, at_least=True, seed=seed).tagged
    bins = draw_bins(tiled, offsets, number, tagged, point, seed=seed).reshape(_N_DRAWS, -1)
    probability = bin_probabilities(efficiency)
    n_bins = probability.shape[1]
    p_values = [
        _p_value(np.bincount(drawn, minlength=n_bins), expected)
        for drawn, expected in zip(bins.T, probability, strict=True)
    ]
    return float(combine_pvalues(p_values).pvalue) if min(p_values) > 0.0 else 0.0


def _repeated(efficiency: Floats) -> tuple[Floats, Ints, npt.NDArray[np.uint64]]:
    """Return one event's efficiencies many times over, with offsets and event numbers."""
    tiled = np.concatenate([efficiency] * _N_DRAWS)
    offsets = offsets_of(np.full(_N_DRAWS, len(efficiency)))
    return tiled, offsets, np.arange(_N_DRAWS, dtype=np.uint64)


def _p_value(observed: Ints, probability: Floats) -> float:
    expected = probability * observed.sum()
    if observed[expected == 0].any():
        return 0.0
    often = expected >= _RARE
    observed, expected = (np.append(counts[often], counts[~often].sum()) for counts in (observed, expected))
    used = expected > 0
    return float(chisquare(observed[used], expected[used]).pvalue) if used.sum() > 1 else 1.0


def _n_changed(events: JetEvents, efficiency: Singles, point: int, seed: int) -> int:
    reverse = np.lexsort((events.rank, -events.event_of_jet))
    offsets = offsets_of(events.n_jets[::-1])

    def drawn(values: Singles, first: Ints, number: npt.NDArray[np.uint64]) -> npt.NDArray[np.int8]:
        tagged = draw_pattern(values[:, point], first, number, 1, at_least=True, seed=seed).tagged
        return draw_bins(values, first, number, tagged, point, seed=seed)

    again = drawn(efficiency[reverse], offsets, events.event[::-1])
    return int(np.sum(again != drawn(efficiency, events.offsets, events.event)[reverse]))


# --- jets that are not taggable


def _taggable(events: JetEvents, efficiency: Singles, ensemble: EfficiencyEnsemble) -> Rows:
    leading = events.rank < _N_TAGS
    before = ensemble.evaluate(events).mean
    weight = at_least(efficiency, events.offsets, 1, leading)
    others_never = at_least(np.where(leading, efficiency, 0.0), events.offsets, 1, leading)
    changed = weight != at_least(efficiency, events.offsets, 1)
    per_jet = {name: getattr(events, name)[leading] for name in ("pt_gev", "eta", "phi", "flavour", "tag_bin")}
    alone = replace(events, offsets=offsets_of(np.minimum(events.n_jets, _N_TAGS)), discriminant=None, **per_jet)
    moved = np.abs(ensemble.evaluate(alone).mean.astype(np.float64) - before[leading])
    return {
        **row("truth_tagging.taggable.weights", changed.mean()),
        **row("truth_tagging.taggable.others", np.abs(weight - others_never).max()),
        **row("truth_tagging.taggable.graph", moved.max()),
    }


# --- scale factors


def _scale_factors(
    events: JetEvents, efficiency: Singles, point: int, hadron_flavours: Mapping[str, Sequence[int]], seed: int
) -> Rows:
    """Return the pull between both routes to yields of data, and the quotient of their variances."""
    codes = np.array([hadron_flavours[flavour][0] for flavour in events.flavours])[events.flavour]
    of_cut = _scale_factor_of_cut(codes, events.pt_gev.astype(np.float64), np.abs(events.eta.astype(np.float64)))
    in_bins = of_working_points(np.repeat(of_cut[:, None], efficiency.shape[1], axis=1), efficiency.astype(np.float64))
    in_data, untagged = data_efficiencies(efficiency, in_bins, point)
    weight = events.weight.astype(np.float64)
    rows: Rows = {}
    for name, n, or_more in (("exactly_1", 1, False), ("exactly_2", 2, False), ("at_least_1", 1, True)):
        probability = at_least if or_more else exactly
        tagged = draw_pattern(efficiency[:, point], events.offsets, events.event, n, at_least=or_more, seed=seed).tagged
        bins = draw_bins(efficiency, events.offsets, events.event, tagged, point, seed=seed)
        drawn = weight * probability(efficiency[:, point], events.offsets, n)
        drawn *= drawn_scale_factor(in_bins, bins, events.offsets)
        recomputed = weight * probability(in_data, events.offsets, n, untagged=untagged)
        difference, error = np.sum(drawn - recomputed), np.sqrt(np.sum((drawn - recomputed) ** 2))
        quotient = np.sum(recomputed**2) / np.sum(drawn**2) if np.any(drawn) else None
        pattern = "truth_tagging.scale_factors.{selection}."
        rows |= row(pattern + "pull", difference / error if error > 0 else None, selection=name)
        rows |= row(pattern + "variance", quotient, selection=name)
    return rows


def _scale_factor_of_cut(codes: Ints, pt_gev: Floats, abseta: Floats) -> Floats:
    """Return made-up scale factors, (n_jets,): they claim nothing of any tagger, but tell the two routes apart."""
    b = 0.95 + 0.03 * np.tanh((pt_gev - 150.0) / 150.0)
    c = 1.10 - 0.05 * np.tanh((pt_gev - 100.0) / 100.0)
    return np.select([codes == 5, codes == 4], [b, c], 1.30 - 0.10 * (abseta / 2.5) ** 2)
