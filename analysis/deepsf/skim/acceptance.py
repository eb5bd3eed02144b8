"""Which events of a file count at all: of certified luminosity blocks, and of no earlier data set."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

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
        If a certified event is of a run outside of ``settings.runs``.
    """
    counts = np.ones(events.n_events, np.bool_)
    left = {}
    if certified is not None:
        counts &= certified.contain(keys_of(events.run, events.luminosity_block))
        left["certified"] = int(np.count_nonzero(counts))
    if settings.runs and settings.sample.kind == "data":
        _require_runs(events.run[counts], settings.runs, path)
    if settings.earlier:
        counts &= ~events.fired_earlier
        left["data_order"] = int(np.count_nonzero(counts))
    return (events._replace(passes_filters=events.passes_filters & counts) if left else events), left


def _require_runs(run: np.ndarray, ranges: Sequence[RunRange], path: str) -> None:
    outside = np.logical_and.reduce([(run < first) | (run > last) for first, last in ranges])
    if np.any(outside):
        allowed = ", ".join(f"{first}-{last}" for first, last in ranges)
        raise SkimError(
            f"{path}: {np.count_nonzero(outside)} of {len(run)} certified events are outside of the era's runs "
            f"{allowed}, first in run {run[outside][0]}; take the file off the sample, or correct runs in the config"
        )
