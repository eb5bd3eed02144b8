"""Smooth scale factors of many variations side by side: what contamination and tag jets are weighted with.

Steps of one flavour would distort the others wherever its bins are wide. As in the measurement of CMS
(arXiv:1712.07158), each iteration weights jets with the curve through the bins instead, here evaluated in fine cells.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator

from deepsf.arrays import Bools, Floats, Ints
from deepsf.binned.smoothing import Space, position_of
from deepsf.probes.bins import FlavourBins
from deepsf.probes.entries import Jets

N_CELLS = 200
"""Cells between the first and the last node of a row."""


@dataclass(frozen=True)
class FlavourCurves:
    """Curves of one flavour by (pT, |eta|) row; make it with `of_jets`.

    Attributes
    ----------
    bins, node, space
        Bins of the flavour; nodes of those of valid scores, in the space of the interpolation.
    weight
        Sum of weights of the jets whose mean a row keeps, shape ``(n_rows, n_bins, N_CELLS)``, by bin of valid scores.
    """

    bins: FlavourBins
    node: Floats
    space: Space
    weight: Floats

    @classmethod
    def of_jets(cls, bins: FlavourBins, node: Floats, space: Space, jets: Jets, weight: Floats) -> FlavourCurves:
        """Return the curves whose mean over the given jets of valid score, shape ``(n,)``, is that of the bins."""
        n_disc = bins.shape[-1]
        empty = cls(bins, node, space, np.zeros(0))
        row, column = np.divmod(bins.index(jets), n_disc)
        index = (row * (n_disc - 1) + column - 1) * N_CELLS + empty._cell(jets)
        sums = np.bincount(index, weight, bins.size // n_disc * (n_disc - 1) * N_CELLS).astype(np.float64)
        return cls(bins, node, space, sums.reshape(-1, n_disc - 1, N_CELLS))

    @property
    def size(self) -> int:
        """Number of values: by row one for invalid scores, then the cells."""
        return self.bins.size // self.bins.shape[-1] * (1 + N_CELLS)

    def index(self, jets: Jets) -> Ints:
        """Return the index of each jet's value among those of `values`, shape ``(n,)``."""
        row = self.bins.index(jets) // self.bins.shape[-1]
        return row * (1 + N_CELLS) + np.where(jets.discriminant >= 0, 1 + self._cell(jets), 0)

    def values(self, sf: Floats, measured: Bools) -> Floats:
        """Return the values in all cells, shape ``(size, n_variations)``: none below 0, as analyses apply them.

        Parameters
        ----------
        sf, measured
            Scale factors by bin, and which of them are measured, shape ``(n_bins, n_variations)``; a row without any
            has 1.
        """
        n_rows, n_variations = len(self.weight), sf.shape[1]
        by_row = np.maximum(sf, 0.0).reshape(n_rows, -1, n_variations)
        used = measured.reshape(by_row.shape)
        found = np.ones((n_rows, 1 + N_CELLS, n_variations))
        found[:, 0] = by_row[:, 0]
        for row in range(n_rows):
            patterns, which = np.unique(used[row, 1:], axis=1, return_inverse=True)
            for number, pattern in enumerate(patterns.T):
                if pattern.any():
                    alike = np.flatnonzero(which.ravel() == number)
                    found[row, 1:, alike] = self._row(row, pattern, by_row[row, 1:][np.ix_(pattern, alike)]).T
        return found.reshape(-1, n_variations)

    def _row(self, row: int, used: Bools, sf: Floats) -> Floats:
        """Return the curves of a row in its cells, shape ``(N_CELLS, n)``, each with the mean of its steps."""
        node, weight = self.node[used], self.weight[row, used]
        if len(node) == 1:
            return np.broadcast_to(sf, (N_CELLS, sf.shape[1]))
        edges = np.linspace(self.node[0], self.node[-1], N_CELLS + 1)
        centre = 0.5 * (edges[:-1] + edges[1:])
        curve = PchipInterpolator(node, sf, axis=0)(np.clip(centre, node[0], node[-1]))
        steps, smooth = _total(weight.sum(axis=1)[:, None] * sf), _total(weight.sum(axis=0)[:, None] * curve)
        return np.asarray(curve * np.divide(steps, smooth, out=np.ones_like(steps), where=(steps > 0) & (smooth > 0)))

    def _cell(self, jets: Jets) -> Ints:
        low, high = self.node[0], self.node[-1]
        width = (high - low) / N_CELLS if high > low else 1.0
        place = (position_of(jets.discriminant, self.space) - low) / width
        return np.clip(np.where(jets.discriminant >= 0, place, 0.0), 0, N_CELLS - 1).astype(np.int64)


def _total(terms: Floats) -> Floats:
    """Return the sum over the first axis; unlike `numpy.sum`, to the last bit the same for any number of columns."""
    return np.asarray(np.cumsum(terms, axis=0)[-1])
