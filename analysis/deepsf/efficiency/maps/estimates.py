"""Efficiencies and their intervals from weighted jets in bins: the arithmetic of `deepsf.efficiency.maps.maps`.

Arrays have the axes flavour, pT, eta, perhaps DeltaR, and last the tag bin, 0 to K.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from hist.intervals import clopper_pearson_interval

from deepsf.arrays import Floats, Ints

ONE_SIGMA = 0.6826894921370859
_ETA = 2


class Sums(NamedTuple):
    """Sums of weights and of their squares, ``(n_flavours, n_pt, n_eta, ..., K + 1)``."""

    weight: Floats
    squared: Floats


class Ratio(NamedTuple):
    """Jets passing each working point over all, ``(..., K)``, and the effective number of all, ``(...)``.

    The latter is (sum w)^2 / sum w^2, and 0 where the jets give no efficiency: where there are none, or signed weights
    sum up to a negative number in some tag bin. There the ratio is 0.
    """

    value: Floats
    n_effective: Floats


class Interval(NamedTuple):
    """Lower and upper end, arrays of one shape."""

    low: Floats
    high: Floats


def fill(bins: Ints, tag_bin: npt.NDArray[Any], weight: Floats, squared: Floats, shape: tuple[int, ...]) -> Sums:
    """Return sums over jets; all but ``shape``, that of the result, have one element a jet."""
    index = bins * shape[-1] + tag_bin
    size = int(np.prod(shape))
    filled = (np.asarray(np.bincount(index, values, size), np.float64) for values in (weight, squared))
    return Sums(*(sums.reshape(shape) for sums in filled))


def ratio(sums: Sums) -> Ratio:
    """Return the efficiency in each bin by itself."""
    above = np.cumsum(sums.weight[..., ::-1], axis=-1)[..., ::-1]
    total = above[..., 0]
    usable = (total > 0) & (sums.weight >= 0).all(axis=-1)
    n_effective = np.divide(total**2, sums.squared.sum(axis=-1), out=np.zeros_like(total), where=usable)
    passing = above[..., 1:]
    return Ratio(
        np.divide(passing, total[..., None], out=np.zeros(passing.shape), where=usable[..., None]), n_effective
    )


def inclusive(sums: Sums) -> Ratio:
    """Return the efficiency of all jets of each flavour, ``(n_flavours, K)``."""
    kinematic = tuple(range(1, sums.weight.ndim - 1))
    return ratio(Sums(*(array.sum(axis=kinematic) for array in sums)))


def efficiencies(sums: Sums, prior_jets: float, fallback: Floats) -> Floats:
    """Return efficiencies by bin, float64, ``(n_flavours, n_pt, n_eta, ..., K)``.

    Each bin is given ``prior_jets`` effective jets more, with the efficiency of all eta. That in turn is of the jets of
    all eta and of as many more with the efficiency of the flavour.

    Parameters
    ----------
    fallback
        Of flavours whose jets give no efficiency, ``(n_flavours, K)``.
    """
    whole = inclusive(sums)
    target = np.where(whole.n_effective[:, None] > 0, whole.value, fallback)
    target = target.reshape(len(target), *(1,) * (sums.weight.ndim - 2), -1)
    all_eta = Sums(*(array.sum(axis=_ETA, keepdims=True) for array in sums))
    for part in (all_eta, sums):
        target = _shrunk(ratio(part), prior_jets, target)
    return target


def clopper_pearson(efficiency: Ratio, level: float = ONE_SIGMA) -> Interval:
    """Return central intervals of efficiencies, ``(..., K)``, with effective numbers of jets; [0, 1] without jets.

    Source: Clopper and Pearson, Biometrika 26 (1934) 404, as quantiles of beta distributions, which continues them to
    numbers of jets that are not integers.
    """
    total = np.broadcast_to(efficiency.n_effective[..., None], efficiency.value.shape)
    # rounding of an efficiency of 1 must not end above all jets
    return Interval(*clopper_pearson_interval(np.minimum(efficiency.value * total, total), total, level))


def _shrunk(own: Ratio, prior_jets: float, target: Floats) -> Floats:
    n_jets = own.n_effective[..., None]
    total = n_jets + prior_jets
    blend = own.value * n_jets + prior_jets * target
    return np.divide(blend, total, out=np.array(np.broadcast_to(target, blend.shape)), where=total > 0)
