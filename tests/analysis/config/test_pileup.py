"""Pile-up: both directions of the shift, or none."""

import pytest

from deepsf.config.pileup import Pileup


def test_shifts_are_both_directions_or_none():
    assert Pileup(file="x", name="pu").shifts == ("up", "down")
    assert Pileup(file="x", name="pu", shifts=None).shifts is None
    with pytest.raises(ValueError, match="shifts"):
        Pileup(file="x", name="pu", shifts=("up",))
