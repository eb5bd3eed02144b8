"""Spread of an ensemble: whether it is the error of the efficiencies.

The spread is the standard deviation over members, each of which has its own bootstrap of the events and initialisation;
it is not divided by the root of their number, because the training sample fluctuates once for all of them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from deepsf.arrays import Floats, Ints
from deepsf.efficiency.audit.jet_closure import Values
from deepsf.efficiency.events.bin_sums import sums

N_SPREAD_BINS = 10


class SpreadCheck(NamedTuple):
    """Spread against actual deviation from the truth by flavour, arrays ``(n_flavours,)``, NaN for absent flavours.

    Attributes
    ----------
    rms_ratio
        rms(mean - true) / rms(spread) over jets: 1 if the spread is the error.
    pull_mean, pull_width
        Mean and standard deviation over jets of (mean - true) / spread.
    pull_mean_error
        Error of ``pull_mean`` from the training sample's fluctuation, which is common to all jets: the standard
        deviation over members of the mean of (member - mean) / spread.
    uncovered
        sqrt(rms(mean - true)^2 - rms(spread)^2) / mean true, 0 if the spread is larger: what has to be added.
    curve_spread, curve_deviation
        rms(spread) / mean true and rms(mean - true) / mean true in bins of equally many jets by relative spread,
        ``(n_flavours, n_bins)``.
    n_without_spread
        Jets on which all members agree; they have no pull.
    """

    rms_ratio: Floats
    pull_mean: Floats
    pull_width: Floats
    pull_mean_error: Floats
    uncovered: Floats
    curve_spread: Floats
    curve_deviation: Floats
    n_without_spread: Ints


def spread_check(members: Values, true: Values, flavour: npt.NDArray[np.int8], n_flavours: int) -> SpreadCheck:
    """Compare the spread of an ensemble to its deviation from the truth.

    Parameters
    ----------
    members
        ``(n_members, n_jets)``, at least two.
    true
        ``(n_jets,)``.
    """
    scalars = np.full((5, n_flavours), np.nan)
    curves = np.full((2, n_flavours, N_SPREAD_BINS), np.nan)
    without = np.zeros(n_flavours, np.int64)
    for number in range(n_flavours):
        chosen = flavour == number
        if not np.any(chosen):
            continue
        efficiencies, reference = members[:, chosen].astype(np.float64), true[chosen].astype(np.float64)
        centre, width = efficiencies.mean(axis=0), efficiencies.std(axis=0, ddof=1)
        deviation, scale = centre - reference, reference.mean()
        rms, rms_spread = (np.sqrt(np.mean(values**2)) for values in (deviation, width))
        has_spread = width > 0
        without[number] = np.sum(~has_spread)
        if not np.any(has_spread):
            continue
        pull = deviation[has_spread] / width[has_spread]
        common = [np.mean((member - centre)[has_spread] / width[has_spread]) for member in efficiencies]
        uncovered = np.sqrt(max(0.0, rms**2 - rms_spread**2)) / scale
        scalars[:, number] = rms / rms_spread, pull.mean(), pull.std(), np.std(common, ddof=1), uncovered
        relative = width / np.maximum(centre, np.finfo(np.float32).tiny)
        inner = np.quantile(relative, np.linspace(0, 1, N_SPREAD_BINS + 1)[1:-1])
        index = np.searchsorted(inner, relative, side="right")
        n_jets, total = (sums(index, values, N_SPREAD_BINS) for values in (np.ones(len(width)), reference))
        filled = n_jets > 0
        for row, values in enumerate((width, deviation)):
            squares = sums(index, values**2, N_SPREAD_BINS)
            curves[row, number, filled] = np.sqrt(squares[filled] * n_jets[filled]) / total[filled]
    rms_ratio, pull_mean, pull_width, pull_mean_error, not_covered = scalars
    return SpreadCheck(rms_ratio, pull_mean, pull_width, pull_mean_error, not_covered, curves[0], curves[1], without)
