"""Efficiency maps: bins by hand, intervals, signed weights, what lies outside, files."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import binom

from deepsf.config.efficiency.maps import EfficiencyMaps
from deepsf.efficiency.events.closest import closest_jet
from deepsf.efficiency.maps.maps import EfficiencyMap, Fallbacks
from tests.analysis.efficiency.events.hand_events import flat_events

SETTINGS = EfficiencyMaps(pt_gev=(20, 50, 100, 300), eta=(-2.5, 0, 2.5), delta_r=(0, 1, 2), prior_jets=0)
PRIOR = SETTINGS.model_copy(update={"prior_jets": 0.5})


def jets(rows, counts=None, weight=None, working_points=("M",)):
    """Events of jets (flavour, pt, eta, tag bin[, phi]), one jet an event by default."""
    flavour, pt, eta, tag_bin, phi = zip(*[(*row, 0.0)[:5] for row in rows], strict=True)
    counts = np.ones(len(rows), int) if counts is None else counts
    return flat_events(
        counts,
        pt_gev=pt,
        eta=eta,
        phi=phi,
        flavour=["bl".index(name) for name in flavour],
        tag_bin=tag_bin,
        weight=np.ones(len(counts)) if weight is None else weight,
        flavours=("b", "l"),
        working_points=working_points,
    )


def random_jets(n, seed, working_points=("L", "T")):
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 5, n)
    total = counts.sum()
    passed = (rng.random(total) < 0.4).astype(int) * (1 + (rng.random(total) < 0.3))
    rows = list(
        zip(
            rng.choice(["b", "l"], total), rng.uniform(20, 300, total), rng.uniform(-2.5, 2.5, total), passed,
            rng.uniform(-np.pi, np.pi, total), strict=True,
        )
    )  # fmt: skip
    return jets(rows, counts, working_points=working_points)


def test_an_efficiency_is_tagged_over_all_jets_of_the_bin():
    sample = jets([("b", 30, -1, 1), ("b", 40, -1, 0), ("b", 30, 1, 1), ("b", 60, 1, 0), ("l", 30, -1, 0)])
    found = EfficiencyMap.fit(sample, SETTINGS).efficiency
    assert found.shape == (2, 3, 2, 1)
    np.testing.assert_allclose(found[0, 0, :, 0], [0.5, 1.0])
    assert found[0, 1, 1, 0] == 0.0
    assert found[1, 0, 0, 0] == 0.0


def test_empty_bins_take_all_eta_then_the_whole_flavour_and_are_counted():
    sample = jets([("b", 30, -1, 1), ("b", 40, -1, 0), ("b", 30, -1, 1), ("b", 60, 1, 0), ("l", 30, -1, 1)])
    fitted = EfficiencyMap.fit(sample, SETTINGS)
    b = fitted.efficiency[0, :, :, 0]
    np.testing.assert_allclose(b, [[2 / 3, 2 / 3], [0, 0], [2 / 4, 2 / 4]])
    assert fitted.fallbacks == {"b": Fallbacks(6, 4, 0), "l": Fallbacks(6, 5, 0)}


def test_prior_jets_pull_a_bin_towards_all_eta_and_leave_full_ones_alone():
    rows = [("b", 30, -1, 1)] + [("b", 30, 1, k < 300) for k in range(1000)]
    found = EfficiencyMap.fit(jets(rows), PRIOR).efficiency[0, 0, :, 0]
    inclusive = 301 / 1001
    all_eta = (301 + 0.5 * inclusive) / 1001.5
    np.testing.assert_allclose(found, [(1 + 0.5 * all_eta) / 1.5, (300 + 0.5 * all_eta) / 1000.5], rtol=1e-12)


def test_rare_tags_are_never_impossible():
    rows = [("l", 30, -1, 0)] * 50 + [("l", 60, 1, 0)] * 50 + [("l", 200, 1, 1)]
    found = EfficiencyMap.fit(jets(rows), PRIOR).efficiency[1]
    assert (found > 0).all()
    assert (found < 1).all()


def test_working_points_are_nested_in_every_bin():
    sample = random_jets(300, 3)
    for delta_r in (False, True):
        fitted = EfficiencyMap.fit(sample, PRIOR, delta_r=delta_r)
        assert fitted.working_points == ("L", "T")
        assert (np.diff(fitted.efficiency, axis=-1) <= 0).all()
        assert fitted.efficiency.min() >= 0
        assert fitted.efficiency.max() <= 1
    whole = fitted.sums.weight.sum(axis=(1, 2, 3))
    expected = [np.bincount(sample.tag_bin[sample.flavour == f], minlength=3) for f in (0, 1)]
    np.testing.assert_array_equal(whole, expected)


def test_the_map_with_delta_r_has_the_bins_of_the_closest_jet_the_last_one_open():
    sample = random_jets(2000, 4, ("M",))
    sample = jets(
        [
            ("b", p, e, int(k), f)
            for p, e, k, f in zip(sample.pt_gev, sample.eta, sample.tag_bin > 0, sample.phi, strict=True)
        ],
        sample.n_jets,
    )
    fitted = EfficiencyMap.fit(sample, SETTINGS, delta_r=True)
    assert "delta_r" in fitted.counts.axes.name
    distance = closest_jet(sample)[0]
    place = np.searchsorted([1], distance, side="right")
    total = fitted.sums.weight.sum(axis=(0, 1, 2, 4))
    np.testing.assert_array_equal(total, np.bincount(place, minlength=2))
    assert np.isinf(distance).any()
    assert (distance > 2).any()


def test_weights_are_signed_and_numbers_of_jets_effective():
    rows = [("b", 30, 1, 1)] * 3 + [("b", 30, 1, 0)] * 2
    fitted = EfficiencyMap.fit(jets(rows, weight=[2, 2, -1, 2, 1]), SETTINGS)
    assert fitted.efficiency[0, 0, 1, 0] == pytest.approx(3 / 6)
    assert fitted.ratio.n_effective[0, 0, 1] == pytest.approx(36 / 14)


def test_given_weights_replace_those_of_the_events():
    rows = [("b", 30, 1, 1), ("b", 30, 1, 0)]
    fitted = EfficiencyMap.fit(jets(rows), SETTINGS, weight=np.array([3.0, 1.0]))
    assert fitted.efficiency[0, 0, 1, 0] == pytest.approx(0.75)


def test_a_common_factor_of_all_weights_changes_nothing_with_prior_jets_either():
    sample = random_jets(300, 5)
    one = EfficiencyMap.fit(sample, PRIOR)
    other = EfficiencyMap.fit(sample, PRIOR, weight=np.full(len(sample), 1e4))
    np.testing.assert_allclose(other.efficiency, one.efficiency, rtol=1e-12)
    np.testing.assert_allclose(other.interval().high, one.interval().high, rtol=1e-12)


def test_bins_where_signed_weights_give_no_efficiency_fall_back_and_are_counted():
    rows = [("b", 30, 1, 1), ("b", 30, 1, 0), ("b", 30, 1, 0), ("b", 30, -1, 1), ("b", 30, -1, 0), ("b", 30, -1, 0)]
    fitted = EfficiencyMap.fit(jets(rows, weight=[-1, 2, 3, 3, 1, 1]), SETTINGS)
    assert fitted.fallbacks["b"] == Fallbacks(6, 4, 1)
    np.testing.assert_allclose(fitted.efficiency[0, 0, :, 0], [3 / 5, 2 / 9])
    assert fitted.interval().low[0, 0, 1, 0] == 0
    assert fitted.interval().high[0, 0, 1, 0] == 1


@pytest.mark.parametrize("n_tagged", [0, 1, 3, 8])
def test_intervals_are_those_of_clopper_and_pearson(n_tagged):
    rows = [("b", 30, 1, int(k < n_tagged)) for k in range(8)]
    low, high = (end[0, 0, 1, 0] for end in EfficiencyMap.fit(jets(rows), SETTINGS).interval())
    tail = (1 - 0.6826894921370859) / 2
    # the definition: at the ends, so many tags or more (or fewer) have the probability of a tail
    assert (low == 0) if n_tagged == 0 else (binom.sf(n_tagged - 1, 8, low) == pytest.approx(tail))
    assert (high == 1) if n_tagged == 8 else (binom.cdf(n_tagged, 8, high) == pytest.approx(tail))


def test_bins_without_jets_have_the_interval_of_ignorance():
    fitted = EfficiencyMap.fit(jets([("b", 30, 1, 1), ("l", 30, 1, 0)]), SETTINGS)
    low, high = fitted.interval(0.9)
    assert low[0, 2, 0, 0] == 0
    assert high[0, 2, 0, 0] == 1
    assert np.isfinite(low).all()


def test_jets_out_of_range_are_in_the_nearest_bin_and_flagged():
    sample = jets([("b", 10, -1, 1), ("b", 5000, 1, 1), ("b", 300, 2.5, 0), ("b", 60, -3, 0), ("b", 60, 3, 1)])
    fitted = EfficiencyMap.fit(sample, SETTINGS)
    assert fitted.out_of_range(sample).tolist() == [True, True, False, True, True]
    assert fitted.sums.weight.sum() == 5
    inside = jets([("b", 30, -1, 0), ("b", 200, 1, 0), ("b", 200, 1, 0), ("b", 60, -1, 0), ("b", 60, 1, 0)])
    np.testing.assert_array_equal(fitted.evaluate(sample), fitted.evaluate(inside))
    assert np.isfinite(fitted.evaluate(sample)).all()


def test_evaluation_gives_each_jet_the_value_of_its_bin():
    sample = random_jets(200, 6)
    fitted = EfficiencyMap.fit(sample, PRIOR)
    values = fitted.evaluate(sample)
    k = 17
    where = (
        sample.flavour[k],
        np.digitize(sample.pt_gev[k], SETTINGS.pt_gev) - 1,
        np.digitize(sample.eta[k], SETTINGS.eta) - 1,
    )
    np.testing.assert_array_equal(values[k], fitted.efficiency[where])
    assert (values.dtype, values.shape) == (np.float64, (len(sample.pt_gev), 2))


def test_a_flavour_without_jets_is_an_error_where_it_is_asked_for_only():
    fitted = EfficiencyMap.fit(jets([("b", 30, 1, 1), ("b", 30, 1, 0)]), PRIOR)
    assert fitted.absent == ("l",)
    assert np.isfinite(fitted.evaluate(jets([("b", 30, 1, 1)]))).all()
    with pytest.raises(ValueError, match=r"no efficiency of \['l'\] jets: its sample had none, .*; there are {'l': 2}"):
        fitted.evaluate(jets([("l", 30, 1, 1), ("l", 40, 1, 1)]))


@pytest.mark.parametrize("delta_r", [False, True])
def test_the_text_gives_back_the_map_and_is_plain_json(delta_r):
    sample = random_jets(300, 7)
    fitted = EfficiencyMap.fit(sample, PRIOR, delta_r=delta_r)
    text = fitted.to_json()
    again = EfficiencyMap.from_json(text)
    np.testing.assert_array_equal(again.evaluate(sample), fitted.evaluate(sample))
    assert again.to_json() == text
    stored = json.loads(text)["counts"]
    assert stored["storage"]["type"] == "weighted"
    with pytest.raises(ValueError, match="not an efficiency map"):
        EfficiencyMap.from_json('{"format": "other"}')


def test_bad_input_gets_a_message():
    sample = jets([("b", 30, 1, 1), ("b", 30, 1, 0)])
    with pytest.raises(ValueError, match=r"one finite number an event, \(2,\), got shape \(3,\)"):
        EfficiencyMap.fit(sample, SETTINGS, weight=np.ones(3))
    with pytest.raises(ValueError, match=r"shape \(2,\) with 1 that are not finite"):
        EfficiencyMap.fit(sample, SETTINGS, weight=np.array([1, np.nan]))
    fitted = EfficiencyMap.fit(sample, SETTINGS)
    with pytest.raises(ValueError, match=r"working points \('M',\), the events have .*\('L', 'M'\)"):
        fitted.evaluate(jets([("b", 30, 1, 1)], working_points=("L", "M")))
