"""Smooth scale factors through bins: monotone cubic (PCHIP) interpolation in the discriminant, row by row."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.interpolate import PchipInterpolator

from deepsf.arrays import Floats, Ints
from deepsf.probes.entries import logit


def nodes(discriminant: npt.ArrayLike, edges: Floats, space: Literal["logit", "identity"]) -> Floats:
    """Return the interpolation node of each bin: the median of its jets; the centre where it has none.

    Parameters
    ----------
    discriminant
        Discriminants of the flavour's jets, shape ``(n,)``.
    edges
        Edges of the bins of valid scores, shape ``(n_bins + 1,)``.

    Returns
    -------
    Floats
        Nodes in the space of the interpolation, shape ``(n_bins,)``, increasing.
    """
    values = np.sort(np.asarray(discriminant, np.float64))
    bounds = np.searchsorted(values, edges)
    centres = 0.5 * (edges[:-1] + edges[1:])
    medians = np.array(
        [np.median(values[a:b]) if b > a else c for a, b, c in zip(bounds[:-1], bounds[1:], centres, strict=True)]
    )
    return logit(medians) if space == "logit" else medians


def interpolate(values: Floats, node: Floats, row: Ints, position: Floats) -> Floats:
    """Return the smooth scale factor of each jet; constant beyond the first and the last node.

    Parameters
    ----------
    values
        Binned scale factors, shape ``(n_rows, n_bins)``; NaN bins are left out of a row.
    node
        Nodes, shape ``(n_bins,)``.
    row, position
        Row of each jet and its discriminant in the nodes' space, shape ``(n,)``.

    Returns
    -------
    Floats
        Shape ``(n,)``; NaN in rows without any measured bin.
    """
    smooth = np.full(position.shape, np.nan)
    for number in np.unique(row):
        measured = np.isfinite(values[number])
        here = row == number
        if measured.sum() == 1:
            smooth[here] = values[number][measured][0]
        elif measured.any():
            inside = np.clip(position[here], node[measured][0], node[measured][-1])
            smooth[here] = PchipInterpolator(node[measured], values[number][measured])(inside)
    return smooth


def mean_preserving(values: Floats, node: Floats, row: Ints, column: Ints, at: Floats, weight: Floats) -> Floats:
    """Return values at the nodes whose curve has, over the jets of each row, the mean of the measured bins.

    A curve through the measured values themselves is wrong on average wherever it bends over the jets of a bin, most in
    the bin that holds most light jets: by 2 % of the rate. One factor a row takes that out; asking for the mean of
    every bin would undo the smoothing.

    Parameters
    ----------
    values, node
        As for `interpolate`.
    row, column, at, weight
        Row and bin of each jet, its discriminant in the nodes' space, its weight, shape ``(n,)``.

    Returns
    -------
    Floats
        Shape ``(n_rows, n_bins)``; as measured in rows without jets, or without a positive sum of weights.
    """
    measured = np.isfinite(values[row, column])
    row, column, at, weight = row[measured], column[measured], at[measured], weight[measured]
    steps = np.bincount(row, weight * values[row, column], len(values))
    curve = np.bincount(row, weight * interpolate(values, node, row, at), len(values))
    factor = np.divide(steps, curve, out=np.ones(len(values)), where=(steps > 0) & (curve > 0))
    return np.asarray(values * factor[:, None])
