"""Probabilities that an event has N tags, or at least N, from the efficiencies of its jets; direct tagging beside it.

Given the efficiencies the tags of jets are independent, so that the number of tags has a Poisson-binomial distribution.
It is built up jet by jet in double precision. All jets of an event shaped the efficiencies; those that are *taggable*
decide the weight.
"""

from __future__ import annotations

import numpy as np

from deepsf.arrays import Array, Bools, Floats, Ints
from deepsf.efficiency.events.events import JetEvents
from deepsf.efficiency.events.ranks import by_rank


def taggable_jets(events: JetEvents, *, pt_min_gev: float, abseta_max: float, n_leading: int | None = None) -> Bools:
    """Return which jets count for truth tagging, ``(n_jets,)``.

    Parameters
    ----------
    pt_min_gev, abseta_max
        Smallest pT [GeV] of such jets, and the |eta| that they stay below. Files of scale factors, too, have no value
        at their upper edge.
    n_leading
        At most this many of them in an event, the hardest ones; None: all.
    """
    chosen: Bools = (events.pt_gev >= pt_min_gev) & (np.abs(events.eta) < abseta_max)
    if n_leading is None:
        return chosen
    before = np.concatenate([[0], np.cumsum(chosen)])
    place = before[1:] - np.repeat(before[events.offsets[:-1]], events.n_jets)
    chosen &= place <= n_leading
    return chosen


def exactly(
    efficiency: Array, offsets: Ints, n: int, taggable: Bools | None = None, untagged: Array | None = None
) -> Floats:
    """Return the probability of each event to have exactly ``n`` tagged jets.

    Parameters
    ----------
    efficiency
        Probability of each jet to be tagged, ``(n_jets,)``.
    offsets
        Index of the first jet of each event, ``(n_events + 1,)``, as in `JetEvents`.
    n
        Number of tags.
    taggable
        Jets that may be tagged, ``(n_jets,)``; all by default. Others do not count.
    untagged
        Weight of each jet if it is not tagged, ``(n_jets,)``; by default 1 - efficiency. With scale factors,
        ``efficiency`` and ``untagged`` are those of data
        (`deepsf.efficiency.truth_tagging.scale_factors.data_efficiencies`) and need not add up to 1.

    Returns
    -------
    Floats
        float64, ``(n_events,)``; 1 for ``n`` = 0 in events without taggable jets.

    Raises
    ------
    ValueError
        For a negative ``n``, arrays of different lengths, efficiencies that are not probabilities.
    """
    return _evaluated(efficiency, offsets, n, taggable, untagged, at_least_n=False)


def at_least(
    efficiency: Array, offsets: Ints, n: int, taggable: Bools | None = None, untagged: Array | None = None
) -> Floats:
    """Return the probability of each event to have at least ``n`` tagged jets.

    Parameters, result and errors are those of `exactly`. The upper tail is summed directly, because 1 - P(<n) would
    lose the digits of small efficiencies.
    """
    return _evaluated(efficiency, offsets, n, taggable, untagged, at_least_n=True)


def changes(
    efficiency: Array, offsets: Ints, n: int, taggable: Bools | None = None, *, at_least_n: bool = False
) -> Floats:
    """Return how the probability of an event changes with the efficiency of each of its jets, ``(n_jets,)``.

    It is eps dP / d eps of the probability of `exactly`, or of `at_least` with ``at_least_n``. P is linear in every
    efficiency, so that this is P minus P with an efficiency of 0. Parameters and errors are those of `exactly`. Jets
    that are not taggable have 0.
    """
    probability = at_least if at_least_n else exactly
    values, mask = checked(efficiency, offsets, taggable)
    result = np.zeros(len(values))
    rank = np.arange(len(values)) - np.repeat(offsets[:-1], np.diff(offsets))
    whole = probability(values, offsets, n, mask)
    for place in range(int(np.diff(offsets).max(initial=0))):
        chosen = (rank == place) & mask
        without = probability(np.where(chosen, 0.0, values), offsets, n, mask)
        result[chosen] = np.repeat(whole - without, np.diff(offsets))[chosen]
    return result


def number_of_tags(tagged: Bools, offsets: Ints, taggable: Bools | None = None) -> Ints:
    """Return how many taggable jets of each event are tagged, int64, ``(n_events,)``."""
    _check_shape("tagged", tagged, int(offsets[-1]))
    if taggable is not None:
        _check_shape("taggable", taggable, int(offsets[-1]))
        tagged = tagged & taggable
    before = np.concatenate([[0], np.cumsum(tagged, dtype=np.int64)])
    return np.diff(before[offsets])


def tagged_exactly(tagged: Bools, offsets: Ints, n: int, taggable: Bools | None = None) -> Bools:
    """Return which events have exactly ``n`` tagged jets: direct tagging, in place of the weight of `exactly`."""
    _check_n(n)
    return np.asarray(number_of_tags(tagged, offsets, taggable) == n)


def tagged_at_least(tagged: Bools, offsets: Ints, n: int, taggable: Bools | None = None) -> Bools:
    """Return which events have at least ``n`` tagged jets: direct tagging, in place of the weight of `at_least`."""
    _check_n(n)
    return np.asarray(number_of_tags(tagged, offsets, taggable) >= n)


def checked(efficiency: Array, offsets: Ints, taggable: Bools | None) -> tuple[Floats, Bools]:
    """Return efficiencies in double precision, and the mask of the taggable jets.

    Raises
    ------
    ValueError
        If lengths differ from the number of jets, or an efficiency is not a probability.
    """
    n_jets = int(offsets[-1])
    _check_shape("efficiency", efficiency, n_jets)
    values = np.ascontiguousarray(efficiency, np.float64)
    if n_jets and not (values.min() >= 0.0 and values.max() <= 1.0):
        wrong = ~((values >= 0.0) & (values <= 1.0))
        first = int(np.argmax(wrong))
        raise ValueError(
            f"efficiencies of {int(wrong.sum())} of {n_jets} jets are not in [0, 1], the first is {values[first]:g} of "
            f"jet {first}"
        )
    if taggable is None:
        return values, np.ones(n_jets, np.bool_)
    _check_shape("taggable", taggable, n_jets)
    if taggable.dtype != np.bool_:
        raise ValueError(f"taggable must be a mask of booleans, got {taggable.dtype}")
    return values, np.ascontiguousarray(taggable)


def _check_shape(name: str, values: Array, n_jets: int) -> None:
    if np.shape(values) != (n_jets,):
        raise ValueError(f"{name} must have one value a jet, shape ({n_jets},), got {np.shape(values)}")


def _check_n(n: int) -> None:
    if n < 0:
        raise ValueError(f"a number of tags cannot be negative, got {n}")


def _evaluated(
    efficiency: Array, offsets: Ints, n: int, taggable: Bools | None, untagged: Array | None, *, at_least_n: bool
) -> Floats:
    _check_n(n)
    if untagged is None:
        passing, mask = checked(efficiency, offsets, taggable)
        failing = 1.0 - passing
    else:
        # weights of data: scale factors may take them out of [0, 1]
        _, mask = checked(np.zeros(int(offsets[-1])), offsets, taggable)
        for name, values in (("efficiency", efficiency), ("untagged", untagged)):
            _check_shape(name, values, len(mask))
            if not np.isfinite(values).all():
                raise ValueError(f"{name} of {int(np.sum(~np.isfinite(values)))} jets is not finite")
        passing, failing = (np.ascontiguousarray(values, np.float64) for values in (efficiency, untagged))
    return _probabilities(passing, failing, offsets, mask, n, at_least_n)


def _probabilities(
    passing: Floats, failing: Floats, offsets: Ints, taggable: Bools, n: int, at_least_n: bool
) -> Floats:
    """Poisson-binomial recursion; at_least_n makes n tags absorbing: jets after them count with both outcomes."""
    result = np.empty(len(offsets) - 1)
    for block in by_rank(offsets, taggable):
        probability = np.zeros((n + 1, len(block.events)))
        probability[0] = 1.0
        for jets in block.jets:
            tag, no_tag = passing[jets], failing[jets]
            of = probability[:, : len(jets)]
            of[n] *= tag + no_tag if at_least_n else no_tag
            if n > 0:
                of[n] += of[n - 1] * tag
                for m in range(n - 1, 0, -1):
                    of[m] = of[m] * no_tag + of[m - 1] * tag
                of[0] *= no_tag
        result[block.events] = probability[n]
    return result
