"""Which jets of a truth-tagged event are tagged, and which working points each jet passes: drawn with exact odds.

The pattern is drawn jet by jet from the probability that the jets behind still give the wanted number of tags, without
listing patterns. The numbers are those of `deepsf.efficiency.events.random`, so that an event gets the same pattern in
any batch.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from deepsf.efficiency.events.events import Bools, Floats, Ints
from deepsf.efficiency.events.random import UInts, jet_uniforms, stream
from deepsf.efficiency.truth_tagging.probabilities import checked

Array = npt.NDArray[Any]
Bins = npt.NDArray[np.int8]

NOT_DRAWN = -1
"""The bin of jets that are not taggable."""


class Pattern(NamedTuple):
    """Tagged jets, ``(n_jets,)``, and which events can have the wanted number of tags at all, ``(n_events,)``.

    Events that cannot have no tagged jets; their weight is 0.
    """

    tagged: Bools
    is_possible: Bools


def draw_pattern(
    efficiency: Array,
    offsets: Ints,
    event: UInts,
    n: int,
    *,
    at_least: bool,
    seed: int,
    taggable: Bools | None = None,
) -> Pattern:
    """Return tagged jets of each event, with the odds of the pattern among those with the wanted number of tags.

    Parameters
    ----------
    efficiency
        Probability of each jet to be tagged, ``(n_jets,)``.
    offsets
        First jet of each event, ``(n_events + 1,)``.
    event
        Event numbers, uint64, ``(n_events,)``: with the seed they decide the pattern.
    n, at_least
        Exactly ``n`` tags, or at least ``n``.
    taggable
        Jets that may be tagged, ``(n_jets,)``; all by default.

    Raises
    ------
    ValueError
        As of `deepsf.efficiency.truth_tagging.probabilities.exactly`; if there is not one number for each event.
    """
    if n < 0:
        raise ValueError(f"a number of tags cannot be negative, got {n}")
    values, mask = checked(efficiency, offsets, taggable)
    uniform = _uniforms(offsets, event, seed, "pattern", "at least" if at_least else "exactly", n)
    tagged, is_possible = _patterns(values, offsets, mask, uniform, n, at_least)
    return Pattern(tagged, is_possible)


def draw_bins(
    efficiency: Array,
    offsets: Ints,
    event: UInts,
    tagged: Bools,
    point: int,
    *,
    seed: int,
    taggable: Bools | None = None,
) -> Bins:
    """Return the tag bin of each taggable jet, drawn given that it is tagged or not.

    A tagged jet is in bin k with probability p_k over the sum of the bins that count as tagged; likewise the others.

    Parameters
    ----------
    efficiency
        Probability to pass each of the nested working points, ``(n_jets, K)``.
    tagged
        Tagged jets, ``(n_jets,)``.
    point
        Index of the working point that counts as a tag.

    Returns
    -------
    Bins
        int8, ``(n_jets,)``, from 0 to K; -1 for jets that are not taggable.

    Raises
    ------
    ValueError
        If working points are not nested, or the arrays do not fit each other.
    """
    check_nested(efficiency)
    if not 0 <= point < efficiency.shape[1]:
        raise ValueError(f"point must be the index of a working point, below {efficiency.shape[1]}, got {point}")
    _, mask = checked(efficiency[:, point], offsets, taggable)
    if tagged.shape != mask.shape:
        raise ValueError(f"tagged must have one value a jet, shape {mask.shape}, got {tagged.shape}")
    uniform = _uniforms(offsets, event, seed, "bin", point)
    bins: Bins = _bins(np.ascontiguousarray(efficiency, np.float64), mask, tagged, uniform, point)
    return bins


def check_nested(efficiency: Array) -> None:
    """Raise unless these are efficiencies of nested working points, ``(n_jets, K)``.

    Raises
    ------
    ValueError
        For another shape, values that are not probabilities, a tighter working point that more jets pass.
    """
    if efficiency.ndim != 2 or not efficiency.shape[1]:
        raise ValueError(f"efficiencies of working points must have the shape (n_jets, K), got {efficiency.shape}")
    n_jets = len(efficiency)
    wrong = ~((efficiency >= 0.0) & (efficiency <= 1.0)).all(axis=1)
    if wrong.any():
        jet = int(np.argmax(wrong))
        raise ValueError(
            f"efficiencies of {int(wrong.sum())} of {n_jets} jets are not in [0, 1], the first are "
            f"{efficiency[jet].tolist()} of jet {jet}"
        )
    rising = (np.diff(efficiency, axis=1) > 0).any(axis=1)
    if rising.any():
        jet = int(np.argmax(rising))
        raise ValueError(
            f"working points are not nested for {int(rising.sum())} of {n_jets} jets, the first has efficiencies "
            f"{efficiency[jet].tolist()} (jet {jet}): they must fall from the loosest to the tightest"
        )


def _uniforms(offsets: Ints, event: UInts, seed: int, *names: str | int) -> Floats:
    if event.shape != (len(offsets) - 1,):
        raise ValueError(f"event must have one number an event, shape ({len(offsets) - 1},), got {event.shape}")
    return jet_uniforms(stream(seed, "truth tagging", *names), event, offsets)


@njit(cache=True)
def _fill_tails(efficiency: Floats, n: int, at_least: bool, tail: Floats) -> None:
    """Write to tail[i, m] the probability of m tags, or of at least m, among the jets from i on."""
    n_jets = len(efficiency)
    tail[n_jets, :] = 0.0
    tail[n_jets, 0] = 1.0
    for i in range(n_jets - 1, -1, -1):
        tag = efficiency[i]
        tail[i, 0] = 1.0 if at_least else (1.0 - tag) * tail[i + 1, 0]
        for m in range(1, n + 1):
            tail[i, m] = tag * tail[i + 1, m - 1] + (1.0 - tag) * tail[i + 1, m]


@njit(cache=True)
def _patterns(
    efficiency: Floats, offsets: Ints, taggable: Bools, uniform: Floats, n: int, at_least: bool
) -> tuple[Bools, Bools]:
    n_events = len(offsets) - 1
    tagged = np.zeros(len(efficiency), np.bool_)
    is_possible = np.zeros(n_events, np.bool_)
    longest = 0
    for event in range(n_events):
        longest = max(longest, offsets[event + 1] - offsets[event])
    tail = np.zeros((longest + 1, n + 1))
    jets = np.empty(longest, np.int64)
    free = 1.0 if at_least else 0.0  # may more jets be tagged than are wanted?
    for event in range(n_events):
        n_jets = 0
        for jet in range(offsets[event], offsets[event + 1]):
            if taggable[jet]:
                jets[n_jets] = jet
                n_jets += 1
        _fill_tails(efficiency[jets[:n_jets]], n, at_least, tail)
        is_possible[event] = tail[0, n] > 0.0
        missing = n
        for i in range(n_jets if is_possible[event] else 0):
            rest = tail[i + 1, missing - 1] if missing > 0 else free
            if uniform[jets[i]] * tail[i, missing] < efficiency[jets[i]] * rest:
                tagged[jets[i]] = True
                missing = max(missing - 1, 0)
    return tagged, is_possible


@njit(cache=True)
def _bins(efficiency: Floats, taggable: Bools, tagged: Bools, uniform: Floats, point: int) -> Bins:
    """Invert the distribution of nested working points: a jet passes those whose efficiency exceeds its position."""
    n_points = efficiency.shape[1]
    bins = np.full(len(efficiency), NOT_DRAWN, np.int8)
    for jet in range(len(efficiency)):
        if not taggable[jet]:
            continue
        threshold = efficiency[jet, point]
        if tagged[jet]:
            position = uniform[jet] * threshold
            passed, last = point + 1, n_points
        else:
            position = threshold + uniform[jet] * (1.0 - threshold)
            passed, last = 0, point
        while passed < last and position < efficiency[jet, passed]:
            passed += 1
        bins[jet] = passed
    return bins
