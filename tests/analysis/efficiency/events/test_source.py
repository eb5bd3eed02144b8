"""Numbers of events that no other event has, and the way back to NanoAOD."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from deepsf.efficiency import event_numbers
from deepsf.efficiency.events.source import EventSource, join_sources

RUN, BLOCK, EVENT = np.array([1, 1, 2, 2], np.uint32), np.array([5, 6, 5, 5], np.uint32), np.array([7, 7, 7, 8])


def test_events_that_differ_in_anything_have_other_numbers():
    numbers = np.concatenate([event_numbers(RUN, BLOCK, EVENT, sample) for sample in ("", "ttbar", "zjets")])
    assert numbers.dtype == np.uint64
    assert len(np.unique(numbers)) == 12
    # what is exchanged is not the same
    assert event_numbers([1], [2], [3]) != event_numbers([2], [1], [3]) != event_numbers([3], [2], [1])


def test_a_number_depends_on_its_event_alone_and_never_changes():
    alone = event_numbers(RUN[2:3], BLOCK[2:3], EVENT[2:3], "ttbar")
    assert alone == event_numbers(RUN, BLOCK, EVENT, "ttbar")[2]
    # tables that were written join with those of the future
    assert event_numbers([1], [1], [1], "ttbar").tolist() == [2941201252431462914]


def test_numbers_are_spread_evenly_over_folds():
    n = 20_000
    numbers = event_numbers(np.ones(n, int), np.ones(n, int), 2 * np.arange(n))
    assert np.mean(numbers % 2) == pytest.approx(0.5, abs=4 * np.sqrt(0.25 / n))


def test_numbers_that_are_not_whole_are_refused():
    with pytest.raises(ValueError, match="event must be whole numbers, got float64: a float cannot hold all event"):
        event_numbers([1], [1], [1.0])
    with pytest.raises(ValueError, match="run must be at least 0, got -1"):
        event_numbers([-1], [1], [1])
    with pytest.raises(
        ValueError, match=r"one value an event each, got the shapes run \(4,\), luminosity_block \(4,\),"
    ):
        event_numbers(RUN, BLOCK, EVENT[:1])


def source(name, chosen=slice(None)) -> EventSource:
    return EventSource.of_sample(name, {"run": RUN[chosen], "luminosity_block": BLOCK[chosen], "event": EVENT[chosen]})


def test_joined_and_selected_sources_know_their_samples():
    joined = join_sources([source("ttbar"), source("zjets", slice(2)), source("ttbar", slice(1))])
    assert (joined.samples, joined.sample.tolist()) == (("ttbar", "zjets"), [0, 0, 0, 0, 1, 1, 0])
    chosen = joined.select(np.array([False, True, False, False, False, True, False]))
    assert (chosen.sample.tolist(), chosen.luminosity_block.tolist()) == ([0, 1], [6, 6])
    assert join_sources([None, None]) is None
    with pytest.raises(ValueError, match="are known of some of the samples to join and not of others"):
        join_sources([source("ttbar"), None])


def test_tables_bring_sources_back():
    joined = join_sources([source("ttbar"), source("zjets", slice(1))])
    table = pa.table(joined.to_columns())
    assert table["sample"].to_pylist() == ["ttbar"] * 4 + ["zjets"]
    read = EventSource.from_table(table)
    assert read.samples == joined.samples
    for name in ("sample", "run", "luminosity_block", "event"):
        np.testing.assert_array_equal(getattr(read, name), getattr(joined, name))
        assert getattr(read, name).dtype == getattr(joined, name).dtype
    assert EventSource.from_table(table.drop_columns(["run"])) is None
