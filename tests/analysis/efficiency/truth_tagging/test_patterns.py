"""All tag patterns of events."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.efficiency.events.events import offsets_of
from deepsf.efficiency.truth_tagging.patterns import all_patterns
from deepsf.efficiency.truth_tagging.probabilities import at_least, exactly, number_of_tags
from tests.oracles.truth_tagging import pattern_probability


def sample():
    rng = np.random.default_rng(1)
    counts = np.array([3, 0, 6, 1, 9])
    offsets = offsets_of(counts)
    return rng.random(offsets[-1]), offsets, rng.random(offsets[-1]) < 0.8


@pytest.mark.parametrize("n", [0, 1, 2, 3])
@pytest.mark.parametrize("or_more", [False, True])
def test_patterns_are_all_that_there_are_and_their_probabilities_add_up(n, or_more):
    efficiency, offsets, mask = sample()
    found = all_patterns(efficiency, offsets, n, at_least=or_more, taggable=mask)
    total = np.bincount(found.event, found.probability, len(offsets) - 1)
    expected = (at_least if or_more else exactly)(efficiency, offsets, n, mask)
    np.testing.assert_allclose(total, expected, rtol=1e-12)
    n_tags = number_of_tags(found.tagged, found.offsets)
    assert (n_tags >= n).all() if or_more else (n_tags == n).all()
    patterns = [
        (event, tuple(found.tagged[found.offsets[k] : found.offsets[k + 1]])) for k, event in enumerate(found.event)
    ]
    assert len(set(patterns)) == len(patterns)


def test_each_pattern_has_its_own_probability():
    efficiency, offsets, mask = sample()
    found = all_patterns(efficiency, offsets, 2, at_least=False, taggable=mask)
    jets = np.concatenate([np.arange(offsets[k], offsets[k + 1]) for k in found.event])
    expected = pattern_probability(efficiency[jets], found.offsets, found.tagged, mask[jets])
    np.testing.assert_allclose(found.probability, expected, rtol=1e-12)


def test_two_of_three_jets_by_hand():
    found = all_patterns(np.array([0.5, 0.2, 0.1]), np.array([0, 3]), 2, at_least=False)
    by_pattern = dict(zip(map(tuple, found.tagged.reshape(-1, 3).astype(int)), found.probability, strict=True))
    assert by_pattern == pytest.approx({(1, 1, 0): 0.09, (1, 0, 1): 0.04, (0, 1, 1): 0.01})


def test_too_many_patterns_get_a_message():
    with pytest.raises(ValueError, match="1 events have more than 20 taggable jets, up to 21: too many"):
        all_patterns(np.full(21, 0.5), np.array([0, 21]), 1, at_least=True)
    with pytest.raises(ValueError, match="cannot be negative"):
        all_patterns(np.full(2, 0.5), np.array([0, 2]), -1, at_least=True)
