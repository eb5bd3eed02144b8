"""Random numbers that belong to an event: the same whatever the order of events, and whatever others are there.

A number is a hash of seed, event number and counter (`deepsf.seeds`), as athena seeds its truth tagging by event.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from deepsf.arrays import Floats, Ints
from deepsf.seeds import GAMMA, mixed, seed_sequence, uniform

UInts = npt.NDArray[np.uint64]

_POISSON_CDF = np.cumsum([math.exp(-1.0) / math.factorial(k) for k in range(18)])


def stream(seed: int, *names: str | int) -> np.uint64:
    """Return the key of the stream of random numbers with these names; others are independent of it."""
    return np.uint64(seed_sequence(seed, *names).generate_state(1, np.uint64)[0])


def event_uniforms(key: np.uint64, event: UInts, counter: int = 0) -> Floats:
    """Return a number of each event, uniform in (0, 1); ``event`` is (n_events,), the events' numbers."""
    return uniform(mixed(_event_keys(key, event) + _gammas(counter)))


def jet_uniforms(key: np.uint64, event: UInts, offsets: Ints) -> Floats:
    """Return a number of each jet, uniform in (0, 1), ``(n_jets,)``; it depends on event number and place of the jet.

    Parameters
    ----------
    event
        Numbers of the events, (n_events,).
    offsets
        First jet of each event, (n_events + 1,).
    """
    counts = np.diff(offsets)
    rank = np.arange(offsets[-1]) - np.repeat(offsets[:-1], counts)
    keys = np.repeat(_event_keys(key, event), counts)
    return uniform(mixed(keys + rank.astype(np.uint64) * GAMMA))


def event_poisson(key: np.uint64, event: UInts, replica: int) -> Floats:
    """Return a Poisson(1) number of each event, ``(n_events,)``, for one bootstrap replica."""
    return np.searchsorted(_POISSON_CDF, event_uniforms(key, event, replica), side="right").astype(np.float64)


def _event_keys(key: np.uint64, event: UInts) -> UInts:
    return mixed(mixed(event.astype(np.uint64)) ^ key)


def _gammas(counter: int) -> UInts:
    return np.array([counter], np.uint64) * GAMMA
