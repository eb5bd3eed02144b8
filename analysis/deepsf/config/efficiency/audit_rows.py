"""Names of the rows that the audit of efficiencies makes, and what each row is: one table for audit, limits and docs.

A name reads ``<check>.<what>.<category>.<quantity>``, as far as a row needs it: ``deviation.gnn.b``,
``closure.delta_r.2tag.chi2``. Rows that name no model are of the ensemble's network.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from itertools import combinations_with_replacement, product
from string import Formatter
from typing import NamedTuple


class RowKind(NamedTuple):
    """What a row is, and what a campaign must have for it: sections of ``efficiency``, networks, working points.

    ``limit`` is what a campaign has that sets no other: the largest value, or an interval that may be open.
    """

    meaning: str
    needs: tuple[str, ...] = ()
    limit: float | tuple[float | None, float | None] | None = None


SEVERAL_POINTS = "several working points"
POINTS_OF_SAMPLES = "several working points of the samples"
SCALE_FACTORS = "truth_tagging.scale_factors"
_TOY, _RATIO, _EXPERIMENTS, _SF = ("toy",), ("ratio",), ("experiments",), (SCALE_FACTORS,)
_CLOSEST = "closest_jet"
_PROCESS = ("transfer",)
_DELTA_R = "in DeltaR of the two leading jets"
_DEVIATION = "mean |predicted - true| / mean true"

ROWS: Mapping[str, RowKind] = {
    "toy.efficiency.{flavour}": RowKind("mean true efficiency", _TOY),
    "toy.tag_rate_pull.{flavour}": RowKind("tags minus their expectation, over its error", _TOY),
    "toy.scalar.mass": RowKind("scalar's sample: largest relative deviation of the quarks' mass", _TOY),
    "toy.scalar.mass_stored": RowKind("scalar's sample: the same of stored jets, in single precision", _TOY),
    "toy.scalar.same_function": RowKind("scalar's sample: largest difference of true efficiencies from training", _TOY),
    "deviation.{model}.{flavour}": RowKind(f"{_DEVIATION} [%]", _TOY),
    "deviation.{ensemble}.{flavour}.over_closest_jet": RowKind(f"{_DEVIATION}, over closest_jet's", (*_TOY, _CLOSEST)),
    "cross_entropy.gap_closed.{not_map}": RowKind("share of the gap between map and truth that the model closes", _TOY),
    "convergence.{network}.last_half": RowKind(
        "share of what members learn that the last half of their steps has, mean [%]", limit=10.0
    ),
    "convergence.{network}.over_map": RowKind(
        "cross-entropy of test tags, the map's minus the network's, over its error", limit=(-2.0, None)
    ),
    "calibration.all_jets.{flavour}": RowKind("mean predicted / mean true (without truth: tags) - 1 [%]"),
    "calibration.low_pt.{flavour}": RowKind(
        "mean predicted / mean true (without truth: tags) - 1, below audit.low_pt_gev [%]"
    ),
    "calibration.cross_fit.{flavour}": RowKind("training sample: cross-fitted / tags - 1 [%]"),
    "calibration.reliability.{flavour}.chi2": RowKind("chi2/ndf of tag rate against prediction, in its quantiles"),
    "closure.delta_r.{region}.chi2": RowKind(f"chi2/ndf of predicted against direct yields {_DELTA_R}"),
    "closure.delta_r.{region}.chi2_map": RowKind(f"chi2/ndf of the map's yields {_DELTA_R}"),
    "closure.delta_r.{region}.chi2_truth": RowKind(f"chi2/ndf of the true efficiencies' yields {_DELTA_R}", _TOY),
    "closure.delta_r.{region}.deviation_first_bin": RowKind("|predicted / true yield - 1| of the first bin [%]", _TOY),
    "closure.delta_r.{region}.deviation": RowKind("largest |predicted / true yield - 1| of the other bins [%]", _TOY),
    "closure.{variable}.{region}.chi2_above_truth": RowKind("chi2/ndf minus that of the true efficiencies", _TOY),
    "closure.n_tags.chi2_above_truth": RowKind("chi2/ndf minus that of the true efficiencies, number of tags", _TOY),
    "closure.n_jets.2tag.chi2_closest_jet": RowKind("chi2/ndf of closest_jet in the number of jets", (_CLOSEST,)),
    "transfer.deviation.{flavour}.over_test": RowKind(f"{_DEVIATION}, scalar's sample over test sample", _TOY),
    "transfer.delta_r.{region}.chi2": RowKind(f"scalar's sample: chi2/ndf {_DELTA_R}", _TOY),
    "transfer.delta_r.{region}.chi2_map": RowKind(f"scalar's sample: chi2/ndf of the map {_DELTA_R}", _TOY),
    "transfer.delta_r.{region}.chi2_truth": RowKind(f"scalar's sample: chi2/ndf of the truth {_DELTA_R}", _TOY),
    "transfer.delta_r.{region}.chi2_over_map": RowKind(f"scalar's sample: chi2 {_DELTA_R} over the map's", _TOY),
    "process.{process}.calibration.{flavour}": RowKind("transfer sample: mean predicted / tags - 1 [%]", _PROCESS),
    "process.{process}.delta_r.{region}.chi2": RowKind(f"transfer sample: chi2/ndf {_DELTA_R}", _PROCESS),
    "process.{process}.delta_r.{region}.chi2_map": RowKind(
        f"transfer sample: chi2/ndf of the map {_DELTA_R}", _PROCESS
    ),
    "process.{process}.residual.{flavour}.chi2": RowKind(
        "transfer sample: chi2/ndf of tagged over predicted jets in pT, from 1", _PROCESS
    ),
    "spread.rms_ratio.{flavour}": RowKind("rms(mean - true) / rms(spread over members)", _TOY),
    "spread.pull_mean.{flavour}": RowKind("mean over jets of (mean - true) / spread", _TOY),
    "spread.pull_mean_significance.{flavour}": RowKind(
        "pull_mean over its statistical fluctuation from the training sample", _TOY
    ),
    "spread.pull_width.{flavour}": RowKind("standard deviation over jets of (mean - true) / spread", _TOY),
    "spread.uncovered.{flavour}": RowKind("rms deviation beyond the spread, over mean true [%]", _TOY),
    "non_closure.size.{flavour}": RowKind(
        "relative bias of cells beyond statistics and spread, rms that is fitted [%]"
    ),
    "non_closure.at_least.{flavour}": RowKind("the same, less two errors of its square [%]", limit=5.0),
    "non_closure.significance.{flavour}": RowKind("of that bias, in standard deviations"),
    "non_closure.quoted_over_true.{flavour}": RowKind("rms of spread and non-closure of cells, over true bias", _TOY),
    "coverage.with_v_eff.{category}": RowKind("2tag yields of maps: actual error over sqrt(sum w^2 + V_eff)", _TOY),
    "coverage.sum_w2_alone.{category}": RowKind("2tag yields of maps: actual error over sqrt(sum w^2)", _TOY),
    "gain.with_v_eff.{category}": RowKind("2tag: effective events over those of direct tags, sum w^2 + V_eff"),
    "gain.sum_w2_alone.{category}": RowKind("2tag: effective events over those of direct tags, sum w^2 alone"),
    "gain.truth.{region}": RowKind("effective events over those of direct tags, true efficiencies", _TOY),
    "correlation.significance.{model}": RowKind("largest |residual correlation of tags| / error over flavour pairs"),
    "correlation.significance.truth": RowKind("largest |residual correlation| / error with true efficiencies", _TOY),
    "correlation.injected.{pair}": RowKind("residual correlation / error, tags drawn with a correlation of 0.2", _TOY),
    "truth_tagging.sums.numbers": RowKind("largest deviation from 1 of an event's sum over N of P(=N)"),
    "truth_tagging.sums.patterns": RowKind("largest deviation of P(=2), P(>=2) from the sum over an event's patterns"),
    "truth_tagging.draws.patterns": RowKind("p-value of the frequency of patterns in 100000 draws of one event"),
    "truth_tagging.draws.tag_bins": RowKind("p-value of the frequency of tag bins in 100000 draws of one event"),
    "truth_tagging.draws.order": RowKind("jets that are drawn differently if events come in reverse order"),
    "truth_tagging.taggable.weights": RowKind("share of events whose P(>=1) changes if 2 leading jets are taggable"),
    "truth_tagging.taggable.others": RowKind("largest change of that P(>=1) by efficiencies of jets not taggable"),
    "truth_tagging.taggable.graph": RowKind("largest change of the leading jets' efficiencies without all others"),
    "truth_tagging.scale_factors.{selection}.pull": RowKind(
        "yields with SF of drawn bins and SF in efficiencies, pull"
    ),
    "truth_tagging.scale_factors.{selection}.variance": RowKind("sum w^2 with SF in efficiencies over drawn bins"),
    "truth_tagging.yields.{tags}.{route}": RowKind("truth-tagged over direct yield - 1 [%], SF by route", _SF),
    "truth_tagging.yields.{tags}.{route}.pull": RowKind("their difference over its error, with V_eff", _SF),
    "truth_tagging.mean_scale_factor.{flavour}": RowKind(
        "mean over jets of sum_k p_k SF_k over tag bins, - 1 [%]", _SF
    ),
    "truth_tagging.negative_weights": RowKind("taggable jets of negative weight in data, as SF x efficiency > 1", _SF),
    "truth_tagging.merged_cells": RowKind("cells of the scores that SF are averaged over with too few jets", _SF),
    "working_points.monotone": RowKind("largest rise of an efficiency to a tighter point", (SEVERAL_POINTS,)),
    "working_points.deviation.{flavour}.{working_point}": RowKind(f"{_DEVIATION} [%]", (*_TOY, SEVERAL_POINTS)),
    "working_points.calibration.{flavour}.{working_point}": RowKind(
        "mean predicted / mean true (skims: tags) - 1 [%]", (POINTS_OF_SAMPLES,)
    ),
    "working_points.reliability.{flavour}.{working_point}.chi2": RowKind(
        "chi2/ndf of tag rate against prediction, in its quantiles", (POINTS_OF_SAMPLES,)
    ),
    "working_points.delta_r.{region}.{working_point}.chi2": RowKind(
        f"chi2/ndf of predicted against direct yields {_DELTA_R}", (POINTS_OF_SAMPLES,)
    ),
    "working_points.n_tags.{working_point}.chi2": RowKind(
        "chi2/ndf of predicted against direct yields, number of tags", (POINTS_OF_SAMPLES,)
    ),
    "working_points.correlation.{working_point}": RowKind(
        "largest |residual correlation of tags| / error over flavour pairs", (POINTS_OF_SAMPLES,)
    ),
    "working_points.sum_of_bins": RowKind(
        "largest deviation from 1 of a jet's loosest efficiency plus P(no tag)", ("experiments.working_points",)
    ),
    "symmetry.permutation": RowKind("largest change of an efficiency by permuting the jets of events"),
    "symmetry.phi_rotation": RowKind("largest change of an efficiency by rotating events in phi"),
    "symmetry.batch_order": RowKind("largest change of an efficiency by the order of events"),
    "symmetry.padding": RowKind("largest change of an efficiency by leaving out the events of most jets"),
    "symmetry.single_jet": RowKind("events cut down to one jet whose efficiency is not between 0 and 1"),
    "out_of_range.not_finite": RowKind("jets far out of range whose efficiency is not a number above 0"),
    "out_of_range.flagged": RowKind("share of jets far out of range that are flagged"),
    "untagged_weight.undone.{flavour}": RowKind("mean efficiency, trained with mu / without - 1 [%]", _EXPERIMENTS),
    "untagged_weight.left.{flavour}": RowKind(
        "mean efficiency, trained with mu and not corrected for it / without", _EXPERIMENTS
    ),
    "hidden_variable.deviation.{flavour}": RowKind(f"{_DEVIATION} with a hidden variable [%]", _EXPERIMENTS),
    "hidden_variable.delta_r.{region}.chi2": RowKind(f"chi2/ndf with a hidden variable {_DELTA_R}", _EXPERIMENTS),
    "ratio.deviation.{flavour}": RowKind("mean |SF - true SF| / mean true SF [%]", _RATIO),
    "ratio.slope.{flavour}": RowKind("SF of the highest over lowest quarter of pT, against the true one [%]", _RATIO),
    "ratio.tilt": RowKind("largest change of ratio.slope by a tilted spectrum of data [%]", _RATIO),
    "ratio.unitarity": RowKind("largest deviation from 1 of the mean SF over tag bins", _RATIO),
    "export.onnx": RowKind("largest difference of ONNX to the ensemble, mean and spread"),
    "export.correctionlib": RowKind("largest difference of correctionlib JSON to the maps"),
    "ensemble.members": RowKind("members used over members configured"),
    "ensemble.parameters.{network}": RowKind("parameters of a member"),
}
"""By pattern of the name. Regions of tags are 1tag and 2tag; a category is ``all`` or a pair of flavours.

Routes to truth-tagged yields are ``without`` scale factors, with those of ``drawn`` bins, with ``corrected``
efficiencies.
"""

NEEDS = frozenset(need for kind in ROWS.values() for need in kind.needs)
"""Everything that some row needs."""
_MAPS = ("map", "map_delta_r")
_FIXED = {
    "region": ("1tag", "2tag"),
    "variable": ("pt_gev", "eta", "mass_gev", "n_jets", "closest_flavour"),
    "selection": ("exactly_1", "exactly_2", "at_least_1"),
    "route": ("without", "drawn", "corrected"),
}


def row_names(
    flavours: Sequence[str],
    networks: Sequence[str],
    working_points: Sequence[str],
    present: Collection[str],
    processes: Sequence[str] = (),
    tags: Sequence[str] = (),
) -> dict[str, str]:
    """Return the meaning of every row of a campaign by its name.

    Parameters
    ----------
    networks
        That of the ensemble first.
    working_points
        Those of rows that are there for each.
    present
        What the campaign has of all that rows need, see `RowKind`.
    processes
        Names of transfer samples.
    tags
        Numbers of tags that truth tagging is for, such as ``at_least_2``.
    """
    pairs = ["_".join(pair) for pair in combinations_with_replacement(flavours, 2)]
    names: dict[str, Sequence[str]] = {
        **_FIXED,
        "flavour": flavours,
        "pair": pairs,
        "category": ("all", *pairs),
        "model": (*_MAPS, *networks),
        "not_map": (*_MAPS[1:], *networks),
        "network": networks,
        "ensemble": networks[:1],
        "working_point": working_points,
        "process": processes,
        "tags": tags,
    }
    rows = {}
    for pattern, kind in ROWS.items():
        if set(kind.needs) <= set(present):
            keys = [key for _, key, _, _ in Formatter().parse(pattern) if key]
            for values in product(*(names[key] for key in keys)):
                rows[pattern.format(**dict(zip(keys, values, strict=True)))] = kind.meaning
    return rows


def default_limit(name: str) -> float | tuple[float | None, float | None] | None:
    """Return the limit of a row that a campaign sets none for."""
    for pattern, kind in ROWS.items():
        if kind.limit is not None and re.fullmatch(re.sub(r"\\{\w+\\}", ".+", re.escape(pattern)), name):
            return kind.limit
    return None
