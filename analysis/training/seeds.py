"""Seeds of torch from those of numpy."""

from __future__ import annotations

import numpy as np
import torch


def torch_generator(seed: np.random.SeedSequence) -> torch.Generator:
    """Return a generator that depends on the seed alone; torch takes 63 bits."""
    return torch.Generator().manual_seed(int(seed.generate_state(1, np.uint64)[0] >> np.uint64(1)))
