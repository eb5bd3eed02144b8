"""All tag patterns of each event with their probabilities, in place of one that is drawn: less variance, more rows."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from deepsf.arrays import Bools, Floats, Ints
from deepsf.efficiency.truth_tagging.probabilities import checked

MAX_TAGGABLE = 20
"""Taggable jets of an event; it has up to two to the power of that patterns."""


class Patterns(NamedTuple):
    """Events repeated once for each of their patterns. Sum over an event's patterns before squaring weights for errors.

    Attributes
    ----------
    event
        Index of the event, ``(n_patterns,)``.
    probability
        Of the pattern, ``(n_patterns,)``; over all patterns of an event they add up to `exactly` or `at_least`.
    offsets
        First jet of each pattern, ``(n_patterns + 1,)``.
    tagged
        The jets of the event once more for each pattern, those tagged in it, ``(offsets[-1],)``.
    """

    event: Ints
    probability: Floats
    offsets: Ints
    tagged: Bools


def all_patterns(
    efficiency: npt.NDArray[Any], offsets: Ints, n: int, *, at_least: bool, taggable: Bools | None = None
) -> Patterns:
    """Return all patterns with exactly ``n`` tags, or at least ``n``.

    Parameters
    ----------
    efficiency, offsets, taggable
        As of `deepsf.efficiency.truth_tagging.probabilities.exactly`.

    Raises
    ------
    ValueError
        As there; and if an event has more than 20 taggable jets.
    """
    if n < 0:
        raise ValueError(f"a number of tags cannot be negative, got {n}")
    values, mask = checked(efficiency, offsets, taggable)
    jets, before = np.flatnonzero(mask), np.concatenate([[0], np.cumsum(mask)])[offsets]
    n_taggable = np.diff(before)
    if len(n_taggable) and n_taggable.max() > MAX_TAGGABLE:
        raise ValueError(
            f"{int(np.sum(n_taggable > MAX_TAGGABLE))} events have more than {MAX_TAGGABLE} taggable jets, up to "
            f"{n_taggable.max()}: too many patterns to list; draw them, or take n_leading jets"
        )
    by_number = {number: _patterns_of(number, n, at_least) for number in np.unique(n_taggable).tolist()}
    count = np.array([len(by_number[number]) for number in n_taggable.tolist()], np.int64)
    event = np.repeat(np.arange(len(count)), count)
    jet_offsets = np.concatenate([[0], np.cumsum(np.diff(offsets)[event])]).astype(np.int64)
    probability, tagged = np.ones(len(event)), np.zeros(jet_offsets[-1], np.bool_)
    first_pattern = np.cumsum(count) - count
    for number, of_number in by_number.items():
        events = np.flatnonzero(n_taggable == number)
        patterns = first_pattern[events, None] + np.arange(len(of_number))
        for rank, is_tagged in enumerate(of_number.T):
            jet = jets[before[events] + rank]
            tag = values[jet, None]
            probability[patterns] *= np.where(is_tagged, tag, 1.0 - tag)
            tagged[jet_offsets[patterns] + (jet - offsets[events])[:, None]] = is_tagged
    return Patterns(event, probability, jet_offsets, tagged)


def _patterns_of(n_jets: int, n: int, at_least: bool) -> Bools:
    """Return the patterns of some jets, ``(n_patterns, n_jets)``."""
    tagged = (np.arange(1 << n_jets)[:, None] >> np.arange(n_jets)) & 1 == 1
    n_tags = tagged.sum(axis=1)
    return np.asarray(tagged[n_tags >= n if at_least else n_tags == n])
