"""Weights of simulated events: the sum over all generated events, and lists of weights of other scales and showers."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, NamedTuple

import awkward as ak
import numpy as np

from deepsf.arrays import Array, Bools
from deepsf.nanoaod.columns import flat, offsets
from deepsf.nanoaod.root_file import NtupleError, unreadable

log = logging.getLogger(__name__)


class Listed(NamedTuple):
    """A source of weight shifts in a list of weights: where its up and down shifts are, by the list's length."""

    branch: str
    places: Mapping[int, tuple[int, int]]


LISTED = {
    # (muR, muF) = (0.5, 0.5) comes first and (2, 2) last; of nine or, without the nominal one, of eight.
    "genscale": Listed("LHEScaleWeight", {8: (7, 0), 9: (8, 0)}),
    # CMS stores more (isrDefHi, fsrDefHi), then less radiation; titles of versions disagree, the order does not.
    # Of the full list of 44, reduced variations come first (cms-sw/cmssw#31276). A single 1 stands for none.
    "psisr": Listed("PSWeight", {4: (0, 2), 44: (4, 6)}),
    "psfsr": Listed("PSWeight", {4: (1, 3), 44: (5, 7)}),
}
"""Sources of weight shifts that NanoAOD keeps in lists, by name."""


def listed_ratios(path: str, source: str, lists: ak.Array) -> tuple[Array, Array, Bools]:
    """Return the weights of a source's shifts over the nominal one, and which events have them.

    Returns
    -------
    up, down
        Shape (n,), float32; 1 for events without.
    has
        Shape (n,): the list has a known length, and both weights are finite.
    """
    branch, places = LISTED[source]
    limits = offsets(path, branch, lists)
    values = flat(path, branch, lists, np.float32)
    length, n = np.diff(limits), len(limits) - 1
    has = np.zeros(n, np.bool_)
    ratios = np.ones((2, n), np.float32)
    for known, of_shifts in places.items():
        of_length = length == known
        every = bool(of_length.all())  # most files: no index is needed
        events = slice(None) if every else np.flatnonzero(of_length)
        for ratio, place in zip(ratios, of_shifts, strict=True):
            ratio[events] = values[place::known] if every else values[limits[:-1][events] + place]
        has[events] = True
    has &= np.isfinite(ratios[0]) & np.isfinite(ratios[1])
    if not has.all():
        ratios[:, ~has] = 1.0
    return ratios[0], ratios[1], has


def sum_of_weights(path: str, file: Any, tree: Any, source: str | float, genweight: str, sign: bool) -> float:
    """Return the sum of generator weights of a file: of ``Runs``, or of the stored events; 0 if a number is given.

    Raises
    ------
    NtupleError
        If it is not there or not finite, or the stored events are summed and ``Runs`` counts more.
    """
    if not isinstance(source, str):
        return 0.0
    try:
        runs = file.get("Runs")
        n_generated = _sum_of_runs(runs, "genEventCount")
        found = _stored_sum(tree, genweight, sign) if source == "events" else _sum_of_runs(runs, "genEventSumw")
    except Exception as error:  # uproot and the codecs raise many types on corrupt baskets
        raise unreadable(path, error, "summing the generator weights") from error
    if found is None and tree.num_entries == 0:
        return 0.0
    _require_all_events(path, source, n_generated, tree.num_entries)
    if found is None:
        raise NtupleError(
            f"{path}: branch Runs/genEventSumw is missing: without the sum of generator weights the sample cannot be "
            "scaled to its cross section; take files with a Runs tree, or set sum_weights: events for the sample if "
            "its files hold every generated event, or sum_weights to the sum as a number"
        )
    if not np.isfinite(found):
        raise NtupleError(
            f"{path}: the sum of generator weights is {found:g}; take the file off the sample, or make it again"
        )
    return found


def _stored_sum(tree: Any, genweight: str, sign: bool) -> float:
    if tree.num_entries == 0:
        return 0.0
    weights = np.asarray(tree[genweight].array(library="np"), np.float64)
    return float(np.sum(np.sign(weights) if sign else weights))


def _sum_of_runs(runs: Any, branch: str) -> float | None:
    """Return the sum of a branch of the Runs tree; None without the tree, the branch or rows."""
    for name in (branch, f"{branch}_"):  # the second in NanoAOD v6
        if runs is not None and name in runs and runs.num_entries:
            return float(np.sum(runs[name].array(library="np"), dtype=np.float64))
    return None


def _require_all_events(path: str, source: str, n_generated: float | None, n_events: int) -> None:
    """Check that the events that are summed are all that were generated, if it is known how many these are."""
    if n_generated is None or (n_generated >= n_events if source == "runs" else n_generated <= n_events):
        return
    counted = f"{path}: Runs/genEventCount is {n_generated:.0f}, but the file holds {n_events} events"
    if source == "runs":
        # the count may be wrong and the sum right: nothing in the file tells
        log.warning(
            "%s: its Runs tree may not be that of all events, as after a merge that kept the first one; check it, or "
            "set sum_weights to the sum as a number",
            counted,
        )
        return
    raise NtupleError(
        f"{counted}: it was skimmed, and sum_weights: events leaves out what was dropped; set sum_weights to runs, or "
        "to the sum as a number"
    )
