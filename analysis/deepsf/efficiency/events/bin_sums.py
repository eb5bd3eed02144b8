"""Sums in bins, and their ratios."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from deepsf.arrays import Floats, Ints


def bin_index(values: Floats, edges: Floats) -> Ints:
    """Return the bin of each value; the outer bins are open, NaN is in bin -1."""
    index = np.searchsorted(edges[1:-1], values, side="right")
    return np.where(np.isnan(values), -1, index)


def sums(index: Ints, values: npt.NDArray[Any], size: int) -> Floats:
    """Return the sum of the values at each index, float64, ``(size,)``."""
    return np.asarray(np.bincount(index, values, size), np.float64)


def ratio(numerator: npt.NDArray[Any], denominator: npt.NDArray[Any]) -> Floats:
    """Return numerator over denominator, NaN where that is not above 0; arrays of one shape."""
    result = np.full(denominator.shape, np.nan)
    np.divide(numerator, denominator, out=result, where=denominator > 0)
    return result
