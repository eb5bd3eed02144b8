"""Correlated scores: variables of events and jets that no column shows.

A score is one of `N_CANDIDATES` independent draws, and a standard normal number z says which: that of rank
floor(N Phi(z)) in rising order. All ranks are equally likely, and a random one of independent draws is a draw. So the
distribution of a score is what it was, whatever it is and wherever z comes from, which holds for accept-reject, too.
Numbers z that share a part make scores correlated. The rank correlation of scores is (N - 1) / (N + 1) times that of
their ranks, since a draw of known rank still fluctuates.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.special import ndtr

from deepsf.arrays import Ints, Reals
from deepsf.seeds import part_of

N_CANDIDATES = 16


def ranks(
    seed: np.random.SeedSequence, event: Ints, branches: Sequence[str], of_taggers: float, of_jets: float
) -> Ints | None:
    """Return which of its candidates each score is, shape ``(n_taggers, n_jets)``; None if scores are independent.

    Parameters
    ----------
    seed
        Parts of it by name are used, one for each tagger.
    event
        Number of each jet's event, sorted.
    branches
        The taggers.
    of_taggers
        Rank correlation of the scores of a jet, at least that of two jets.
    of_jets
        Rank correlation of the scores of two jets of an event.
    """
    if not (of_taggers > 0 or of_jets > 0):
        return None
    common, shared = _of_normals(of_jets), _of_normals(max(of_taggers, of_jets))
    of_event = _normals(seed, "event", int(event[-1]) + 1 if len(event) else 0)[event]
    of_jet = _normals(seed, "jet", len(event))
    known = np.sqrt(common) * of_event + np.sqrt(shared - common) * of_jet
    z = [known + np.sqrt(1.0 - shared) * _normals(seed, branch, len(event)) for branch in branches]
    rank = (N_CANDIDATES * ndtr(np.stack(z))).astype(np.intp)
    return np.minimum(rank, N_CANDIDATES - 1)


def of_rank(draw: Callable[[], Reals], rank: Ints) -> Reals:
    """Return for each jet the draw that has the given rank among `N_CANDIDATES`, shape ``(n,)``.

    Parameters
    ----------
    draw
        Draws a score for every jet, independently at each call.
    """
    candidates = np.sort(np.stack([draw() for _ in range(N_CANDIDATES)]), axis=0)
    return np.asarray(np.take_along_axis(candidates, rank[None], axis=0)[0])


def _normals(seed: np.random.SeedSequence, name: str, n: int) -> Reals:
    return np.random.default_rng(part_of(seed, "hidden", name)).standard_normal(n)


def _of_normals(of_scores: float) -> float:
    """Return the correlation of normal numbers whose candidates have a rank correlation."""
    of_ranks = of_scores * (N_CANDIDATES + 1) / (N_CANDIDATES - 1)
    return float(2.0 * np.sin(np.pi * of_ranks / 6.0))
