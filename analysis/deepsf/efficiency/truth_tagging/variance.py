"""Errors of truth-tagged yields: of the events, and of the efficiencies that weight them.

Weighting events with a probability w in place of a cut leaves the error sqrt(sum w^2), less than that of a cut, but all
events share the error of the efficiencies. Its variance V_eff is that of the yield over replicas of the efficiencies,
and it does not shrink with more events to weight: where it is left out, errors are several times too small. What no
replica knows, biases of the efficiencies, has a variance of its own, that of the non-closure
(`deepsf.efficiency.non_closure`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from deepsf.arrays import Array, Floats, Ints
from deepsf.efficiency.events.bin_sums import ratio, sums

if TYPE_CHECKING:
    from deepsf.efficiency.non_closure.cells import EfficiencyChanges


class TruthTaggedYields(NamedTuple):
    """Yields of events with weight g, each counted with its probability w to be tagged; arrays ``(n_bins,)``.

    Attributes
    ----------
    value
        sum g w.
    sum_w2
        sum (g w)^2, the variance that a finite number of events leaves.
    direct_sum_w2
        sum g^2 w, the expected variance of a cut on the tags.
    replicas
        sum g w with each replica of the efficiencies, ``(n_replicas, n_bins)``; None without any.
    non_closure
        Covariance of the yields from the non-closure, ``(n_bins, n_bins)``; None if it was not given.
    """

    value: Floats
    sum_w2: Floats
    direct_sum_w2: Floats
    replicas: Floats | None
    non_closure: Floats | None = None

    @property
    def v_eff(self) -> Floats:
        """Variance over replicas; 0 without any."""
        return np.zeros(len(self.value)) if self.replicas is None else self.replicas.var(axis=0, ddof=1)

    @property
    def v_non_closure(self) -> Floats:
        """Variance from the non-closure; 0 if it was not given."""
        return np.zeros(len(self.value)) if self.non_closure is None else np.diagonal(self.non_closure)

    @property
    def variance(self) -> Floats:
        """Sum of all variances."""
        return self.sum_w2 + self.v_eff + self.v_non_closure

    @property
    def covariance(self) -> Floats:
        """Covariance of the bins, ``(n_bins, n_bins)``: that of the efficiencies is shared by all events and bins."""
        shared = 0.0 if self.replicas is None else np.atleast_2d(np.cov(self.replicas, rowvar=False))
        biases = 0.0 if self.non_closure is None else self.non_closure
        return np.asarray(np.diag(self.sum_w2) + shared + biases)

    @property
    def n_effective(self) -> Floats:
        """Effective number of events, with all variances; NaN where nothing is predicted."""
        return ratio(self.value**2, self.variance)

    @property
    def gain(self) -> Floats:
        """Effective events over those of a cut, from the finite number of events alone."""
        return ratio(self.direct_sum_w2, self.sum_w2)

    @property
    def total_gain(self) -> Floats:
        """Effective events over those of a cut, with the error of the efficiencies."""
        return ratio(self.direct_sum_w2, self.variance)


def truth_tagged_yields(
    generator_weight: Array,
    probability: Array,
    index: Ints,
    n_bins: int,
    replicas: Iterable[Array] = (),
    non_closure: EfficiencyChanges | None = None,
) -> TruthTaggedYields:
    """Return truth-tagged yields in bins, with the variance of the events and that of the efficiencies.

    Parameters
    ----------
    generator_weight
        Weight of each event before tagging, ``(n_events,)``, with scale factors if there are any.
    probability
        Probability of each event to have the wanted tags, ``(n_events,)``.
    index
        Bin of each event, ``(n_events,)``. Events with a negative one are left out.
    n_bins
        Number of bins.
    replicas
        The probabilities again with each replica of the efficiencies, ``(n_events,)`` each, such as the members of an
        ensemble.
    non_closure
        How the probabilities follow efficiencies that are biased, from
        `deepsf.efficiency.non_closure.cells.NonClosures.changes`.

    Returns
    -------
    TruthTaggedYields
        Arrays ``(n_bins,)``: ``value``, ``variance`` with its parts ``sum_w2``, ``v_eff`` and ``v_non_closure``, and
        more; and the ``covariance`` of the bins.

    Raises
    ------
    ValueError
        If arrays have different lengths, an event's bin is beyond the last one, or there is a single replica.
    """
    _check(generator_weight, probability, index, n_bins)
    chosen = np.flatnonzero(index >= 0)
    bins, g = index[chosen], np.asarray(generator_weight, np.float64)[chosen]

    def filled(values: Floats) -> Floats:
        return sums(bins, values, n_bins)

    w = np.asarray(probability, np.float64)[chosen]
    of_replicas = [filled(g * np.asarray(replica, np.float64)[chosen]) for replica in replicas]
    if len(of_replicas) == 1:
        raise ValueError("one replica of the efficiencies has no variance; give none, or at least two")
    return TruthTaggedYields(
        filled(g * w),
        filled((g * w) ** 2),
        filled(g**2 * w),
        np.stack(of_replicas) if of_replicas else None,
        None if non_closure is None else non_closure.of_yields(generator_weight, index, n_bins),
    )


def _check(generator_weight: Array, probability: Array, index: Ints, n_bins: int) -> None:
    if not len(generator_weight) == len(probability) == len(index):
        raise ValueError(
            f"one value an event: got {len(generator_weight)} weights, {len(probability)} probabilities, {len(index)} "
            "bins"
        )
    if len(index) and index.max() >= n_bins:
        raise ValueError(f"bin {index.max()} of an event is none of the {n_bins} bins; give -1 to leave events out")
