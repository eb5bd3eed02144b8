"""All random streams: seeds by name, generators of torch, and numbers that belong to an event.

A campaign's seed has independent streams, `seed_sequence`, and these have parts, `part_of`. Both go by names and never
by places in a list: what is added, left out or listed in another order leaves all other streams alone.

Numbers of events are SplitMix64 (Steele, Lea, Flood 2014): a function of what they belong to, so that an event has the
same number in every chunk, file and program; multiplication wraps at 2^64, as it is meant to.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import torch

Bits = npt.NDArray[np.uint64]

GAMMA = np.uint64(0x9E3779B97F4A7C15)


def seed_sequence(seed: int, *name: str | int) -> np.random.SeedSequence:
    """Return the seed sequence of a named stream: one campaign seed, as many independent streams as names."""
    return part_of(np.random.SeedSequence(seed), *name)


def part_of(seed: np.random.SeedSequence, *name: str | int) -> np.random.SeedSequence:
    """Return the seed sequence of a named part of a stream, always the same; `SeedSequence.spawn` goes on counting."""
    digest = hashlib.sha256("/".join(str(part) for part in name).encode()).digest()
    return np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, int.from_bytes(digest[:16], "big")))


def torch_generator(seed: np.random.SeedSequence) -> torch.Generator:
    """Return a generator that depends on the seed alone; torch takes 63 bits."""
    import torch  # users of event numbers do without

    return torch.Generator().manual_seed(int(seed.generate_state(1, np.uint64)[0] >> np.uint64(1)))


def mixed(state: Bits) -> Bits:
    """Return 64 random bits for each state: one-to-one, so that different states have different bits."""
    z = state + GAMMA
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def uniform(bits: Bits) -> npt.NDArray[np.float64]:
    """Return numbers in (0, 1), neither end included, from 64 random bits each."""
    return ((bits >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
