"""Which events of a file count at all: those of certified luminosity blocks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from deepsf.arrays import Array
from deepsf.config.campaign import RunRange
from deepsf.nanoaod.events import Events
from deepsf.nanoaod.luminosity_blocks import LuminosityBlocks, keys_of
from deepsf.skim.cut_flow import SkimError
from deepsf.skim.settings import SkimSettings


def accepted_events(
    events: Events, settings: SkimSettings, certified: LuminosityBlocks | None, path: str
) -> tuple[Events, dict[str, int]]:
    """Return the chunk in which only events that count pass the filters, and how many are left after each step.

    Raises
    ------
    SkimError
        If an event, certified where this is known, is of a run outside of ``settings.runs``.
    """
    left, run = {}, events.run
    if certified is not None:
        counts = certified.contain(keys_of(events.run, events.luminosity_block))
        left["certified"], run = int(np.count_nonzero(counts)), events.run[counts]
        events = events._replace(passes_filters=events.passes_filters & counts)
    if settings.runs and settings.sample.kind == "data":
        _require_runs(run, settings.runs, path, "events" if certified is None else "certified events")
    return events, left


def _require_runs(run: Array, ranges: Sequence[RunRange], path: str, events: str) -> None:
    outside = np.logical_and.reduce([(run < first) | (run > last) for first, last in ranges])
    if np.any(outside):
        allowed = ", ".join(f"{first}-{last}" for first, last in ranges)
        raise SkimError(
            f"{path}: {np.count_nonzero(outside)} of {len(run)} {events} are outside of the era's runs "
            f"{allowed}, first in run {run[outside][0]}; take the file off the sample, or correct runs in the config"
        )
