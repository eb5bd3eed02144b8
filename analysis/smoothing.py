"""Smooth scale factors through bins: monotone cubic (PCHIP) interpolation in the discriminant, row by row."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.interpolate import PchipInterpolator

from analysis.tables import Floats

LOGIT_MARGIN = 1e-6
"""Discriminants are clipped to [margin, 1 - margin] before the logit."""


def logit(discriminant: npt.ArrayLike, margin: float = LOGIT_MARGIN) -> Floats:
    """Return log(d / (1 - d)) with d clipped to [margin, 1 - margin], same shape."""
    clipped = np.clip(np.asarray(discriminant, np.float64), margin, 1.0 - margin)
    return np.log(clipped) - np.log1p(-clipped)


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


def interpolate(values: Floats, node: Floats, row: npt.NDArray[np.int64], position: Floats) -> Floats:
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
