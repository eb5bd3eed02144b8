"""SplitMix64 against its published sequence."""

import numpy as np

from analysis.splitmix import GAMMA, mixed, uniform


def test_bits_are_those_of_the_published_generator():
    # the first three numbers of the generator that starts at 0: its state goes up by gamma
    states = np.arange(3, dtype=np.uint64) * GAMMA
    assert [f"{bits:016x}" for bits in mixed(states)] == ["e220a8397b1dcdaf", "6e789e6aa1b965f4", "06c45d188009454f"]


def test_uniform_numbers_leave_out_both_ends():
    ends = uniform(np.array([0, 2**64 - 1], np.uint64))
    assert ends.tolist() == [2.0**-54, 1 - 2.0**-54]
