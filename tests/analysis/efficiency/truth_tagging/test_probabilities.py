"""Probabilities of numbers of tags: against sums over all patterns, exact fractions, and direct tagging."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import prod

import numpy as np
import pytest

from deepsf.efficiency.events.events import offsets_of
from deepsf.efficiency.truth_tagging.probabilities import (
    at_least,
    changes,
    exactly,
    number_of_tags,
    taggable_jets,
    tagged_at_least,
    tagged_exactly,
)
from tests.analysis.efficiency.events.hand_events import flat_events
from tests.oracles.truth_tagging import pattern_probability


def sample(counts, seed=1, low=0.0, high=1.0):
    rng = np.random.default_rng(seed)
    return rng.uniform(low, high, int(np.sum(counts))), offsets_of(np.asarray(counts))


def brute_force(efficiency):
    """Return P(=n) for n = 0 to the number of jets, summed over all patterns."""
    total = np.zeros(len(efficiency) + 1)
    for pattern in product([False, True], repeat=len(efficiency)):
        total[sum(pattern)] += np.prod(np.where(pattern, efficiency, 1 - efficiency))
    return total


@pytest.mark.parametrize("n_jets", range(9))
def test_probabilities_are_sums_over_all_patterns(n_jets):
    efficiency, offsets = sample([n_jets])
    expected = brute_force(efficiency)
    for n in range(n_jets + 3):
        here = expected[n] if n <= n_jets else 0.0
        np.testing.assert_allclose(exactly(efficiency, offsets, n), [here], rtol=1e-12, atol=1e-300)
        np.testing.assert_allclose(at_least(efficiency, offsets, n), [expected[n:].sum()], rtol=1e-12, atol=1e-300)


def test_probabilities_of_all_numbers_of_tags_add_up_to_one_also_for_many_jets():
    counts = np.array([0, 1, 2, 6, 8, 9, 15, 40])
    efficiency, offsets = sample(counts)
    total = sum(exactly(efficiency, offsets, n) for n in range(41))
    np.testing.assert_allclose(total, 1.0, atol=1e-12)
    np.testing.assert_allclose(
        at_least(efficiency, offsets, 3) + sum(exactly(efficiency, offsets, n) for n in range(3)), 1.0, atol=1e-12
    )


def test_twelve_equal_jets_follow_the_binomial_law():
    from scipy.stats import binom

    offsets = np.array([0, 12])
    for n in range(13):
        np.testing.assert_allclose(exactly(np.full(12, 0.3), offsets, n), binom.pmf(n, 12, 0.3), rtol=1e-12)
        np.testing.assert_allclose(at_least(np.full(12, 0.3), offsets, n), binom.sf(n - 1, 12, 0.3), rtol=1e-12)


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_tiny_efficiencies_keep_their_digits(n):
    # 1 - P(0) - P(1) in double precision has four correct digits here, and the next ones none
    values = [1e-6, 2e-6, 5e-7, 3e-6]
    exact = [Fraction(value) for value in values]
    expected = sum(
        prod(e if tag else 1 - e for e, tag in zip(exact, pattern, strict=True))
        for pattern in product([False, True], repeat=4)
        if sum(pattern) >= n
    )
    assert at_least(np.array(values), np.array([0, 4]), n)[0] == pytest.approx(float(expected), rel=1e-14, abs=0)


def test_single_precision_efficiencies_are_summed_in_double_precision():
    efficiency, offsets = sample([5, 3])
    single = efficiency.astype(np.float32)
    found = at_least(single, offsets, 2)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, at_least(single.astype(np.float64), offsets, 2))


def test_jets_that_are_not_taggable_do_not_count():
    efficiency, offsets = sample([4, 3, 2])
    mask = np.array([1, 0, 1, 0, 1, 1, 0, 0, 0], bool)
    fewer, fewer_offsets = efficiency[mask], offsets_of(np.array([2, 2, 0]))
    for n in range(4):
        np.testing.assert_array_equal(exactly(efficiency, offsets, n, mask), exactly(fewer, fewer_offsets, n))
        np.testing.assert_array_equal(at_least(efficiency, offsets, n, mask), at_least(fewer, fewer_offsets, n))


def test_events_without_jets_have_no_tags_for_sure():
    efficiency, offsets = sample([0, 2, 0])
    assert exactly(efficiency, offsets, 0)[[0, 2]].tolist() == [1, 1]
    assert at_least(efficiency, offsets, 1)[[0, 2]].tolist() == [0, 0]
    assert at_least(efficiency, offsets, 0).tolist() == [1, 1, 1]


def test_weights_of_data_need_not_be_probabilities():
    tag, no_tag = np.array([0.5, 1.2]), np.array([0.4, 0.1])
    offsets = np.array([0, 2])
    assert exactly(tag, offsets, 1, None, no_tag)[0] == pytest.approx(0.5 * 0.1 + 0.4 * 1.2)
    assert at_least(tag, offsets, 1, None, no_tag)[0] == pytest.approx(0.9 * 1.3 - 0.4 * 0.1)
    assert at_least(tag, offsets, 0, None, no_tag)[0] == pytest.approx(0.9 * 1.3)


def test_patterns_of_an_event_add_up_to_the_probability_of_their_number_of_tags():
    efficiency, offsets = sample([5])
    mask = np.array([True, True, False, True, True])
    total = 0.0
    for pattern in product([False, True], repeat=4):
        tagged = np.zeros(5, bool)
        tagged[mask] = pattern
        if sum(pattern) == 2:
            total += pattern_probability(efficiency, offsets, tagged, mask)[0]
    assert total == pytest.approx(exactly(efficiency, offsets, 2, mask)[0], rel=1e-14)


def test_the_probability_of_a_pattern_by_hand():
    efficiency = np.array([0.5, 0.2, 0.9])
    found = pattern_probability(efficiency, np.array([0, 2, 3]), np.array([True, False, False]))
    np.testing.assert_allclose(found, [0.5 * 0.8, 0.1])


def test_direct_tagging_counts_the_tags_of_taggable_jets():
    tagged = np.array([1, 1, 1, 0, 1, 0], bool)
    offsets = np.array([0, 3, 3, 5, 6])
    mask = np.array([1, 1, 0, 1, 1, 1], bool)
    assert number_of_tags(tagged, offsets).tolist() == [3, 0, 1, 0]
    assert number_of_tags(tagged, offsets, mask).tolist() == [2, 0, 1, 0]
    assert tagged_exactly(tagged, offsets, 2, mask).tolist() == [True, False, False, False]
    assert tagged_at_least(tagged, offsets, 1, mask).tolist() == [True, False, True, False]


def test_weights_agree_with_direct_tagging_on_average():
    rng = np.random.default_rng(5)
    efficiency, offsets = sample(rng.integers(0, 7, 50_000), 6)
    tagged = rng.random(len(efficiency)) < efficiency
    mask = rng.random(len(efficiency)) < 0.8
    for weight, direct in (
        (exactly(efficiency, offsets, 2, mask), tagged_exactly(tagged, offsets, 2, mask)),
        (at_least(efficiency, offsets, 3, mask), tagged_at_least(tagged, offsets, 3, mask)),
    ):
        pull = np.sum(weight - direct) / np.sqrt(np.sum(weight * (1 - weight)))
        assert abs(pull) < 3.5


def test_taggable_jets_are_the_leading_ones_of_those_within_the_cuts():
    eta = [0, 2.6, -2.4, 1, 0, -2.6, 0]
    sample = flat_events([5, 0, 2], pt_gev=[90, 80, 70, 60, 15, 50, 40], eta=eta)
    cuts = {"pt_min_gev": 20.0, "abseta_max": 2.5}
    assert taggable_jets(sample, **cuts).tolist() == [True, False, True, True, False, False, True]
    assert taggable_jets(sample, **cuts, n_leading=2).tolist() == [True, False, True, False, False, False, True]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda e, o: exactly(e, o, -1), "cannot be negative, got -1"),
        (lambda e, o: tagged_at_least(e > 0.5, o, -2), "cannot be negative, got -2"),
        (lambda e, o: exactly(e[:-1], o, 1), r"efficiency must have one value a jet, shape \(5,\), got \(4,\)"),
        (lambda e, o: exactly(e, o, 1, np.ones(3, bool)), r"taggable must have one value a jet, shape \(5,\)"),
        (lambda e, o: exactly(e, o, 1, np.ones(5)), "mask of booleans, got float64"),
        (
            lambda e, o: at_least(1.5 * e + 0.6, o, 1),
            r"of 4 of 5 jets are not in \[0, 1\], the first is 1.365 of jet 0",
        ),
        (lambda e, o: at_least(np.where(e < 0.2, np.nan, e), o, 1), "of 1 of 5 jets .* the first is nan of jet 3"),
        (lambda e, o: exactly(e, o, 1, None, np.full(5, np.inf)), "untagged of 5 jets is not finite"),
        (lambda e, o: number_of_tags(np.ones(4, bool), o), "tagged must have one value a jet"),
    ],
)
def test_bad_input_gets_a_message(call, message):
    efficiency, offsets = np.array([0.51, 0.95, 0.43, 0.15, 0.31]), np.array([0, 3, 5])
    with pytest.raises(ValueError, match=message):
        call(efficiency, offsets)


@pytest.mark.parametrize("or_more", [False, True])
@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_changes_are_the_derivatives_of_the_probability(n, or_more):
    efficiency, offsets = sample([3, 0, 1, 5, 2], low=0.05, high=0.9)
    taggable = np.ones(len(efficiency), np.bool_)
    taggable[4] = False
    found = changes(efficiency, offsets, n, taggable, at_least_n=or_more)
    probability = at_least if or_more else exactly
    event = np.repeat(np.arange(5), np.diff(offsets))
    for jet, eps in enumerate(efficiency):
        up, down = (efficiency * np.where(np.arange(len(efficiency)) == jet, factor, 1) for factor in (1.01, 0.99))
        difference = probability(up, offsets, n, taggable) - probability(down, offsets, n, taggable)
        # P is linear in each efficiency: a finite difference is exact
        assert found[jet] == pytest.approx(difference[event[jet]] / 0.02, abs=1e-12), eps
    assert found[4] == 0.0
