"""Which jets of a truth-tagged event are tagged, and which working points each jet passes: drawn with exact odds.

The pattern is drawn jet by jet from the probability that the jets behind still give the wanted number of tags, without
listing patterns. The numbers are those of `deepsf.efficiency.events.random`, so that an event gets the same pattern in
any batch.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from deepsf.arrays import Array, Bools, Floats, Ints
from deepsf.efficiency.events.random import UInts, jet_uniforms, stream
from deepsf.efficiency.events.ranks import by_rank
from deepsf.efficiency.truth_tagging.probabilities import checked

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
    """Return which jets are tagged, drawn with exact odds from all patterns that have the wanted number of tags.

    Parameters
    ----------
    efficiency
        Probability of each jet to be tagged, ``(n_jets,)``.
    offsets
        Index of the first jet of each event, ``(n_events + 1,)``, as in `JetEvents`.
    event
        Event numbers, uint64, ``(n_events,)``. The number and ``seed`` decide the pattern of an event.
    n, at_least
        Exactly ``n`` tags, or at least ``n``.
    taggable
        Jets that may be tagged, ``(n_jets,)``; all by default.

    Returns
    -------
    Pattern
        ``tagged``, ``(n_jets,)``, and ``is_possible``, ``(n_events,)``: whether the event can have these tags at all.

    Raises
    ------
    ValueError
        If there is not one number for each event; and as `deepsf.efficiency.truth_tagging.probabilities.exactly`.
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
    """Return the tag bin of each taggable jet, drawn under the condition that the jet is tagged, or that it is not.

    A tagged jet is in bin k with probability p_k over the sum of the bins that count as tagged. The same holds for the
    others.

    Parameters
    ----------
    efficiency
        Probability to pass each of the nested working points, ``(n_jets, K)``.
    offsets, event, seed, taggable
        As in `draw_pattern`.
    tagged
        Tagged jets, ``(n_jets,)``, from `draw_pattern`.
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
    return _bins(efficiency.astype(np.float64), mask, tagged, uniform, point)


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
    rising = ~(np.diff(efficiency, axis=1) <= 0).all(axis=1)
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


def _tails(efficiency: Floats, jets: list[Ints], n: int, at_least: bool, n_events: int) -> Floats:
    """Return the probability of m tags, or of at least m, among the jets from rank r on: ``[r, m, event]``."""
    tail = np.zeros((len(jets) + 1, n + 1, n_events))
    tail[:, 0] = 1.0
    for rank in range(len(jets) - 1, -1, -1):
        tag = efficiency[jets[rank]]
        here, behind = tail[rank, :, : len(tag)], tail[rank + 1, :, : len(tag)]
        if not at_least:
            here[0] = (1.0 - tag) * behind[0]
        here[1:] = tag * behind[:-1] + (1.0 - tag) * behind[1:]
    return tail


def _patterns(
    efficiency: Floats, offsets: Ints, taggable: Bools, uniform: Floats, n: int, at_least: bool
) -> tuple[Bools, Bools]:
    tagged = np.zeros(len(efficiency), np.bool_)
    is_possible = np.zeros(len(offsets) - 1, np.bool_)
    free = 1.0 if at_least else 0.0  # may more jets be tagged than are wanted?
    for block in by_rank(offsets, taggable):
        tail = _tails(efficiency, block.jets, n, at_least, len(block.events))
        possible = tail[0, n] > 0.0
        is_possible[block.events] = possible
        wanted = np.full(len(block.events), n)
        for rank, jets in enumerate(block.jets):
            event = np.arange(len(jets))
            missing = wanted[event]
            rest = np.where(missing > 0, tail[rank + 1, missing - 1, event], free)
            drawn = possible[event] & (uniform[jets] * tail[rank, missing, event] < efficiency[jets] * rest)
            tagged[jets] = drawn
            wanted[event] -= drawn & (missing > 0)
    return tagged, is_possible


def _bins(efficiency: Floats, taggable: Bools, tagged: Bools, uniform: Floats, point: int) -> Bins:
    """Invert the distribution of nested working points: a jet passes those whose efficiency exceeds its position."""
    threshold = efficiency[:, point]
    position = np.where(tagged, uniform * threshold, threshold + uniform * (1.0 - threshold))
    passes = position[:, None] < efficiency
    tighter = point + 1 + passes[:, point + 1 :].sum(axis=1)
    bins = np.where(tagged, tighter, passes[:, :point].sum(axis=1))
    return np.where(taggable, bins, NOT_DRAWN).astype(np.int8)
