"""Scatter of true values beyond errors: found where it is, none where there is none, and each value is shrunk by it."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.efficiency.non_closure.shrinkage import random_effects

ALL = np.ones(4, np.bool_)


def test_equal_errors_by_hand():
    # chi2 = sum d^2 / (1 + tau^2) = 4 for d^2 = 4, 4, 4, 8: 1 + tau^2 = 5
    d = np.array([2.0, -2.0, 2.0, np.sqrt(8.0)])
    found = random_effects(d, np.eye(4), ALL)
    assert found.variance == pytest.approx(4.0)
    assert found.error == pytest.approx(np.sqrt(8.0) / (4 / 5))
    np.testing.assert_allclose(found.mean, 0.8 * d)
    np.testing.assert_allclose(found.covariance, 0.8 * np.eye(4), atol=1e-12)
    # of 4 degrees of freedom, chi2 = 20 has p = 4.994e-4, 3.29 standard deviations
    assert found.significance == pytest.approx(3.291, abs=2e-3)
    np.testing.assert_allclose(np.diag(found.second_moment), 0.64 * d**2 + 0.8)


def test_deviations_within_their_errors_leave_no_scatter():
    found = random_effects(np.array([0.5, -0.5, 1.0, 0.0]), np.eye(4), ALL)
    assert found.variance == 0.0
    assert found.error == pytest.approx(np.sqrt(8.0) / 4)
    assert found.significance < 0
    assert not found.second_moment.any()


def test_an_error_that_all_share_is_no_scatter():
    shared = np.eye(4) + 100.0
    # a common shift by one of its errors, nothing beside it
    assert random_effects(np.full(4, 10.0), shared, ALL).variance == 0.0
    assert random_effects(np.full(4, 10.0), np.diag(np.diag(shared)), ALL).variance == 0.0
    assert random_effects(np.full(4, 10.0), np.eye(4), ALL).variance == pytest.approx(99.0)
    # the opposite: differences that no shared error explains
    assert random_effects(np.array([10.0, -10.0, 10.0, -10.0]), shared, ALL).variance > 50.0


def test_what_is_not_measured_scatters_as_the_others():
    measured = np.array([True, True, False, True])
    d = np.array([2.0, -2.0, np.nan, 2.0])
    found = random_effects(d, np.diag([1.0, 1.0, np.nan, 1.0]), measured)
    assert found.variance == pytest.approx(3.0)
    assert (found.mean[2], found.covariance[2, 2]) == (0.0, pytest.approx(3.0))
    assert found.mean[0] == pytest.approx(1.5)


def test_of_nothing_measured_nothing_is_known():
    found = random_effects(np.zeros(2), np.eye(2), np.zeros(2, np.bool_))
    assert np.isnan([found.variance, found.error, found.significance, *found.mean]).all()


def test_a_deviation_without_error_is_refused():
    with pytest.raises(ValueError, match="2 deviations have a covariance with the eigenvalue 0, not above 0"):
        random_effects(np.ones(2), np.diag([1.0, 0.0]), np.ones(2, np.bool_))


def test_scatter_and_second_moments_are_right_on_average():
    rng = np.random.default_rng(1)
    errors, tau = np.geomspace(0.3, 3.0, 20), 1.0
    shared = 0.5 * np.ones((20, 20))
    found, quoted, direction = [], [], np.linspace(1.0, 2.0, 20)
    for _ in range(300):
        bias = tau * rng.standard_normal(20)
        d = bias + errors * rng.standard_normal(20) + np.sqrt(0.5) * rng.standard_normal()
        one = random_effects(d, np.diag(errors**2) + shared, np.ones(20, np.bool_))
        found.append((one.variance, (bias - one.mean) @ direction))
        quoted.append((direction @ one.second_moment @ direction, direction @ one.covariance @ direction))
    # its width is about 1; that it cannot be negative makes it a little larger
    assert np.mean([variance for variance, _ in found]) == pytest.approx(1.05, abs=0.15)
    # 300 squares of a normal variable: 8 %
    assert np.mean([total for total, _ in quoted]) == pytest.approx(direction @ direction, rel=0.15)
    actual = np.mean([difference**2 for _, difference in found])
    assert actual == pytest.approx(np.mean([rest for _, rest in quoted]), rel=0.25)
