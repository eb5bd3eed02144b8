"""Jets by rank: every chosen jet once, with its event, also beyond one block of events."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.efficiency.events import ranks
from deepsf.efficiency.events.events import offsets_of
from deepsf.efficiency.events.ranks import by_rank, product


def test_events_with_the_most_jets_come_first_and_jets_keep_their_order():
    chosen = np.array([1, 0, 1, 1, 1, 1, 0, 1], bool)
    (block,) = by_rank(np.array([0, 3, 3, 4, 8]), chosen)
    assert block.events.tolist() == [3, 0, 2, 1]
    assert [jets.tolist() for jets in block.jets] == [[4, 0, 3], [5, 2], [7]]


@pytest.mark.parametrize("n_events", [0, 1, 7, 8, 9, 30])
def test_blocks_hold_every_chosen_jet_with_its_event(monkeypatch, n_events):
    monkeypatch.setattr(ranks, "_BLOCK_EVENTS", 8)
    rng = np.random.default_rng(n_events)
    counts = rng.integers(0, 5, n_events)
    offsets = offsets_of(counts)
    chosen = rng.random(offsets[-1]) < 0.7
    event_of_jet = np.repeat(np.arange(n_events), counts)
    events, jets = [], []
    for block in by_rank(offsets, chosen):
        events += block.events.tolist()
        for of_rank in block.jets:
            np.testing.assert_array_equal(event_of_jet[of_rank], block.events[: len(of_rank)])
            jets += of_rank.tolist()
    assert sorted(events) == list(range(n_events))
    assert sorted(jets) == np.flatnonzero(chosen).tolist()


def test_products_by_hand():
    factor, chosen = np.array([2.0, 3.0, 5.0, 7.0]), np.array([1, 1, 0, 1], bool)
    assert product(factor, np.array([0, 2, 3, 4, 4]), chosen).tolist() == [6.0, 1.0, 7.0, 1.0]
