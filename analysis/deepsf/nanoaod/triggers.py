"""Trigger paths of a file: which exist, by channel, and in which runs they count."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

import numpy as np

from deepsf.arrays import Array, Bools
from deepsf.config.campaign import RunRange
from deepsf.config.samples import Sample
from deepsf.config.selection import CHANNELS, Channel, Selection, Triggers
from deepsf.nanoaod.root_file import NtupleError

log = logging.getLogger(__name__)

PathOfRuns = tuple[str, RunRange | None]


class Paths(NamedTuple):
    """Trigger paths that exist in a file, by channel, each with the runs in which it counts, None for all.

    ``earlier`` are those of the data sets that an event counts in first.
    """

    by_channel: Mapping[Channel, tuple[PathOfRuns, ...]]
    missing: tuple[str, ...]
    earlier: Mapping[Channel, tuple[PathOfRuns, ...]]

    @property
    def branches(self) -> tuple[str, ...]:
        """All branches to read, each once."""
        of_channels = [*self.by_channel.values(), *self.earlier.values()]
        return tuple(dict.fromkeys(path for paths in of_channels for path, _ in paths))

    def fired(self, branches: Mapping[str, Bools], run: Array) -> Bools:
        """Return which channels fired, shape (n, 3), by `CHANNELS`."""
        return _by_channel(self.by_channel, branches, run)

    def fired_earlier(self, branches: Mapping[str, Bools], run: Array) -> Bools:
        """Return which channels fired in an earlier data set, shape (n, 3), by `CHANNELS`."""
        return _by_channel(self.earlier, branches, run)


NO_PATHS = Paths({}, (), {})


def of_file(
    path: str, known: Collection[str], sample: Sample, selection: Selection, earlier: Mapping[Channel, Triggers]
) -> Paths:
    """Return the trigger paths of the channels that a sample may fill; the missing ones count as not fired.

    Raises
    ------
    NtupleError
        If a channel has none.
    """
    of_sample = selection.triggers if sample.triggers is None else sample.triggers
    is_data = sample.kind == "data"
    wanted = {c: _with_runs(of_sample.get(c, ()), is_data) for c in CHANNELS if c in sample.channels and c in of_sample}
    if not wanted:
        raise NtupleError(
            f"{path}: selection.triggers has no path for the channels {', '.join(sample.channels)} of the sample; add "
            "one, or correct the sample's channels"
        )
    present = {channel: tuple(p for p in paths if p[0] in known) for channel, paths in wanted.items()}
    missing = tuple(dict.fromkeys(p for paths in wanted.values() for p, _ in paths if p not in known))
    empty = [channel for channel in wanted if not present[channel]]
    if empty:
        hlt = [branch for branch in known if branch.startswith("HLT_")]
        tried = [p for channel in empty for p, _ in wanted[channel]]
        raise NtupleError(
            f"{path}: none of the trigger paths of {'channel' if len(empty) == 1 else 'channels'} {', '.join(empty)} "
            f"exists ({'; '.join(with_close_names(p, hlt) for p in dict.fromkeys(tried))}); set selection.triggers, or "
            "triggers of the sample, to paths of this data-taking period, or take the channel off its channels "
            f"({len(hlt)} HLT branches in the file)"
        )
    if missing:
        log.warning("%s: trigger paths that the file lacks count as not fired: %s", path, ", ".join(missing))
    of_earlier = {c: tuple(p for p in _with_runs(paths, is_data) if p[0] in known) for c, paths in earlier.items()}
    return Paths(present, missing, of_earlier)


def with_close_names(branch: str, known: Collection[str]) -> str:
    """Return the name of a branch with those of the file that are like it."""
    close = difflib.get_close_matches(branch, known, n=2, cutoff=0.8)
    return f"{branch} (close: {', '.join(close)})" if close else branch


def _with_runs(triggers: Triggers, is_data: bool) -> tuple[PathOfRuns, ...]:
    """Return paths with the runs in which they count; in simulation all count always."""
    split = ((t, None) if isinstance(t, str) else (t.path, t.runs if is_data else None) for t in triggers)
    return tuple(split)


def _by_channel(paths: Mapping[Channel, tuple[PathOfRuns, ...]], branches: Mapping[str, Bools], run: Array) -> Bools:
    return np.stack([_any(paths.get(channel, ()), branches, run) for channel in CHANNELS], axis=1)


def _any(paths: Iterable[PathOfRuns], branches: Mapping[str, Bools], run: Array) -> Bools:
    fired = np.zeros(len(run), np.bool_)
    for path, runs in paths:
        fired |= branches[path] if runs is None else branches[path] & (run >= runs[0]) & (run <= runs[1])
    return fired
