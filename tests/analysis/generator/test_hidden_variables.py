"""Correlated scores: their correlation is the asked one, their distribution what it was."""

import numpy as np
import pytest
from scipy.stats import kstest, spearmanr

from deepsf.generator.hidden_variables import N_CANDIDATES, of_rank, ranks

SEED = np.random.SeedSequence(7)
N = 200_000
PAIRS = np.repeat(np.arange(N // 2), 2)


def drawn(rank, seed=1, draw=lambda rng: rng.random(N)):
    rng = np.random.default_rng(seed)
    return of_rank(lambda: draw(rng), rank)


def test_nothing_is_drawn_if_scores_are_independent():
    assert ranks(SEED, PAIRS, ["A", "B"], 0.0, 0.0) is None


def test_candidates_are_taken_by_rank():
    first = drawn(np.zeros(N, int))
    last = drawn(np.full(N, N_CANDIDATES - 1))
    # of 16 uniform numbers the smallest has the mean 1/17, the largest 16/17
    assert [first.mean(), last.mean()] == pytest.approx([1 / 17, 16 / 17], abs=1e-3)


@pytest.mark.parametrize(("of_taggers", "of_jets"), [(0.0, 0.2), (0.8, 0.3), (0.85, 0.0), (0.1, 0.5)])
def test_ranks_of_scores_correlate_as_asked(of_taggers, of_jets):
    a, b = (drawn(rank, seed) for seed, rank in enumerate(ranks(SEED, PAIRS, ["A", "B"], of_taggers, of_jets)))
    error = 4 / np.sqrt(N / 2)
    assert spearmanr(a[::2], a[1::2])[0] == pytest.approx(of_jets, abs=error)
    assert spearmanr(a[::2], b[1::2])[0] == pytest.approx(of_jets, abs=error)
    # taggers see the same jet of the same event
    assert spearmanr(a, b)[0] == pytest.approx(max(of_taggers, of_jets), abs=error)
    assert abs(spearmanr(a[1:-1:2], a[2::2])[0]) < error  # of other events


def test_the_distribution_is_what_it_was_jumps_included():
    (rank,) = ranks(SEED, PAIRS, ["A"], 0.0, 0.4)
    assert kstest(drawn(rank), "uniform").pvalue > 1e-3
    # one in four is -1, as invalid scores are
    valued = drawn(rank, draw=lambda rng: np.where(rng.random(N) < 0.25, -1.0, rng.random(N)))
    # jets of an event correlate, which makes the error at most sqrt(2) times larger
    assert (valued < 0).mean() == pytest.approx(0.25, abs=4 * np.sqrt(2 * 0.25 * 0.75 / N))
    assert kstest(valued[valued > 0], "uniform").pvalue > 1e-3


def test_each_tagger_has_a_stream_of_its_own():
    two = ranks(SEED, PAIRS, ["A", "B"], 0.5, 0.0)
    assert (ranks(SEED, PAIRS, ["B"], 0.5, 0.0)[0] == two[1]).all()
    assert (two[0] != two[1]).any()
    assert (ranks(np.random.SeedSequence(8), PAIRS, ["A"], 0.5, 0.0)[0] != two[0]).any()


def test_no_jets_are_no_problem():
    assert ranks(SEED, np.zeros(0, int), ["A"], 0.5, 0.2).shape == (1, 0)
