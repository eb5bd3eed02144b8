"""Parts of the events by number: who is trained on one may evaluate or test the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from deepsf.arrays import Bools, Ints
from deepsf.efficiency.events.events import JetEvents
from deepsf.efficiency.events.random import event_uniforms, stream

if TYPE_CHECKING:
    from deepsf.config.efficiency.efficiency import EfficiencySplit

CROSS_FIT_FOLDS = 2
"""Events with an even number, and those with an odd one."""


def in_test_sample(events: JetEvents, split: EfficiencySplit) -> Bools:
    """Return which events are in the test sample, ``(n_events,)``; their number alone decides."""
    return event_uniforms(stream(split.seed, "train and test"), events.event) < split.test_fraction


class Fold(NamedTuple):
    """Events whose number gives ``number`` modulo ``n_folds``: of two folds, 0 has even and 1 odd event numbers."""

    number: int
    n_folds: int = CROSS_FIT_FOLDS

    def holds(self, events: JetEvents) -> Bools:
        """Return which events belong to the fold, ``(n_events,)``.

        Raises
        ------
        ValueError
            If there is no such fold.
        """
        if not 0 <= self.number < self.n_folds or self.n_folds < CROSS_FIT_FOLDS:
            raise ValueError(
                f"there is no fold {self.number} of {self.n_folds}; there are at least {CROSS_FIT_FOLDS}, counted from "
                "0"
            )
        held: Bools = fold_of_events(events, self.n_folds) == self.number
        return held

    def __str__(self) -> str:
        if self.n_folds == CROSS_FIT_FOLDS and self.number in (0, 1):
            return f"events with an {('even', 'odd')[self.number]} number"
        return f"events whose number is {self.number} modulo {self.n_folds}"


def fold_of_events(events: JetEvents, n_folds: int = CROSS_FIT_FOLDS) -> Ints:
    """Return the fold whose members are trained on each event, ``(n_events,)``: its number modulo that of folds."""
    numbers: Ints = (events.event % n_folds).astype("int64")
    return numbers
