"""Random numbers by event: uniform, independent, and the event's own."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chisquare, kstest, poisson

from deepsf.efficiency.events.events import offsets_of
from deepsf.efficiency.events.random import event_poisson, event_uniforms, jet_uniforms, stream

N = 200_000
CONSECUTIVE = np.arange(N, dtype=np.uint64)


@pytest.mark.parametrize("event", [CONSECUTIVE, CONSECUTIVE << np.uint64(40), CONSECUTIVE + np.uint64(2**64 - N)])
def test_numbers_of_neighbouring_events_are_uniform_and_uncorrelated(event):
    values = event_uniforms(stream(1, "a"), event)
    assert values.min() >= 0
    assert values.max() < 1
    assert kstest(values, "uniform").pvalue > 1e-3
    for lag in (1, 2, 1024):
        assert abs(np.corrcoef(values[lag:], values[:-lag])[0, 1]) < 4 / np.sqrt(N)


def test_seeds_names_counters_and_jets_have_numbers_of_their_own():
    key = stream(1, "a")
    offsets = offsets_of(np.full(N, 3))
    jets = jet_uniforms(key, CONSECUTIVE, offsets).reshape(N, 3)
    columns = [
        *jets.T,
        event_uniforms(stream(2, "a"), CONSECUTIVE),
        event_uniforms(stream(1, "b"), CONSECUTIVE),
        event_uniforms(stream(1, "a", 1), CONSECUTIVE),
        event_uniforms(stream(3), CONSECUTIVE, 1),
        event_uniforms(stream(3), CONSECUTIVE, 2),
    ]
    correlation = np.corrcoef(columns) - np.eye(len(columns))
    assert np.abs(correlation).max() < 4.5 / np.sqrt(N)


def test_a_jet_has_the_number_of_its_event_and_place():
    key = stream(1, "a")
    whole = jet_uniforms(key, np.array([7, 9], np.uint64), np.array([0, 3, 5]))
    np.testing.assert_array_equal(jet_uniforms(key, np.array([9], np.uint64), np.array([0, 2])), whole[3:])
    np.testing.assert_array_equal(jet_uniforms(key, np.array([7], np.uint64), np.array([0, 2])), whole[:2])


def test_poisson_numbers_follow_their_law_and_differ_between_replicas():
    one, other = (event_poisson(stream(1, "a"), CONSECUTIVE, replica) for replica in (0, 1))
    found = np.bincount(np.minimum(one, 7).astype(int), minlength=8)
    expected = np.append(poisson.pmf(np.arange(7), 1), poisson.sf(6, 1))
    assert chisquare(found, N * expected).pvalue > 1e-3
    assert abs(np.corrcoef(one, other)[0, 1]) < 4 / np.sqrt(N)
