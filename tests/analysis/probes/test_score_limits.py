"""Limits of the score: where they lie, what they do to jets, and when there are none."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.config.weights import EventWeight, Extrapolation
from deepsf.probes.entries import Jets, ProbeEntries, RegionEntries
from deepsf.probes.score_limits import ScoreLimits, score_limits

ONE_BIN = EventWeight(n_pt=1, n_abseta=1)
LIMITS = ScoreLimits(np.array([20.0, 80.0]), np.array([0.0, 0.2]), np.array([0.6, 1.0]))


def jets(scores, pt, flavour=0) -> Jets:
    n = len(scores)
    columns = (np.broadcast_to(v, n).astype(np.float32) for v in (pt, 1.0, scores))
    return Jets(*columns, np.broadcast_to(np.int8(flavour), n))


def test_scores_beyond_are_moved_to_the_limit_and_invalid_ones_stay():
    held = LIMITS.held(jets([0.1, 0.5, 0.9, -1.0], 20.0))
    np.testing.assert_allclose(held.discriminant, [0.1, 0.5, 0.6, -1.0], rtol=1e-6)
    np.testing.assert_array_equal(LIMITS.is_beyond(jets([0.1, 0.59, 0.9, -1.0], 20.0)), [False, False, True, False])


def test_limits_are_linear_in_the_logarithm_of_pt_and_constant_beyond_the_nodes():
    # 40 GeV lies in the middle: 0.1 and 0.8
    np.testing.assert_allclose(LIMITS.held(jets([0.0, 1.0], 40.0)).discriminant, [0.1, 0.8], rtol=1e-6)
    np.testing.assert_allclose(LIMITS.held(jets([0.0, 1.0], 10.0)).discriminant, [0.0, 0.6], rtol=1e-6)
    # at 80 GeV there is none above
    np.testing.assert_allclose(LIMITS.held(jets([0.0, 1.7], 90.0)).discriminant, [0.2, 1.7], rtol=1e-6)


def test_no_limits_hold_nothing():
    scores = [-1.0, 0.0, 0.3, 1.0, 2.5]
    np.testing.assert_array_equal(ScoreLimits.none().held(jets(scores, 50.0)).discriminant, np.float32(scores))
    assert not ScoreLimits.none().is_beyond(jets(scores, 50.0)).any()


def two_flavours(n_light_above: int, n_b_above: int, threshold: float = 0.7) -> dict[str, RegionEntries]:
    """Return a region of light jets with even scores up to a threshold, and few of them beside b jets above it."""
    rng = np.random.default_rng(1)
    below = jets(rng.uniform(0, threshold, 20_000), rng.uniform(20, 200, 20_000))
    scores = rng.uniform(threshold, 1.0, n_light_above + n_b_above)
    flavour = np.r_[np.zeros(n_light_above, np.int8), np.ones(n_b_above, np.int8)]
    above = Jets(
        rng.uniform(20, 200, len(scores)).astype(np.float32),
        np.ones(len(scores), np.float32),
        scores.astype(np.float32),
        flavour,
    )
    probe = Jets(
        *(
            np.concatenate([getattr(j, k) for j in (below, above)])
            for k in ("pt_gev", "abseta", "discriminant", "flavour")
        )
    )
    n = len(probe)
    entries = ProbeEntries(np.arange(n), np.ones(n), np.zeros(n, np.int8), probe, probe)
    return {"lf": RegionEntries(entries, entries)}


def limits(entries, **settings) -> ScoreLimits:
    return score_limits(entries, {"lf": 0}, 0, Extrapolation(**settings), ONE_BIN)


def test_a_flavour_is_held_from_where_others_outnumber_it():
    # 20 of 2000 jets above: a purity of 1 %, and an error of sqrt(2000) / 20
    found = limits(two_flavours(20, 1980))
    np.testing.assert_allclose(found.high, 0.7, atol=0.03)
    np.testing.assert_array_equal(found.low, found.lowest)


def test_many_jets_are_enough_where_they_are_few_of_all():
    # a purity of 20 %, below the 30 % that are asked for. Above 0.85 a third of the jets, by pT, has 100 of the flavour
    # among 500: a common scale factor is known to sqrt(500) / 100
    entries = two_flavours(600, 2400)
    assert not limits(entries, counting_error=0.3).is_beyond(jets([0.8], 60.0)).any()
    assert limits(entries, counting_error=0.05).is_beyond(jets([0.8], 60.0)).all()


def test_purity_of_zero_asks_for_no_limits():
    assert not limits(two_flavours(20, 1980), purity=0.0).is_beyond(jets([0.99], 60.0)).any()


def test_limits_come_back_from_json():
    found = limits(two_flavours(20, 1980))
    again = ScoreLimits.from_json(found.to_json())
    sample = jets(np.linspace(0, 1, 50), 60.0)
    np.testing.assert_array_equal(again.held(sample).discriminant, found.held(sample).discriminant)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"high": [0.5]}, "not one low and one high limit for each pT"),
        ({"pt_gev": [80.0, 20.0]}, "pT above 0 that rises"),
        ({"low": [0.7, 0.2]}, "low limits below high ones"),
    ],
)
def test_limits_that_make_no_sense_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        ScoreLimits.from_json(LIMITS.to_json() | change)
