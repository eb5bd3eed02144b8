"""Sums of a region's simulated entries for many iterations side by side, in one compiled pass over the entries.

Every variation (nominal, a shift, a bootstrap) has a column of the arrays ``scale_factor``, ``factor`` and of the
results; ``column`` says which of the ``weight`` columns it takes. Sums run in the order of the entries, as
`numpy.bincount` adds, so that a variation's result does not depend on which others run beside it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from deepsf.arrays import Floats

Indices = npt.NDArray[np.int32]


class EntryBins(NamedTuple):
    """The bins and rows in which each simulated entry counts, arrays of shape ``(n,)``.

    ``kinematic`` is its bin of kappa, ``target`` its bin in the histograms, ``tag`` and ``probe`` the rows of the scale
    factors that it is weighted with, ``flavour`` the index of the probe's flavour.
    """

    kinematic: Indices
    target: Indices
    tag: Indices
    probe: Indices
    flavour: Indices


def kinematic_sums(
    bins: EntryBins, weight: Floats, column: Indices, factor: Floats, scale_factor: Floats, n_bins: int
) -> Floats:
    """Return by kinematic bin and variation the sum of weight times the tag jet's scale factor.

    Parameters
    ----------
    weight
        Shape ``(n, n_weights)``.
    column
        Weight column of each variation, shape ``(n_variations,)``.
    factor
        Factor by flavour of the probe, shape ``(n_flavours, n_variations)``.
    scale_factor
        Shape ``(n_rows, n_variations)``.
    """
    sums = np.zeros((n_bins, len(column)))
    _kinematic_sums(bins.kinematic, bins.tag, bins.flavour, weight, column, factor, scale_factor, sums)
    return sums


def histograms(
    bins: EntryBins,
    weight: Floats,
    column: Indices,
    factor: Floats,
    scale_factor: Floats,
    kappa: Floats,
    n_bins: int,
) -> Floats:
    """Return by target bin and variation the sum of weight, tag's and probe's scale factor and kappa.

    Parameters are those of `kinematic_sums`, and ``kappa`` of shape ``(n_kinematic, n_variations)``.
    """
    sums = np.zeros((n_bins, len(column)))
    _histograms(*bins, weight, column, factor, scale_factor, kappa, sums)
    return sums


@njit(cache=True)
def _kinematic_sums(  # noqa: PLR0913 - compiled code takes arrays one by one
    kinematic: Any, tag: Any, flavour: Any, weight: Any, column: Any, factor: Any, scale_factor: Any, sums: Any
) -> None:
    for entry in range(len(kinematic)):
        k, t, f = kinematic[entry], tag[entry], flavour[entry]
        for variation in range(len(column)):
            sums[k, variation] += weight[entry, column[variation]] * factor[f, variation] * scale_factor[t, variation]


@njit(cache=True)
def _histograms(  # noqa: PLR0913 - compiled code takes arrays one by one
    kinematic: Any,
    target: Any,
    tag: Any,
    probe: Any,
    flavour: Any,
    weight: Any,
    column: Any,
    factor: Any,
    scale_factor: Any,
    kappa: Any,
    sums: Any,
) -> None:
    for entry in range(len(kinematic)):
        k, b, t, p, f = kinematic[entry], target[entry], tag[entry], probe[entry], flavour[entry]
        for variation in range(len(column)):
            value = (
                weight[entry, column[variation]]
                * factor[f, variation]
                * scale_factor[t, variation]
                * kappa[k, variation]
            )
            sums[b, variation] += value * scale_factor[p, variation]
