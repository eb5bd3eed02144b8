"""Covariance of bootstraps and its eigenvectors."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.binned.covariance import StatisticalCovariance


def every(replicas):
    return {name: np.ones(values.shape, bool) for name, values in replicas.items()}


def test_two_bins_by_hand():
    # deviations (-1, -2), (0, 0), (1, 2): variances 1 and 4, covariance 2; one direction (1, 2)/sqrt(5) of variance 5
    replicas = {
        "b": np.array([[4.0], [5.0], [6.0]])[..., None, None],
        "udsg": np.array([[1.0], [3.0], [5.0]])[..., None, None],
    }
    covariance = StatisticalCovariance.of_replicas(replicas, every(replicas))
    np.testing.assert_allclose(covariance.matrix, [[1, 2], [2, 4]], atol=1e-12)
    np.testing.assert_allclose(covariance.values, [5, 0], atol=1e-12)
    np.testing.assert_allclose(covariance.carried[0], 1.0)
    step = covariance.variation(0)
    assert step["b"].shape == (1, 1, 1)
    np.testing.assert_allclose([step["b"].item(), step["udsg"].item()], [1.0, 2.0])
    with pytest.raises(IndexError, match="eigenvector 2 of 2; more bootstraps"):
        covariance.variation(2)


def test_all_eigenvectors_together_are_the_covariance_that_was_put_in():
    rng = np.random.default_rng(1)
    truth = np.array([[4.0, 1.0, 0.0], [1.0, 2.0, -0.5], [0.0, -0.5, 1.0]])
    drawn = rng.multivariate_normal(np.zeros(3), truth, 20_000).reshape(-1, 1, 1, 3)
    covariance = StatisticalCovariance.of_replicas({"b": drawn}, every({"b": drawn}))
    summed = sum(np.outer(v.ravel(), v.ravel()) for v in (covariance.variation(k)["b"] for k in range(3)))
    np.testing.assert_allclose(summed, covariance.matrix, atol=1e-12)
    np.testing.assert_allclose(covariance.matrix, np.cov(drawn.reshape(-1, 3), rowvar=False), atol=1e-12)
    # an element is known to sqrt((C_ii C_jj + C_ij^2) / n) < 0.04; four of those
    np.testing.assert_allclose(covariance.matrix, truth, atol=0.16)
    assert np.all(np.diff(covariance.carried) > 0)
    np.testing.assert_allclose(covariance.carried[-1], 1.0)


def test_a_bin_that_some_bootstraps_lack_keeps_the_variance_of_the_others():
    replicas = np.random.default_rng(2).normal(size=(50, 1, 1, 3))
    measured = np.ones(replicas.shape, bool)
    measured[:10, ..., 1] = measured[:, ..., 2] = False
    covariance = StatisticalCovariance.of_replicas({"b": replicas}, {"b": measured})
    np.testing.assert_allclose(covariance.matrix[1, 1], replicas[10:, 0, 0, 1].var(ddof=1))
    assert (covariance.matrix[2] == 0).all()
    assert np.linalg.eigvalsh(covariance.matrix).min() > -1e-12


def test_one_bootstrap_is_not_enough():
    with pytest.raises(ValueError, match=r"at least 2 bootstraps, got 1; raise binned\.n_bootstrap"):
        StatisticalCovariance.of_replicas({"b": np.ones((1, 1, 1, 2))}, every({"b": np.ones((1, 1, 1, 2))}))
