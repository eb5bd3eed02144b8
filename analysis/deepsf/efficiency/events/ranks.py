"""Jets by their rank in the event: what goes from jet to jet in every event is done for many events at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from deepsf.arrays import Bools, Floats, Ints

_BLOCK_EVENTS = 1 << 14  # few enough for the cache of a core


class Ranked(NamedTuple):
    """Some events, those with the most jets first, and their jets by rank.

    Attributes
    ----------
    events
        Indices of the events, ``(n,)``.
    jets
        ``jets[r]`` are the indices of the jets of rank r, one of each of the first ``len(jets[r])`` events.
    """

    events: Ints
    jets: list[Ints]


def by_rank(offsets: Ints, chosen: Bools) -> Iterator[Ranked]:
    """Yield the events in blocks.

    Parameters
    ----------
    offsets
        First jet of each event, ``(n_events + 1,)``.
    chosen
        Jets that have a rank, ``(n_jets,)``; the others are left out.
    """
    jets, before = np.flatnonzero(chosen), np.concatenate([[0], np.cumsum(chosen)])[offsets]
    for begin in range(0, len(offsets) - 1, _BLOCK_EVENTS):
        first = before[begin : begin + _BLOCK_EVENTS + 1]
        n_jets = np.diff(first)
        most = n_jets.max()
        # sorted as small integers, which numpy does in linear time
        order = np.argsort((most - n_jets).astype(np.min_scalar_type(most)), kind="stable")
        with_rank = len(n_jets) - np.cumsum(np.bincount(n_jets))[:-1]
        starts = first[:-1][order]
        yield Ranked(begin + order, [jets[starts[:n] + rank] for rank, n in enumerate(with_rank)])


def product(factor: Floats, offsets: Ints, chosen: Bools) -> Floats:
    """Return the product over the chosen jets of each event, ``(n_events,)``, 1 without any."""
    result = np.ones(len(offsets) - 1)
    for block in by_rank(offsets, chosen):
        for jets in block.jets:
            result[block.events[: len(jets)]] *= factor[jets]
    return result
