"""Jets beside other jets: the factor by hand, the law of scores, and what stays as it is."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtr

from deepsf.config.neighbours import NeighbourEffect
from deepsf.generator.detector import RecoJets
from deepsf.generator.discriminant import DEEPCSV, DEEPJET, draw, moved
from deepsf.generator.neighbours import factor_of_neighbours, odds_factor, pass_probability
from deepsf.generator.pseudo_data import discriminant_of_data
from tests.analysis.generator.generated_files import same, written

EFFECT = NeighbourEffect(
    width={"b": 1.0, "c": 0.5, "udsg": 2.0},
    amplitude={
        "b": {"b": 0.5, "c": 0.4, "udsg": 0.2},
        "c": {"b": 0.3, "c": 0.1, "udsg": 0.0},
        "udsg": {"b": -2.0, "c": 0.0, "udsg": 0.6},
    },
)
N = 40_000


def test_the_factor_is_the_product_over_the_jets_of_the_event():
    # b, c and light jet; a light jet alone; two b jets on both sides of phi = pi, 2 pi - 6 apart
    event = np.array([0, 0, 0, 1, 2, 2])
    flavour = np.array([5, 4, 0, 0, 5, 5])
    eta = np.array([0.0, 0.3, 0.0, 0.0, 1.0, 1.0])
    phi = np.array([0.0, 0.4, 1.0, 0.1, 3.0, -3.0])
    everyone = np.ones(6, bool)
    found = factor_of_neighbours(EFFECT, event, eta, phi, flavour, everyone)
    e, far = np.exp, (2 * np.pi - 6) ** 2
    expected = [
        (1 - 0.4 * e(-0.25 / 0.25)) * (1 - 0.2 * e(-1 / 4)),
        (1 - 0.3 * e(-0.25)) * (1 - 0.0),
        (1 + 2.0 * e(-1.0)) * (1 - 0.0),
        1.0,
        1 - 0.5 * e(-far),
        1 - 0.5 * e(-far),
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    # a jet that is no neighbour has neighbours itself
    without_b = factor_of_neighbours(EFFECT, event, eta, phi, flavour, np.array([0, 1, 1, 1, 1, 1], bool))
    np.testing.assert_allclose(without_b[:3], [expected[0], 1.0, 1.0], rtol=1e-12)


def test_leptons_pile_up_and_jets_beyond_the_limits_have_no_effect():
    pt_gev, eta = np.array([50.0, 40.0, 30.0, 19.0, 60.0]), np.array([0.0, 0.1, 0.2, 0.3, 2.6])
    survival = np.array([1.0, np.nan, 1.0, 1.0, 1.0])  # NaN: not of the hard process
    nothing = np.zeros(5)
    flavour = np.array([5, 0, 5, 5, 5])
    jets = RecoJets(np.zeros(5, int), pt_gev, eta, *[nothing] * 4, flavour, nothing, survival, nothing)
    neighbours = np.array([1, 0, 1, 0, 0], bool)
    expected = factor_of_neighbours(EFFECT, jets.event, eta, nothing, flavour, neighbours)
    np.testing.assert_array_equal(odds_factor(EFFECT, jets), expected)
    assert odds_factor(EFFECT, jets)[0] == pytest.approx(1 - 0.5 * np.exp(-0.04))


@pytest.mark.parametrize("factor", [0.05, 0.5, 1.0, 3.0, 20.0])
def test_the_odds_to_exceed_any_value_are_multiplied(factor):
    cuts = np.linspace(-5.0, 5.0, 41)
    # moving backwards gives the quantile that is moved to the cut
    alone, exceeded = ndtr(-cuts), ndtr(-moved(cuts, np.full(41, 1 / factor)))
    np.testing.assert_allclose(exceeded, factor * alone / (1 - alone + factor * alone), rtol=1e-9)
    assert (np.diff(moved(cuts, np.full(41, factor))) > 0).all()
    assert np.isfinite(moved(np.array([-30.0, 0.0, 30.0]), np.full(3, factor))).all()


@pytest.mark.parametrize("tagger", [DEEPJET, DEEPCSV])
@pytest.mark.parametrize(("flavour", "factor"), [(5, 0.4), (4, 0.3), (0, 4.0)])
def test_scores_exceed_cuts_as_often_as_the_law_says_and_stay_in_range(tagger, flavour, factor):
    rng = np.random.default_rng(3)
    flat = np.full(N, flavour), np.full(N, 45.0), np.full(N, 1.4)
    odds = np.full(N, factor)
    score = draw(rng, tagger, *flat, odds)
    valid = score[score > 0]
    assert 0 < valid.min() < valid.max() < 1
    assert set(np.unique(score[score <= 0])) <= set(tagger.invalid_values)
    for cut in (0.05, 0.3, 0.75):
        true = pass_probability(tagger, *flat, cut, odds)[0]
        assert np.mean(score > cut) == pytest.approx(true, abs=4 * np.sqrt(true * (1 - true) / N))
        alone = pass_probability(tagger, *flat, cut, np.ones(N))[0]
        # other than without neighbours, by many standard deviations
        assert abs(true - alone) > 8 * np.sqrt(alone * (1 - alone) / N)


def test_pseudo_data_follow_the_scale_factor_at_the_moved_scores():
    class Rising:
        label = "rising"
        ceilings = np.full(3, 1.5)

        def evaluate(self, hadron_flavour, abseta, pt_gev, discriminant):
            return 0.5 + np.clip(discriminant, 0.0, 1.0)

    flat, odds = (np.full(N, 5), np.full(N, 45.0), np.full(N, 0.4)), np.full(N, 0.3)
    simulated = draw(np.random.default_rng(1), DEEPJET, *flat, odds)
    data = discriminant_of_data(np.random.default_rng(2), DEEPJET, Rising(), *flat, odds)
    expected = np.average(simulated, weights=0.5 + simulated)
    assert data.mean() == pytest.approx(expected, abs=5 * simulated.std() / np.sqrt(N / 2))
    assert abs(expected - simulated.mean()) > 0.05


def test_scores_alone_change_and_without_the_section_nothing_does(tmp_path, ttbar):
    (events, _), (plain, _) = (
        written(tmp_path / f"{name}.root", "ttbar", "simulation", "ttbar", true_sf=None, neighbours=effect)
        for name, effect in (("with", EFFECT), ("without", None))
    )
    changed = {name for name in plain if not same(events, plain, name)}
    assert changed == {"Jet_btagDeepFlavB", "Jet_btagDeepB"}
    assert all(same(plain, ttbar[0], name) for name in plain)
