"""Errors of c jets from the deviations of b jets, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.binned import cferr

ELSEWHERE = ["hf"]
ALL = np.array([True, True])


@pytest.mark.parametrize(
    ("shift", "counts"),
    [
        ("lf_up", True),
        ("hf_down", False),
        ("hfstats1_up", True),
        ("lfstats2_up", False),
        ("stat1_up", False),
        ("jer_up", True),
        ("jesAbsolute_up", True),
        ("jesTotal_down", False),
        ("pileup_up", True),
    ],
)
def test_which_shifts_count(shift, counts):
    shifts = ["jesAbsolute_up", "jesTotal_up", shift]
    assert cferr.is_counted(shift, shifts, ELSEWHERE, "hf") is counts


def test_the_total_of_the_jes_counts_where_it_is_all_there_is():
    assert cferr.is_counted("jesTotal_up", ["jesTotal_up", "jer_up"], ELSEWHERE, "hf")


def test_deviations_add_in_quadrature_by_sign_and_are_doubled():
    # deviations +0.03 and +0.04 up, -0.02 down; nominal 1: e+ = 2 * 0.05, e- = 2 * 0.02
    up, down = cferr.error(np.array([1.0]), [np.array([1.03]), np.array([1.04]), np.array([0.98])], ALL[:1])
    np.testing.assert_allclose([up.item(), down.item()], [0.10, 0.04])


def test_an_error_covers_the_distance_of_the_nominal_from_one():
    # relative deviation of 1.26 to 1.2: 0.05, doubled 0.1, below the distance 0.2; downwards neither
    up, down = cferr.error(np.array([1.2, 0.7]), [np.array([1.26, 0.7])], ALL)
    np.testing.assert_allclose(up, [0.2, 0.0])
    np.testing.assert_allclose(down, [0.0, 0.3])


def test_a_bin_that_was_not_measured_has_no_error():
    up, down = cferr.error(np.array([1.2, 1.0]), [np.array([1.1, 1.0])], ~ALL)
    assert (up == 0).all()
    assert (down == 0).all()


def test_a_bin_of_scale_factor_zero_deviates_from_one_alone():
    up, down = cferr.error(np.array([0.0, 1.0]), [np.array([0.5, 1.0])], ALL)
    assert (up.tolist(), down.tolist()) == ([0.0, 0.0], [1.0, 0.0])


def test_shapes_by_hand():
    # bins: invalid, x = 0.25, x = 0.9; e+ = 0.3, e- = 0.2, so e = 0.3
    up, down = np.full((1, 1, 3), 0.3), np.full((1, 1, 3), 0.2)
    found = cferr.variations(up, down, np.array([0.0, 0.25, 0.9]))
    # linear: 1 - 2x = 0.5, -0.8; quadratic: 1 - 6x(1 - x) = -0.125, 0.46; invalid: +e+ or -e-, and 0
    np.testing.assert_allclose(found["cferr1_up"].ravel(), [1.3, 1.15, 0.76])
    np.testing.assert_allclose(found["cferr1_down"].ravel(), [0.8, 0.85, 1.24])
    np.testing.assert_allclose(found["cferr2_up"].ravel(), [1.0, 0.9625, 1.138])
    np.testing.assert_allclose(found["cferr2_down"].ravel(), [1.0, 1.0375, 0.862])


def test_no_variation_is_negative():
    found = cferr.variations(np.full((1, 1, 2), 1.5), np.full((1, 1, 2), 1.5), np.array([0.0, 0.1]))
    np.testing.assert_allclose(found["cferr1_down"].ravel(), [0.0, 0.0])
