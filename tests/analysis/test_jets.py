"""Flavours of jets by their hadron-flavour codes."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.jets import flavour_index

CODES = {"b": (5,), "c": (4,), "udsg": (0, 1, 2, 3, 21)}


def test_codes_become_the_index_of_their_flavour():
    np.testing.assert_array_equal(flavour_index(np.array([5, 21, 4, 0]), CODES, "jets"), [0, 2, 1, 2])


def test_codes_without_a_flavour_are_counted_in_the_message():
    with pytest.raises(ValueError, match=r"here: hadron flavours -1 \(1 jets\), 15 \(2 jets\) belong to none of the"):
        flavour_index(np.array([15, 5, -1, 15]), CODES, "here")
