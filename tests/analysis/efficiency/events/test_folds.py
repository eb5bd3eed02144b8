"""Folds by the number of the event, whatever its place."""

from __future__ import annotations

import pytest

from deepsf.efficiency.events.folds import Fold, fold_of_events
from tests.analysis.efficiency.events.hand_events import flat_events

EVENTS = flat_events([1, 1, 1, 1], event=[4, 7, 9, 2**63 + 2])


def test_the_number_decides_and_not_the_place():
    assert fold_of_events(EVENTS).tolist() == [0, 1, 1, 0]
    assert Fold(1).holds(EVENTS).tolist() == [False, True, True, False]
    # 2^63 = 2 modulo 3
    assert fold_of_events(EVENTS, 3).tolist() == [1, 1, 0, 1]


def test_folds_say_in_words_what_they_hold():
    assert [str(Fold(0)), str(Fold(1)), str(Fold(2, 3))] == [
        "events with an even number",
        "events with an odd number",
        "events whose number is 2 modulo 3",
    ]


@pytest.mark.parametrize("fold", [Fold(2), Fold(-1), Fold(0, 1)])
def test_folds_that_there_are_not_are_refused(fold):
    with pytest.raises(ValueError, match=r"there is no fold .* there are at least 2, counted from 0"):
        fold.holds(EVENTS)
