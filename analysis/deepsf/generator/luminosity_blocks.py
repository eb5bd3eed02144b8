"""Runs and luminosity blocks of generated events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from deepsf.arrays import Array, Ints

EVENTS_PER_BLOCK = 1000
EVENTS_PER_BLOCK_OF_PERIOD = 20
"""A small number, so that few events lie in many runs of a period."""
BLOCKS_PER_RUN = 1000
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


class Blocks(NamedTuple):
    """Ranges of luminosity blocks, each of shape (n,): run, first block, number of blocks; whether certified."""

    run: Ints
    first: Ints
    n_blocks: Ints
    are_certified: bool = False

    @classmethod
    def of_runs(cls, runs: Iterable[tuple[int, int]]) -> Blocks:
        """Return the first thousand blocks of all runs in ranges [first run, last run]."""
        every = np.concatenate([np.arange(first, last + 1) for first, last in runs])
        return cls(every, np.ones_like(every), np.full_like(every, BLOCKS_PER_RUN))

    @classmethod
    def of_certified(cls, ranges: Mapping[str, Sequence[Sequence[int]]], runs: Sequence[tuple[int, int]]) -> Blocks:
        """Return ``{"run": [[first, last], ...]}`` within ranges of runs, or of all runs if there are none.

        Raises
        ------
        ValueError
            If nothing is left.
        """
        rows = [(int(run), low, high - low + 1) for run, pairs in ranges.items() for low, high in pairs]
        rows = [row for row in rows if not runs or any(first <= row[0] <= last for first, last in runs)]
        if not rows:
            raise ValueError(
                f"no certified luminosity block lies in the runs {list(map(list, runs))} of pseudo-data; correct "
                "campaign.runs, or runs or certified of the sample"
            )
        run, first, n_blocks = np.array(sorted(rows), np.int64).T
        return cls(run, first, n_blocks, are_certified=True)

    def of_part(self, part: int, n_parts: int) -> Array:
        """Return run and luminosity block of every n-th certified block, shape (n, 2), uint32.

        All of them were processed, also those of which no event is left: files list both.
        """
        if not self.are_certified:
            return np.zeros((0, 2), np.uint32)
        index = np.repeat(np.arange(len(self.run)), self.n_blocks)
        starts = np.cumsum(self.n_blocks) - self.n_blocks
        block = self.first[index] + np.arange(len(index)) - starts[index]
        return np.stack([self.run[index], block], axis=1)[part::n_parts].astype(np.uint32)

    def of_events(self, number: Array) -> tuple[Array, Array]:
        """Return runs and luminosity blocks of events by their numbers, each of shape (n,), uint32.

        Blocks follow one another in golden steps over the whole period, so that few events lie all over it.
        """
        ends = np.cumsum(self.n_blocks)
        step = (number // EVENTS_PER_BLOCK_OF_PERIOD).astype(np.uint64) * _GOLDEN
        place = np.minimum((step.astype(np.float64) * 2.0**-64 * ends[-1]).astype(np.int64), ends[-1] - 1)
        index = np.searchsorted(ends, place, side="right")
        block = self.first[index] + place - (ends - self.n_blocks)[index]
        return self.run[index].astype(np.uint32), block.astype(np.uint32)


def in_one_run(number: Array, run: int) -> tuple[Array, Array]:
    """Return runs and luminosity blocks of events that all lie in one run."""
    block = number // EVENTS_PER_BLOCK + 1
    return np.full(len(number), run, np.uint32), block.astype(np.uint32)
