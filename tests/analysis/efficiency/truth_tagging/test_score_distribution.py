"""Scores of tag bins: means over the jets that are there, with signed weights, in cells that hold enough of them."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.efficiency.truth_tagging.score_distribution import N_ABSETA, N_PT, ScoreDistribution


def mean(distribution, flavour, number, function=lambda score: score, pt_gev=50.0, abseta=1.0):
    """Return the mean of a function of the score at one (pT, |eta|), over many positions."""
    position = (np.arange(300) + 0.5) / 300
    where = np.full(300, abseta), np.full(300, pt_gev)
    scores = distribution.scores(flavour, number, *where, position)
    return sum(np.mean(share * function(score)) for score, share in scores)


def fit(score, weight=None, tag_bin=None, flavour=None, pt_gev=None, abseta=None, n_bins=2):
    n = len(score)
    return ScoreDistribution.fit(
        np.full(n, 5) if flavour is None else np.asarray(flavour),
        np.full(n, 1.0) if abseta is None else np.asarray(abseta),
        np.full(n, 50.0) if pt_gev is None else np.asarray(pt_gev),
        np.asarray(score, np.float64),
        np.zeros(n, np.int8) if tag_bin is None else np.asarray(tag_bin),
        np.ones(n) if weight is None else np.asarray(weight),
        n_bins,
    )


def test_a_mean_is_over_the_jets_that_are_there_by_hand():
    # (9 x 0.1 + 1 x 0.25) / 10; a tag bin without jets has the scores of the closest one
    found = fit([0.1] * 9 + [0.25])
    assert mean(found, 5, 0) == pytest.approx(0.115)
    assert mean(found, 5, 0, lambda score: score > 0.2) == pytest.approx(0.1)
    assert mean(found, 5, 1) == pytest.approx(0.115)
    # few jets: one cell in place of all, and none of the other tag bin
    assert found.n_merged == 2 * N_PT * N_ABSETA - 1


def test_negative_weights_take_away_from_their_scores():
    # (2 x 0.1 + 2 x 0.8 - 1 x 0.8) / 3
    found = fit([0.1, 0.8, 0.8, 0.8, 0.1], weight=[1, 1, 1, -1, 1])
    assert mean(found, 5, 0) == pytest.approx(1 / 3)
    with pytest.raises(ValueError, match=r"weights of the 2 jets of hadron flavour 5 do not add up to more than 0"):
        fit([0.1, 0.8], weight=[1, -1])


def test_jets_without_a_valid_score_are_a_part_of_their_own():
    found = fit([-1.0, np.nan, 0.4, 0.6])
    assert mean(found, 5, 0, lambda score: score == -1.0) == pytest.approx(0.5)
    assert mean(found, 5, 0, lambda score: np.maximum(score, 0.0)) == pytest.approx(0.25)


def test_scores_depend_on_flavour_pt_abseta_and_tag_bin():
    rng = np.random.default_rng(1)
    n = 40_000
    pt, abseta, flavour = rng.uniform(20, 200, n), rng.uniform(0, 2.5, n), rng.choice([5, 0], n)
    tag_bin = rng.integers(0, 2, n)
    score = 0.2 + 0.1 * (flavour == 5) + 0.001 * pt + 0.04 * abseta + 0.2 * tag_bin + rng.uniform(-0.02, 0.02, n)
    found = fit(score, None, tag_bin, flavour, pt, abseta)
    assert found.n_merged == 0
    for code, number, where in ((5, 0, (40.0, 0.3)), (0, 1, (40.0, 0.3)), (5, 1, (180.0, 2.3))):
        expected = 0.2 + 0.1 * (code == 5) + 0.001 * where[0] + 0.04 * where[1] + 0.2 * number
        # within the width of a cell, 22.5 GeV and 0.8
        assert mean(found, code, number, pt_gev=where[0], abseta=where[1]) == pytest.approx(expected, abs=0.02)
    whole = score[(flavour == 5) & (tag_bin == 0)]
    at_jets = [mean(found, 5, 0, pt_gev=p, abseta=e) for p, e in zip(pt[:500], abseta[:500], strict=True)]
    assert np.mean(at_jets) == pytest.approx(whole.mean(), abs=4 * whole.std() / np.sqrt(500))


def test_the_scores_that_stand_for_jets_give_the_mean_of_a_steep_function():
    score = np.random.default_rng(2).beta(0.3, 8.0, 20_000)
    found = fit(score)
    # all jets have one pT and |eta|, so they share one cell
    np.testing.assert_allclose(mean(found, 5, 0, lambda s: np.exp(-20 * s)), np.exp(-20 * score).mean(), rtol=1e-4)


def test_one_position_gives_one_score_of_each_group_and_all_together_no_bias():
    score = np.arange(160) / 160
    found = fit(score)
    (one,) = np.stack([s for s, _ in found.scores(5, 0, np.ones(1), np.full(1, 50.0))], axis=1)
    # eight groups of twenty, the score in the middle of each
    np.testing.assert_allclose(one, (20 * np.arange(8) + 9) / 160)
    assert mean(found, 5, 0, lambda s: s >= 0.4) == pytest.approx(0.6)


def test_a_flavour_without_jets_gets_a_message():
    with pytest.raises(ValueError, match=r"there are scores of jets of hadron flavour \[5\], none of 4"):
        mean(fit([0.1, 0.2]), 4, 0)
