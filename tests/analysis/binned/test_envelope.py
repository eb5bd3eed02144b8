"""The envelope of shifts, against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.binned.envelope import envelope, envelope_shifts, sum_over_sources


def test_directions_are_added_in_quadrature_over_sources_each_for_itself():
    nominal = np.array([1.0, 2.0])
    shifted = {
        "lf_up": np.array([1.3, 2.1]),
        "lf_down": np.array([0.8, 1.9]),
        "jer_up": np.array([1.4, 2.0]),
        "jer_down": np.array([0.9, 1.6]),
    }
    # up: sqrt(.3^2 + .4^2), sqrt(.1^2 + 0); down: sqrt(.2^2 + .1^2), sqrt(.1^2 + .4^2)
    up, down = envelope(nominal, shifted)
    np.testing.assert_allclose(up, [0.5, 0.1])
    np.testing.assert_allclose(down, [np.sqrt(0.05), np.sqrt(0.17)])


def test_a_source_that_moves_upwards_both_ways_counts_once_and_not_downwards():
    up, down = envelope(np.array([1.0]), {"lf_up": np.array([1.3]), "lf_down": np.array([1.2])})
    assert (up[0], down[0]) == (pytest.approx(0.3), 0.0)


def test_numbers_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match="nominal values: 1 of 2 values are not finite"):
        envelope(np.array([1.0, np.nan]), {})
    with pytest.raises(ValueError, match="values of shift lf_up: 1 of 1 values are not finite"):
        envelope(np.array([1.0]), {"lf_up": np.array([np.inf])})


def test_without_shifts_it_is_zero():
    np.testing.assert_array_equal(envelope(np.ones((2, 3)), {}), 0.0)


NAMES = ["nominal"] + [
    f"{source}_{direction}"
    for source in ("lf", "hfstats1", "lfstats2", "stat1", "stat12", "jesTotal", "jesAbsolute", "jer", "cferr1")
    for direction in ("up", "down")
]


def sources(names):
    assert all(name.endswith(("_up", "_down")) for name in names)
    return list(dict.fromkeys(name.rsplit("_", 1)[0] for name in names))


def test_each_source_of_uncertainty_is_in_it_once():
    assert sources(envelope_shifts(NAMES, statistical=True)) == [
        "lf",
        "hfstats1",
        "lfstats2",
        "jesAbsolute",
        "jer",
        "cferr1",
    ]


def test_the_statistical_error_is_left_out_of_a_systematic_one():
    assert sources(envelope_shifts(NAMES, statistical=False)) == ["lf", "jesAbsolute", "jer", "cferr1"]


def test_eigenvectors_stand_in_where_there_are_no_shapes():
    names = ["nominal", "stat1_up", "stat1_down", "jesTotal_up", "jesTotal_down"]
    assert sources(envelope_shifts(names, statistical=True)) == ["stat1", "jesTotal"]
    assert envelope_shifts(["nominal"], statistical=True) == ()


def test_of_each_source_the_larger_direction_counts():
    # 3 of lf, not 3 and 2; 4 of jer
    assert sum_over_sources({"lf_up": 2.0, "lf_down": -3.0, "jer_up": 4.0}) == 5.0
    assert sum_over_sources({}) == 0.0
