"""SplitMix64 (Steele, Lea, Flood 2014): random numbers that are a function of what they belong to, such as an event.

The same event has the same number in every chunk, file and program; multiplication wraps at 2^64, as it is meant to.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Bits = npt.NDArray[np.uint64]

GAMMA = np.uint64(0x9E3779B97F4A7C15)


def mixed(state: Bits) -> Bits:
    """Return 64 random bits for each state: one-to-one, so that different states have different bits."""
    z = state + GAMMA
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def uniform(bits: Bits) -> npt.NDArray[np.float64]:
    """Return numbers in (0, 1), neither end included, from 64 random bits each."""
    return ((bits >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
