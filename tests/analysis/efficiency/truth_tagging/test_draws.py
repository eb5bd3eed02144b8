"""Drawn tag patterns and bins: exact frequencies, and the same for an event whatever its surroundings."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.stats import chisquare

from deepsf.efficiency.events.events import offsets_of
from deepsf.efficiency.truth_tagging.draws import NOT_DRAWN, draw_bins, draw_pattern
from deepsf.efficiency.truth_tagging.probabilities import number_of_tags

N = 100_000
EFFICIENCY = np.array([0.8, 0.3, 0.05, 0.6, 0.15])


def repeated(values, n=N):
    """Return n events with the same jets, with offsets and event numbers."""
    return (
        np.tile(values, (n, *[1] * (np.ndim(values) - 1))),
        offsets_of(np.full(n, len(values))),
        np.arange(n, dtype=np.uint64),
    )


def p_value(found, expected):
    kept = expected * found.sum() > 5
    rest = found[~kept].sum(), expected[~kept].sum() * found.sum()
    pairs = [(f, e * found.sum()) for f, e in zip(found[kept], expected[kept], strict=True)]
    pairs += [rest] if rest[1] > 0 else []
    observed, wanted = np.transpose(pairs)
    return chisquare(observed, wanted * observed.sum() / wanted.sum()).pvalue


@pytest.mark.parametrize("at_least", [False, True])
@pytest.mark.parametrize("n", [0, 1, 2, 4])
def test_patterns_are_drawn_with_their_probabilities(n, at_least):
    efficiency, offsets, event = repeated(EFFICIENCY)
    drawn = draw_pattern(efficiency, offsets, event, n, at_least=at_least, seed=3)
    assert drawn.is_possible.all()
    expected = np.zeros(32)
    for pattern in product([0, 1], repeat=5):
        if sum(pattern) == n or (at_least and sum(pattern) > n):
            number = int(np.dot(pattern, 2 ** np.arange(5)))
            expected[number] = np.prod(np.where(pattern, EFFICIENCY, 1 - EFFICIENCY))
    found = np.bincount(drawn.tagged.reshape(N, 5) @ 2 ** np.arange(5), minlength=32)
    assert found[expected == 0].sum() == 0
    assert p_value(found, expected / expected.sum()) > 1e-3 if (expected > 0).sum() > 1 else True


def test_p_values_of_the_frequencies_are_spread_as_they_should_be_over_seeds():
    efficiency, offsets, event = repeated(EFFICIENCY, 20_000)
    exact = [np.prod(np.where(p, EFFICIENCY, 1 - EFFICIENCY)) for p in product([0, 1], repeat=5) if sum(p) == 2]
    values = []
    for seed in range(20):
        tagged = draw_pattern(efficiency, offsets, event, 2, at_least=False, seed=seed).tagged.reshape(-1, 5)
        patterns = [p for p in product([0, 1], repeat=5) if sum(p) == 2]
        found = np.array([np.sum((tagged == p).all(axis=1)) for p in patterns])
        values.append(p_value(found, np.array(exact) / np.sum(exact)))
    assert min(values) > 1e-3
    assert 0.25 < np.mean(values) < 0.75  # uniform: 0.5 with standard deviation 0.065


@pytest.mark.parametrize("working_point", [0, 1, 2])
@pytest.mark.parametrize("tagged", [False, True])
def test_bins_are_drawn_with_their_probabilities(working_point, tagged):
    points = np.array([0.7, 0.4, 0.1])
    efficiency, offsets, event = repeated(points[np.newaxis])
    bins = draw_bins(efficiency, offsets, event, np.full(N, tagged), working_point, seed=4)
    probability = np.array([0.3, 0.3, 0.3, 0.1])
    probability[slice(working_point + 1) if tagged else slice(working_point + 1, None)] = 0.0
    found = np.bincount(bins, minlength=4)
    assert found[probability == 0].sum() == 0
    if (probability > 0).sum() > 1:
        assert p_value(found, probability / probability.sum()) > 1e-3


def test_pattern_and_bins_together_have_the_probabilities_of_the_bins():
    """Draw any number of tags, then bins: each jet is in each bin as often as its efficiencies say."""
    points = np.array([[0.7, 0.4, 0.1], [0.3, 0.3, 0.02]])
    efficiency, offsets, event = repeated(points)
    tagged = draw_pattern(efficiency[:, 1], offsets, event, 0, at_least=True, seed=5).tagged
    bins = draw_bins(efficiency, offsets, event, tagged, 1, seed=5).reshape(N, 2)
    for jet, probability in enumerate(([0.3, 0.3, 0.3, 0.1], [0.7, 0.0, 0.28, 0.02])):
        assert p_value(np.bincount(bins[:, jet], minlength=4), np.array(probability)) > 1e-3
    # and the jets are independent of each other
    assert abs(np.corrcoef(bins.T)[0, 1]) < 4 / np.sqrt(N)


def varied(n=300, seed=8):
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 12, n)
    offsets = offsets_of(counts)
    efficiency = np.sort(rng.random((offsets[-1], 3)), axis=1)[:, ::-1].copy()
    return efficiency, counts, offsets, rng.integers(0, 2**64, n, dtype=np.uint64), rng.random(offsets[-1]) < 0.8


def test_an_event_gets_the_same_draw_in_any_order_and_company():
    efficiency, counts, offsets, event, mask = varied()
    drawn = draw_pattern(efficiency[:, 1], offsets, event, 2, at_least=True, seed=1, taggable=mask)
    bins = draw_bins(efficiency, offsets, event, drawn.tagged, 1, seed=1, taggable=mask)
    order = np.random.default_rng(2).permutation(len(counts))[:100]
    jets = np.concatenate([np.arange(offsets[k], offsets[k + 1]) for k in order])
    some = efficiency[jets], offsets_of(counts[order]), event[order]
    again = draw_pattern(some[0][:, 1], *some[1:], 2, at_least=True, seed=1, taggable=mask[jets])
    np.testing.assert_array_equal(again.tagged, drawn.tagged[jets])
    np.testing.assert_array_equal(again.is_possible, drawn.is_possible[order])
    np.testing.assert_array_equal(
        draw_bins(*some, again.tagged, 1, seed=1, taggable=mask[jets]),
        bins[jets],
    )


def test_seeds_and_numbers_of_tags_have_draws_of_their_own():
    efficiency, offsets, event = repeated(EFFICIENCY, 2000)
    draws = [
        draw_pattern(efficiency, offsets, event, n, at_least=at_least, seed=seed).tagged.reshape(-1, 5)
        for seed, n, at_least in ((1, 0, True), (2, 0, True), (1, 1, True))
    ]
    for other in draws[1:]:
        # an event's patterns agree by chance alone
        equal = np.mean((draws[0] == other).all(axis=1))
        by_chance = np.prod(EFFICIENCY**2 + (1 - EFFICIENCY) ** 2)
        assert abs(equal - by_chance) < 5 * np.sqrt(by_chance / 2000)


@pytest.mark.parametrize("at_least", [False, True])
def test_drawn_tags_are_as_many_as_asked_for_or_the_event_is_flagged(at_least):
    efficiency, _, offsets, event, mask = varied(3000)
    values = np.where(np.arange(len(efficiency)) % 7 == 0, 0.0, efficiency[:, 0])
    values[::11] = 1.0
    drawn = draw_pattern(values, offsets, event, 3, at_least=at_least, seed=1, taggable=mask)
    n_tags = number_of_tags(drawn.tagged, offsets)
    assert not np.any(drawn.tagged & ~mask)
    assert not np.any(drawn.tagged & (values == 0))
    possible = n_tags[drawn.is_possible]
    assert (possible >= 3).all() if at_least else (possible == 3).all()
    assert n_tags[~drawn.is_possible].sum() == 0
    can, must = (np.add.reduceat(np.append(x & mask, False), offsets[:-1]) for x in (values > 0, values == 1))
    enough = (can >= 3) if at_least else (can >= 3) & (must <= 3)
    np.testing.assert_array_equal(drawn.is_possible, np.where(np.diff(offsets) > 0, enough, False))


def test_many_jets_with_tiny_efficiencies_are_still_drawn():
    efficiency, offsets, event = repeated(np.full(30, 1e-6), 2000)
    drawn = draw_pattern(efficiency, offsets, event, 4, at_least=True, seed=1)
    assert (number_of_tags(drawn.tagged, offsets) == 4).mean() > 0.99
    place = np.flatnonzero(drawn.tagged) % 30
    assert p_value(np.bincount(place, minlength=30), np.full(30, 1 / 30)) > 1e-3


def test_jets_that_are_not_taggable_have_no_bin():
    efficiency, _, offsets, event, mask = varied()
    tagged = draw_pattern(efficiency[:, 0], offsets, event, 1, at_least=True, seed=1, taggable=mask).tagged
    bins = draw_bins(efficiency, offsets, event, tagged, 0, seed=1, taggable=mask)
    np.testing.assert_array_equal(bins == NOT_DRAWN, ~mask)
    np.testing.assert_array_equal(bins[mask] >= 1, tagged[mask])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"efficiency": [[0.3, 0.4], [0.5, 0.2]]}, r"not nested for 1 of 2 jets, .*\[0.3, 0.4\] \(jet 0\)"),
        ({"efficiency": [[1.3, 0.4], [0.5, 0.2]]}, r"1 of 2 jets are not in \[0, 1\], the first are \[1.3, 0.4\]"),
        ({"efficiency": [[np.nan, 0.4], [0.5, 0.2]]}, r"not in \[0, 1\]"),
        ({"efficiency": [0.3, 0.4]}, r"shape \(n_jets, K\), got \(2,\)"),
        ({"point": 2}, "point must be the index of a working point, below 2, got 2"),
        ({"tagged": [True]}, r"tagged must have one value a jet, shape \(2,\), got \(1,\)"),
        ({"event": [1, 2]}, r"event must have one number an event, shape \(1,\), got \(2,\)"),
        ({"taggable": [True]}, "taggable must have one value a jet"),
    ],
)
def test_bad_input_of_the_bins_gets_a_message(change, message):
    given = {
        "efficiency": [[0.5, 0.4], [0.5, 0.2]], "event": [1], "tagged": [True, False], "point": 0,
        "taggable": [True, True],
    } | change  # fmt: skip
    with pytest.raises(ValueError, match=message):
        draw_bins(
            np.array(given["efficiency"]), np.array([0, 2]), np.array(given["event"], np.uint64),
            np.array(given["tagged"]), given["point"], seed=1, taggable=np.array(given["taggable"]),
        )  # fmt: skip


def test_bad_input_of_the_pattern_gets_a_message():
    efficiency, offsets, event = repeated(EFFICIENCY, 2)
    with pytest.raises(ValueError, match="cannot be negative, got -1"):
        draw_pattern(efficiency, offsets, event, -1, at_least=True, seed=1)
    with pytest.raises(ValueError, match="one number an event"):
        draw_pattern(efficiency, offsets, event[:1], 1, at_least=True, seed=1)
