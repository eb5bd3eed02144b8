"""Binned measurement: a bin of invalid scores, enough fine steps."""

import pytest

from deepsf.config.binned import Binned, Bins


def bins(discriminant):
    return Bins(pt_gev=(20, 30), abseta=(0, 2.5), discriminant=discriminant)


@pytest.mark.parametrize("discriminant", [(0, 0.5, 1), (-2, 0.1, 1), (-2, -1, 0, 1)])
def test_the_first_bin_holds_the_invalid_scores(discriminant):
    assert bins((-2, 0, 1)).discriminant == (-2, 0, 1)
    with pytest.raises(ValueError, match="must start with one edge below 0, then 0"):
        bins(discriminant)


def test_optimised_bins_need_as_many_fine_steps():
    four = {"b": bins((-2, 0, 0.25, 0.5, 0.75, 1))}
    Binned(bins=four, optimise={"n_fine": 4})
    with pytest.raises(ValueError, match=r"optimise\.n_fine = 3 steps are fewer than the 4 bins"):
        Binned(bins=four, optimise={"n_fine": 3})
