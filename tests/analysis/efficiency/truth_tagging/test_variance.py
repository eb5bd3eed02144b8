"""Errors of truth-tagged yields, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.efficiency.non_closure.cells import EfficiencyChanges
from deepsf.efficiency.truth_tagging.variance import truth_tagged_yields


def test_yield_variances_and_gains_of_three_events_by_hand():
    # bin 0: weights 2 x 0.5 and 1 x 0.2; bin 1: 1 x 0.1; replicas move both bins together
    replicas = [np.array([0.6, 0.2, 0.1, 1.0]), np.array([0.4, 0.2, 0.3, 1.0])]
    found = truth_tagged_yields(
        np.array([2.0, 1.0, 1.0, 5.0]), np.array([0.5, 0.2, 0.1, 1.0]), np.array([0, 0, 1, -1]), 3, replicas
    )
    np.testing.assert_allclose(found.value, [1.2, 0.1, 0])
    np.testing.assert_allclose(found.sum_w2, [1.04, 0.01, 0])
    np.testing.assert_allclose(found.direct_sum_w2, [2.2, 0.1, 0])
    # yields of the replicas: 1.4, 1.0 and 0.1, 0.3
    np.testing.assert_allclose(found.v_eff, [0.08, 0.02, 0], atol=1e-15)
    np.testing.assert_allclose(found.variance, [1.12, 0.03, 0], atol=1e-15)
    np.testing.assert_allclose(found.covariance, [[1.12, -0.04, 0], [-0.04, 0.03, 0], [0, 0, 0]], atol=1e-15)
    np.testing.assert_allclose(found.gain, [2.2 / 1.04, 10, np.nan])
    np.testing.assert_allclose(found.total_gain, [2.2 / 1.12, 0.1 / 0.03, np.nan])
    np.testing.assert_allclose(found.n_effective, [1.44 / 1.12, 0.01 / 0.03, np.nan])


def test_without_replicas_the_events_alone_count():
    found = truth_tagged_yields(np.ones(2), np.array([0.5, 0.5]), np.zeros(2, int), 1)
    assert found.replicas is None
    np.testing.assert_array_equal(found.variance, found.sum_w2)
    np.testing.assert_array_equal(found.covariance, [[0.5]])
    np.testing.assert_array_equal(found.total_gain, found.gain)


def test_the_shared_error_does_not_shrink_with_more_events_to_weight():
    rng = np.random.default_rng(1)
    factors = rng.normal(1, 0.1, 20)
    relative = []
    for n in (100, 10_000):
        replicas = [np.full(n, 0.2 * factor) for factor in factors]
        found = truth_tagged_yields(np.ones(n), np.full(n, 0.2), np.zeros(n, int), 1, replicas)
        relative.append(np.sqrt(found.v_eff[0]) / found.value[0])
    np.testing.assert_allclose(relative, factors.std(ddof=1), rtol=1e-10)


def test_a_signed_weight_adds_to_the_variance_with_its_square():
    found = truth_tagged_yields(np.array([1.0, -1.0]), np.array([0.5, 0.5]), np.zeros(2, int), 1)
    assert (found.value[0], found.sum_w2[0], found.direct_sum_w2[0]) == (0.0, 0.5, 1.0)


def test_bad_input_gets_a_message():
    one, zero = np.ones(2), np.zeros(2, int)
    with pytest.raises(ValueError, match="got 2 weights, 1 probabilities, 2 bins"):
        truth_tagged_yields(one, one[:1], zero, 1)
    with pytest.raises(ValueError, match="bin 1 of an event is none of the 1 bins"):
        truth_tagged_yields(one, one, zero + 1, 1)
    with pytest.raises(ValueError, match="one replica of the efficiencies has no variance"):
        truth_tagged_yields(one, one, zero, 1, [one])


def test_the_non_closure_is_a_variance_of_its_own():
    # one jet an event; cells 0 and 1 are off by 10 % and 20 %, both together
    covariance = np.array([[0.01, 0.02], [0.02, 0.04]])
    changes = EfficiencyChanges(np.arange(4), np.array([0, 1, 1]), np.array([0.5, 0.2, 0.1]), covariance)
    found = truth_tagged_yields(
        np.array([2.0, 1.0, 1.0]), np.array([0.5, 0.2, 0.1]), np.array([0, 0, 1]), 2, non_closure=changes
    )
    # 2 x 0.5 x 0.1 + 0.2 x 0.2 = 0.14 in bin 0, 0.1 x 0.2 in bin 1, fully correlated
    np.testing.assert_allclose(found.v_non_closure, [0.14**2, 0.02**2])
    np.testing.assert_allclose(found.variance, [1.04 + 0.14**2, 0.01 + 0.02**2])
    np.testing.assert_allclose(found.covariance[0, 1], 0.14 * 0.02)
    without = truth_tagged_yields(np.ones(1), np.ones(1), np.zeros(1, int), 1)
    assert without.v_non_closure.tolist() == [0.0]
