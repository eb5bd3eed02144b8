"""All tag patterns of each event with their probabilities, in place of one that is drawn: less variance, more rows."""

from __future__ import annotations

from math import comb
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from deepsf.efficiency.events.events import Bools, Floats, Ints
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
    n_taggable = np.diff(np.concatenate([[0], np.cumsum(mask)])[offsets])
    if len(n_taggable) and n_taggable.max() > MAX_TAGGABLE:
        raise ValueError(
            f"{int(np.sum(n_taggable > MAX_TAGGABLE))} events have more than {MAX_TAGGABLE} taggable jets, up to "
            f"{n_taggable.max()}: too many patterns to list; draw them, or take n_leading jets"
        )
    of_number = np.array([_n_patterns(number, n, at_least) for number in range(MAX_TAGGABLE + 1)], np.int64)
    count = of_number[n_taggable]
    event = np.repeat(np.arange(len(count)), count)
    jet_offsets = np.concatenate([[0], np.cumsum(np.diff(offsets)[event])]).astype(np.int64)
    probability, tagged = _fill(values, offsets, mask, n, at_least, len(event), int(jet_offsets[-1]))
    return Patterns(event, probability, jet_offsets, tagged)


def _n_patterns(n_jets: int, n: int, at_least: bool) -> int:
    return sum(comb(n_jets, number) for number in range(n, (n_jets if at_least else n) + 1))


@njit(cache=True)
def _fill(
    efficiency: Floats, offsets: Ints, taggable: Bools, n: int, at_least: bool, n_patterns: int, n_places: int
) -> tuple[Floats, Bools]:
    probability = np.empty(n_patterns)
    tagged = np.zeros(n_places, np.bool_)
    pattern, place = 0, 0
    for event in range(len(offsets) - 1):
        first, last = offsets[event], offsets[event + 1]
        n_taggable = 0
        for jet in range(first, last):
            n_taggable += taggable[jet]
        for bits in range(1 << n_taggable):
            n_tags = 0
            for bit in range(n_taggable):
                n_tags += (bits >> bit) & 1
            if n_tags < n or (n_tags > n and not at_least):
                continue
            product, bit = 1.0, 0
            for jet in range(first, last):
                if taggable[jet]:
                    tag = (bits >> bit) & 1 == 1
                    tagged[place + jet - first] = tag
                    product *= efficiency[jet] if tag else 1.0 - efficiency[jet]
                    bit += 1
            probability[pattern] = product
            pattern += 1
            place += last - first
    return probability, tagged
