"""Seeds of torch; SplitMix64 against its published sequence."""

import numpy as np
import torch

from deepsf.seeds import GAMMA, mixed, torch_generator, uniform


def test_equal_seeds_give_equal_numbers_and_others_do_not():
    one, same, other = (torch.rand(3, generator=torch_generator(np.random.SeedSequence([7, k]))) for k in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_all_bits_that_torch_takes_are_used():
    seed = np.random.SeedSequence(1)
    assert torch_generator(seed).initial_seed() == int(seed.generate_state(1, np.uint64)[0]) // 2


def test_bits_are_those_of_the_published_generator():
    # the first three numbers of the generator that starts at 0: its state goes up by gamma
    states = np.arange(3, dtype=np.uint64) * GAMMA
    assert [f"{bits:016x}" for bits in mixed(states)] == ["e220a8397b1dcdaf", "6e789e6aa1b965f4", "06c45d188009454f"]


def test_uniform_numbers_leave_out_both_ends():
    ends = uniform(np.array([0, 2**64 - 1], np.uint64))
    assert ends.tolist() == [2.0**-54, 1 - 2.0**-54]
