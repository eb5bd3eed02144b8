"""Residual correlation of tags: nothing where there is nothing, what was put in where something is."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.efficiency.audit.correlation import tag_correlation
from deepsf.efficiency.toy import draw_tags
from tests.analysis.efficiency.events.hand_events import hand_events
from tests.analysis.efficiency.events.random_jets import random_events


def test_correlation_and_error_of_one_event_by_hand():
    events = hand_events([[(90, 0, 0, "b", 1), (50, 0, 1, "b", 0), (40, 0, 2, "c", 1)]], weight=[2.0])
    found = tag_correlation(events, np.array([[0.5], [0.8], [0.2]]), 0)
    # residuals 0.5/0.5 = 1, -0.8/0.4 = -2, 0.8/0.4 = 2
    by_pair = dict(zip(found.pairs, found.correlation, strict=True))
    assert by_pair["b_b"] == pytest.approx(-2.0)
    assert by_pair["b_c"] == pytest.approx((2.0 - 4.0) / 2)
    assert np.isnan(by_pair["udsg_udsg"])
    # weights 2: sqrt(4)/2 for one pair, sqrt(8)/4 for two
    assert found.error[:2].tolist() == pytest.approx([1.0, np.sqrt(0.5)])
    assert found.n_jet_pairs.tolist() == [1, 2, 0, 0, 0, 0]


@pytest.fixture(scope="module")
def sample():
    events = random_events(30_000, 4)
    efficiency = np.random.default_rng(1).uniform(0.1, 0.8, (len(events.pt_gev), 1))
    return events, efficiency


def drawn(sample, seed, **options):
    events, efficiency = sample
    return draw_tags(efficiency, events.offsets, np.random.SeedSequence(seed), **options)


def test_independent_tags_have_none_within_their_errors(sample):
    found = tag_correlation(*sample, 0, drawn(sample, 2))
    assert np.all(np.abs(found.significance) < 3)
    # chi2 of six normal numbers
    assert np.sum(found.significance**2) < 22


def test_a_correlation_that_was_put_in_is_found(sample):
    found = tag_correlation(*sample, 0, drawn(sample, 3, latent_correlation=0.2))
    assert np.all(found.significance > 5)
    assert np.all((found.correlation > 0.06) & (found.correlation < 0.16))


def test_the_error_holds_with_signed_weights():
    signed = hand_events([[(90, 0, 0, "b", 0), (50, 0, 1, "b", 0)]] * 2000, weight=np.tile([1.0, 1.0, 1.0, -1.0], 500))
    values = np.full((4000, 1), 0.3)
    pulls = [
        tag_correlation(signed, values, 0, draw_tags(values, signed.offsets, np.random.SeedSequence(k))).significance[0]
        for k in range(200)
    ]
    assert 0.85 < np.std(pulls) < 1.15


def test_wrong_efficiencies_look_like_a_correlation(sample):
    events, efficiency = sample
    factor = np.repeat(np.random.default_rng(2).uniform(0.6, 1.2, len(events)), events.n_jets)[:, None]
    tags = draw_tags(efficiency * factor, events.offsets, np.random.SeedSequence(7))
    assert tag_correlation(events, efficiency, 0, tags).significance.max() > 5


def test_jets_of_efficiency_zero_or_one_are_left_out_and_counted():
    events = hand_events([[(90, 0, 0, "b", 1), (50, 0, 1, "b", 0), (40, 0, 2, "b", 1)]])
    found = tag_correlation(events, np.array([[1.0], [0.0], [0.5]]), 0)
    assert found.n_excluded == 2
    assert found.n_jet_pairs[0] == 0
