"""Luminosity blocks of data: which are certified, and which were processed.

CMS certifies blocks by a JSON file, ``{"run": [[first block, last block], ...]}`` ("golden JSON"); processed blocks are
written in the same form, from which the integrated luminosity is worked out.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from deepsf.arrays import Array, Bools
from deepsf.nanoaod.columns import per_event
from deepsf.nanoaod.root_file import open_root, unreadable

Keys = npt.NDArray[np.uint64]
"""Blocks as numbers: run << 32 | block."""
Ranges = dict[str, list[list[int]]]
_BITS = np.uint64(32)


class LuminosityError(ValueError):
    """A file of luminosity blocks cannot be used; the message names file, run, rule and way out."""


@dataclass(frozen=True)
class LuminosityBlocks:
    """Sorted, disjoint ranges of luminosity blocks: keys of first and last block, each of shape (n,)."""

    first: Keys
    last: Keys

    @classmethod
    def load(cls, path: str | Path) -> LuminosityBlocks:
        """Return the blocks of a JSON file.

        Raises
        ------
        LuminosityError
            If it cannot be read, is no mapping of runs to ranges of blocks, or holds no block.
        """
        try:
            stored = json.loads(Path(path).read_text(encoding="utf-8"), object_pairs_hook=_each_once)
        except (OSError, ValueError, RecursionError) as error:
            raise LuminosityError(
                f"{path}: not a readable JSON of luminosity blocks ({error}); correct certified in the config"
            ) from None
        if not isinstance(stored, dict):
            raise LuminosityError(f"{path}: must map runs to ranges of luminosity blocks, got {type(stored).__name__}")
        blocks = cls.of_ranges(stored, str(path))
        if not len(blocks):
            raise LuminosityError(f"{path}: certifies no luminosity block; correct certified in the config")
        return blocks

    @classmethod
    def of_ranges(cls, ranges: Mapping[str, Any], where: str = "luminosity blocks") -> LuminosityBlocks:
        """Return the blocks of ``{"run": [[first, last], ...]}``; ranges may overlap and need no order."""
        pairs = [_range(run, pair, where) for run, of_run in ranges.items() for pair in _list(run, of_run, where)]
        limits = np.array(sorted(pairs), np.uint64).reshape(-1, 2)
        if not len(limits):
            return cls(limits[:, 0], limits[:, 1])
        reach = np.maximum.accumulate(limits[:, 1])
        starts = np.flatnonzero(np.concatenate([[True], limits[1:, 0] > reach[:-1] + np.uint64(1)]))
        return cls(limits[starts, 0], np.maximum.reduceat(limits[:, 1], starts))

    @classmethod
    def of_keys(cls, keys: Keys) -> LuminosityBlocks:
        """Return the blocks of the given keys."""
        keys = np.unique(keys)
        if not len(keys):
            return cls(keys, keys)
        starts = np.concatenate([[True], np.diff(keys) > 1])
        return cls(keys[starts], keys[np.concatenate([starts[1:], [True]])])

    @property
    def ranges(self) -> Ranges:
        """The blocks in the form of the JSON files, runs in order."""
        found: Ranges = {}
        mask = np.uint64((1 << 32) - 1)
        for first, last in zip(self.first, self.last, strict=True):
            found.setdefault(str(int(first >> _BITS)), []).append([int(first & mask), int(last & mask)])
        return found

    def __len__(self) -> int:
        return int(np.sum(self.last - self.first + np.uint64(1)))

    def contain(self, keys: Keys) -> Bools:
        """Return which keys are among the blocks, shape (n,)."""
        if not len(self.first):
            return np.zeros(len(keys), np.bool_)
        place = np.searchsorted(self.first, keys, side="right") - 1
        return np.asarray((place >= 0) & (keys <= self.last[np.maximum(place, 0)]))

    def within(self, runs: Sequence[tuple[int, int]]) -> LuminosityBlocks:
        """Return the blocks in ranges of runs, all blocks if there are no ranges."""
        run = self.first >> _BITS
        kept = np.logical_or.reduce([np.full(len(run), not runs), *((run >= a) & (run <= b) for a, b in runs)])
        return LuminosityBlocks(self.first[kept], self.last[kept])


def keys_of(run: Array, luminosity_block: Array) -> Keys:
    """Return the keys of luminosity blocks, shape (n,)."""
    return np.asarray((run.astype(np.uint64) << _BITS) | luminosity_block.astype(np.uint64))


def stored_blocks(path: str, file: Any = None) -> Keys:
    """Return the blocks in a file's tree ``LuminosityBlocks``, also those of which no event is left."""
    with open_root(path, file) as file:
        try:
            tree = file.get("LuminosityBlocks")
            if tree is None or "run" not in tree or "luminosityBlock" not in tree:
                return np.zeros(0, np.uint64)
            arrays = {name: tree[name].array() for name in ("run", "luminosityBlock")}
        except Exception as error:  # uproot and the codecs raise many types on corrupt baskets
            raise unreadable(path, error, "reading LuminosityBlocks") from error
    return keys_of(*(per_event(path, f"LuminosityBlocks/{name}", array, np.uint32) for name, array in arrays.items()))


def joined(ranges: Sequence[Ranges]) -> LuminosityBlocks:
    """Return the blocks of all parts together."""
    together: dict[str, list[list[int]]] = {}
    for part in ranges:
        for run, of_run in part.items():
            together.setdefault(run, []).extend(of_run)
    return LuminosityBlocks.of_ranges(together)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object; of two entries for one run the parser would keep the last without a word."""
    for name, n in Counter(name for name, _ in pairs).items():
        if n > 1:
            raise ValueError(f"{name!r} is there {n} times")
    return dict(pairs)


def _list(run: str, of_run: Any, where: str) -> list[Any]:
    if not (run.isascii() and run.isdigit() and len(run) <= 10 and int(run) < 1 << 32):
        raise LuminosityError(f"{where}: {run!r} is not the number of a run")
    if not isinstance(of_run, list):
        raise LuminosityError(f"{where}: run {run} must have a list of ranges, got {of_run!r}")
    return of_run


def _range(run: str, pair: Any, where: str) -> tuple[int, int]:
    is_pair = isinstance(pair, list) and len(pair) == 2 and all(type(block) is int for block in pair)
    if not (is_pair and 0 <= pair[0] <= pair[1] < 1 << 32):
        raise LuminosityError(f"{where}: run {run} has {pair!r}, not a range [first block, last block]")
    return (int(run) << 32) | pair[0], (int(run) << 32) | pair[1]
