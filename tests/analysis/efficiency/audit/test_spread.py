"""Spread of members against their deviation from the truth."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.efficiency.audit.spread import spread_check

N_JETS, N_MEMBERS = 40_000, 20


def ensemble(bias=0.0, seed=1):
    """Members that scatter around a centre, which scatters alike around the truth: b by 0.01, c by 0.03."""
    rng = np.random.default_rng(seed)
    flavour = np.repeat(np.array([0, 1], np.int8), N_JETS // 2)
    true = rng.uniform(0.2, 0.6, N_JETS)
    scale = np.array([0.01, 0.03])[flavour]
    centre = true + bias + scale * rng.standard_normal(N_JETS)
    members = centre + scale * rng.standard_normal((N_MEMBERS, N_JETS))
    return members.astype(np.float32), true, flavour


def test_a_spread_that_is_the_error_has_ratio_and_width_one():
    found = spread_check(*ensemble(), 3)
    # the mean of 20 members has their error over sqrt(20) on top: sqrt(1.05)
    np.testing.assert_allclose(found.rms_ratio[:2], np.sqrt(1.05), rtol=0.03)
    # Student's t of 19 degrees of freedom is wider: sqrt(19/17)
    np.testing.assert_allclose(found.pull_width[:2], np.sqrt(1.05 * 19 / 17), rtol=0.03)
    assert np.all(np.abs(found.pull_mean[:2]) < 0.03)
    assert np.isnan(found.rms_ratio[2])


def test_a_bias_that_the_spread_does_not_cover_is_its_own_figure():
    found = spread_check(*ensemble(bias=0.04), 3)
    # b: rms^2 = 0.04^2 + 1.05 0.01^2, rms(spread)^2 = 0.01^2, mean true 0.4
    np.testing.assert_allclose(found.uncovered[0], np.sqrt(0.04**2 + 0.05 * 0.01**2) / 0.4, rtol=0.02)
    np.testing.assert_allclose(found.rms_ratio[0], np.sqrt(16 + 1.05), rtol=0.02)
    assert found.pull_mean[0] > 3


def test_what_all_jets_share_is_in_the_error_of_the_mean_pull():
    members, true, flavour = ensemble()
    shift = 0.03 * np.random.default_rng(2).standard_normal(N_MEMBERS)
    found = spread_check(members + shift[:, None], true, flavour, 3)
    # each member's shift over the spread of b, 0.01 and 0.03 in quadrature; of independent jets nothing is left
    expected = np.std(shift, ddof=1) / np.hypot(0.01, np.std(shift, ddof=1))
    assert found.pull_mean_error[0] == pytest.approx(expected, rel=0.05)
    assert spread_check(members, true, flavour, 3).pull_mean_error[0] < 0.02


def test_a_spread_that_is_too_wide_leaves_nothing_uncovered():
    members, true, flavour = ensemble()
    mean = members.mean(axis=0)
    found = spread_check(mean + 3 * (members - mean), true, flavour, 3)
    assert found.uncovered[:2].tolist() == [0.0, 0.0]
    np.testing.assert_allclose(found.rms_ratio[:2], np.sqrt(1.05) / 3, rtol=0.03)


def test_the_curve_follows_jets_of_different_spread():
    members, true, flavour = ensemble()
    found = spread_check(members, true, np.zeros_like(flavour), 1)
    # jets of error 0.01 and 0.03 in one flavour: low bins and high ones
    np.testing.assert_allclose(found.curve_deviation[0] / found.curve_spread[0], np.sqrt(1.05), rtol=0.3)
    assert found.curve_deviation[0, -1] > 2 * found.curve_deviation[0, 0]


def test_jets_on_which_members_agree_are_counted_and_have_no_pull():
    members, true, flavour = ensemble()
    members[:, :100] = true[:100]
    found = spread_check(members, true, flavour, 3)
    assert found.n_without_spread.tolist() == [100, 0, 0]
    assert np.isfinite(found.pull_width[0])
