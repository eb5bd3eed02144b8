"""Flat columns of events: numbers, sums, order, flavours and rounding."""

from typing import NamedTuple

import numpy as np
import pytest

from deepsf.generator.jagged import event_sums, flavour_place, order_by_event_and_pt, renumbered, rounded, rows


class Table(NamedTuple):
    number: np.ndarray
    letter: np.ndarray


def test_rows_are_chosen_by_mask_or_index():
    table = Table(np.arange(3), np.array(["a", "b", "c"]))
    assert rows(table, np.array([True, False, True])).letter.tolist() == ["a", "c"]
    assert rows(table, np.array([2, 0])).number.tolist() == [2, 0]


def test_kept_events_are_numbered_anew():
    # events 0 and 2 of three are kept, with two objects and one
    keep, event = renumbered(np.array([0, 1, 0, 2]), np.array([True, False, True]))
    assert keep.tolist() == [True, False, True, True]
    assert event.tolist() == [0, 0, 1]


def test_sums_are_zero_for_events_without_objects():
    assert event_sums(np.array([2, 0, 2]), np.array([1.0, 5.0, 3.0]), 4).tolist() == [5.0, 0.0, 4.0, 0.0]


def test_objects_are_ordered_by_event_and_falling_pt():
    event, pt = np.array([1, 0, 1, 0]), np.array([20.0, 30.0, 900.0, 40.0])
    assert order_by_event_and_pt(event, pt).tolist() == [3, 1, 2, 0]


def test_flavours_have_places_and_others_are_refused():
    assert flavour_place(np.array([0, 5, 4])).tolist() == [2, 0, 1]
    with pytest.raises(ValueError, match=r"hadron flavours \[1, 21\] are not generated"):
        flavour_place(np.array([5, 21, 1]))


def test_rounding_keeps_ten_bits():
    values = np.array([1.0, 1.0 + 2**-11, 1.0 + 2**-10, 100.03, -3.14159265])
    # spacing 2**-10 just above 1, 2**-4 at 100, 2**-9 at 3
    assert rounded(values).tolist() == [1.0, 1.0 + 2**-10, 1.0 + 2**-10, 100.0, -1608 / 512]
