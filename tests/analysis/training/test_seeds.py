"""Seeds of torch."""

import numpy as np
import torch

from analysis.training.seeds import torch_generator


def test_equal_seeds_give_equal_numbers_and_others_do_not():
    one, same, other = (torch.rand(3, generator=torch_generator(np.random.SeedSequence([7, k]))) for k in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_all_bits_that_torch_takes_are_used():
    seed = np.random.SeedSequence(1)
    assert torch_generator(seed).initial_seed() == int(seed.generate_state(1, np.uint64)[0]) // 2
