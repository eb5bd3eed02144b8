"""Rows of the audit: one figure each, its limit, and whether it holds.

Keys start with the number of the feature: 1 toy, 2 the scalar's sample, 3 map, 4 closest jet, 5 the network of the
ensemble, 6 pairwise factors, 6b the published network, 7 gap of the cross-entropy closed, 8 calibration, 9 closure in
DeltaR, 10 other closures, 11 transfer to the scalar's sample, 12 spread, 13 coverage, 14 statistical gain, 15 sums over
numbers of tags, 16 draws, 17 working points, 18 jets that are not taggable, 19 symmetries, 20 weight mu of untagged
jets, 21 residual correlation of tags, 22 hidden variable, 23 scale factors by ratio, 24 scale factors of truth-tagged
events, 25 export, 26 jets out of range, 27 members. What follows is a flavour, a flavour pair or what is looked at.

A limit is the largest value, or an interval whose ends may be open. Some rows hold that a model *fails*: maps and the
closest jet alone must not close, or the toy would not test anything.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

Limit = float | tuple[float | None, float | None] | None

DEFAULT_LIMITS: Mapping[str, Limit] = {
    # toy: mean efficiencies; tag rate against them in standard deviations
    "1.b": (0.68, 0.72),
    "1.c": (0.09, 0.12),
    "1.udsg": (0.009, 0.014),
    "1.tag_rate_pull.b": (-3.0, 3.0),
    "1.tag_rate_pull.c": (-3.0, 3.0),
    "1.tag_rate_pull.udsg": (-3.0, 3.0),
    # relative deviations of the mass, differences of true efficiencies from the function of training
    "2.mass": 1e-6,
    "2.mass_stored": 1e-4,
    "2.same_function": 0.0,
    # mean |predicted - true| / mean true [%]; the map and the closest jet alone must fail
    "3.b": (14.0, 16.0),
    "3.chi2_1tag": (50.0, None),
    "3.chi2_2tag": (50.0, None),
    "4.b": (4.0, 5.2),
    "4.n_jets_chi2_2tag": (5.0, None),
    "5.b": 1.2,
    "5.c": 2.2,
    "5.udsg": 8.0,
    "5.b_over_closest_jet": 0.35,
    "6.b": 1.3,
    "6.c": 2.6,
    "6.udsg": 5.0,
    "6.parameters": 20_000.0,
    # share of the cross-entropy's gap between map and truth that is closed
    "7.closest_jet": 0.92,
    "7.gnn": (0.985, None),
    "7.pairwise": (0.985, None),
    # mean predicted / mean true - 1 [%]; chi2/ndf of reliability curves
    "8.b": (-0.3, 0.3),
    "8.c": (-0.8, 0.8),
    "8.udsg": (-3.0, 3.0),
    "8.reliability_chi2.b": 2.0,
    "8.reliability_chi2.c": 2.0,
    "8.reliability_chi2.udsg": 2.0,
    # chi2/ndf of predicted against direct; largest |predicted/true - 1| of a bin [%], the first bin apart
    "9.chi2_1tag": 2.3,
    "9.chi2_2tag": 2.3,
    "9.oracle_chi2_1tag": (0.2, 2.3),
    "9.oracle_chi2_2tag": (0.2, 2.3),
    "9.ratio_1tag": 3.0,
    "9.ratio_2tag": 4.0,
    "9.ratio_first_bin_1tag": 5.0,
    "9.ratio_first_bin_2tag": 10.0,
    # chi2/ndf less that of the truth on the same events
    **{
        f"10.{variable}_{region}": 1.0
        for variable in ("pt_gev", "eta", "mass_gev", "n_jets", "closest_flavour")
        for region in ("1tag", "2tag")
    },
    "10.n_tags": 1.0,
    "10.low_pt.udsg": (-6.0, 6.0),
    "11.mad_ratio.b": 1.4,
    "11.mad_ratio.c": 1.4,
    "11.mad_ratio.udsg": 1.4,
    "11.chi2_2tag": 4.5,
    "11.chi2_2tag_over_map": 0.05,
    "11.map_chi2_2tag": (50.0, None),
    **{f"12.rms_ratio.{flavour}": (0.8, 1.2) for flavour in ("b", "c", "udsg")},
    **{f"12.pull_width.{flavour}": (0.7, 1.4) for flavour in ("b", "c", "udsg")},
    **{f"12.pull_mean.{flavour}": (-0.3, 0.3) for flavour in ("b", "c", "udsg")},
    **{f"12.pull_mean_significance.{flavour}": (-3.0, 3.0) for flavour in ("b", "c", "udsg")},
    # actual over quoted error of truth-tagged yields; without V_eff it must fail where truth tagging is wanted most
    "13.b_b": (0.85, 1.2),
    "13.b_udsg": (0.85, 1.2),
    "13.udsg_udsg": (0.85, 1.2),
    "13.sum_w2_alone.b_udsg": (2.0, None),
    "13.sum_w2_alone.udsg_udsg": (2.0, None),
    "14.oracle_2tag": (2.33, 2.47),
    "15.sum_of_probabilities": 1e-12,
    "15.sum_of_patterns": 1e-12,
    # p-values of frequencies; jets that are drawn otherwise in another order of events
    "16.patterns": (1e-3, None),
    "16.bins": (1e-3, None),
    "16.order": 0.0,
    "17.monotone": 0.0,
    "17.sum_of_bins": 1e-6,
    # as 5, of one training in place of an ensemble
    **{f"17.b.{point}": 1.2 for point in ("L", "M", "T")},
    **{f"17.c.{point}": 2.6 for point in ("L", "M", "T")},
    **{f"17.udsg.{point}": 8.0 for point in ("L", "M", "T")},
    # the mask of taggable jets changes weights, these do not see the others' efficiencies, which shape theirs
    "18.weights": (0.01, None),
    "18.others": 0.0,
    "18.graph": (0.01, None),
    "19.permutation": 1e-5,
    "19.phi_rotation": 1e-5,
    "19.batch_order": 0.0,
    "19.padding": 0.0,
    "19.single_jet": 0.0,
    # trained with mu over trained without: less 1 [%]; and where mu is not undone
    **{f"20.{flavour}": (-2.0, 2.0) for flavour in ("b", "c", "udsg")},
    "20.uncorrected.udsg": (2.0, None),
    "21.largest_significance": 3.0,
    "21.detected.b_b": (5.0, None),
    # as 5 and 9, of one training on a toy with a hidden variable
    "22.b": 1.2,
    "22.c": 2.6,
    "22.udsg": 8.0,
    "22.chi2_1tag": 2.3,
    "22.chi2_2tag": 2.3,
    # scale factors by ratios: mean |SF - true| over mean true [%], slope in pT and tilt absorbed [%], sum of bins - 1
    "23.b": 1.0,
    "23.c": 3.0,
    "23.udsg": 3.0,
    **{f"23.slope.{flavour}": (-1.0, 1.0) for flavour in ("b", "c", "udsg")},
    "23.tilt": 1.0,
    "23.unitarity": 1e-6,
    # drawn against recomputed scale factors: pull of the yields, quotient of the variances
    **{f"24.pull.{selection}": (-3.0, 3.0) for selection in ("exactly_1", "exactly_2", "at_least_1")},
    **{f"24.variance.{selection}": 1.0 for selection in ("exactly_1", "exactly_2", "at_least_1")},
    "25.onnx": 1e-5,
    "25.correctionlib": 1e-5,
    "26.not_finite": 0.0,
    "26.flagged": (1.0, 1.0),
    # used over configured
    "27.members": (1.0, 1.0),
}
"""Of the configuration ``efficiency_toy``: long kernel, 10^6 events to train on, 3 x 10^5 to test."""


class Row(NamedTuple):
    """A figure and what it is, in words; None if it is undefined."""

    value: float | None
    description: str


Rows = dict[str, Row]


def rows_by_flavour(key: str, flavours: Iterable[str], values: Iterable[float], text: str) -> Rows:
    """Return a row for each flavour, ``<key>.<flavour>``."""
    return {f"{key}.{name}": Row(float(x), f"{text}, {name}") for name, x in zip(flavours, values, strict=True)}


def judged(rows: Mapping[str, Row], limits: Mapping[str, Limit], *, default_limits: bool) -> dict[str, dict[str, Any]]:
    """Return by key ``value``, ``limit``, ``passed`` and ``description``, in the order of the features.

    ``limit`` is a number, a list of two with null for an open end, or null; ``passed`` is null without a limit.

    Parameters
    ----------
    limits
        By row, in place of the default ones.
    default_limits
        Whether other rows have their default limit.

    Raises
    ------
    ValueError
        If a limit is given for a row that there is not.
    """
    known = {**DEFAULT_LIMITS, **rows}
    for key in limits:
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(sorted(rows))}"
            raise ValueError(f"efficiency.audit.limits.{key}: there is no such row; {hint}")
    applied = {**(DEFAULT_LIMITS if default_limits else {}), **limits}
    return {key: _judged(rows[key], applied.get(key)) for key in sorted(rows, key=_order)}


def _judged(row: Row, limit: Limit) -> dict[str, Any]:
    value = None if row.value is None or not math.isfinite(row.value) else float(row.value)
    low, high = limit if isinstance(limit, tuple) else (None, limit)
    passed = None
    if limit is not None:
        passed = value is not None and (low is None or value >= low) and (high is None or value <= high)
    return {
        "value": value,
        "limit": list(limit) if isinstance(limit, tuple) else limit,
        "passed": passed,
        "description": row.description,
    }


def _order(key: str) -> tuple[int, str]:
    feature = key.split(".", maxsplit=1)[0]
    return int("".join(c for c in feature if c.isdigit()) or 0), key
