"""Scores that the jets of a sample have in each tag bin, by hadron flavour, pT and |eta|.

A scale factor of the score is averaged over them to get that of a tag bin. Between working points jets are nowhere
uniform in the score: light jets pile up at the lower end, b jets at 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from deepsf.arrays import Array, Floats, Ints
from deepsf.jets import INVALID

N_PT, N_ABSETA, N_SCORES = 8, 3, 8
"""Cells of a flavour and tag bin in pT and |eta|; scores of a cell that stand for a jet."""
N_EFFECTIVE = 50.0
"""Effective jets, (sum w)^2 / sum w^2, that a cell should have on average: with fewer there are fewer cells."""
_CENTRE = 0.5


class Cells(NamedTuple):
    """Cells of one flavour and tag bin, with about the same number of jets in each, and the scores of these jets.

    The jets of a cell, by score, are divided into `N_SCORES` groups of the same sum of |w|.

    Attributes
    ----------
    pt_gev
        Edges between the bins in pT [GeV], ``(n_pt - 1,)``.
    abseta
        Edges between those in |eta|, for each bin of pT, ``(n_pt, n_abseta - 1)``.
    score, reach
        Scores of the jets, cell after cell, rising in each, and the sum of |w| up to each jet, ``(n,)``.
    start
        The same sum up to each cell and to the end, ``(n_cells + 1,)``.
    share
        Share of its cell's weight that each group has, ``(n_cells, N_SCORES)``; negative weights take away from it.
    """

    pt_gev: Floats
    abseta: Floats
    score: Floats
    reach: Floats
    start: Floats
    share: Floats

    def of_jets(self, pt_gev: Floats, abseta: Floats) -> Ints:
        """Return the cell of each jet, ``(n,)``."""
        row = np.searchsorted(self.pt_gev, pt_gev, side="right")
        column = np.sum(abseta[:, None] >= self.abseta[row], axis=1)
        return np.asarray(row * (self.abseta.shape[1] + 1) + column)


@dataclass(frozen=True)
class ScoreDistribution:
    """Scores of a sample's jets in cells.

    Attributes
    ----------
    cells
        By hadron flavour and tag bin. A tag bin that no jet of the flavour is in has the cells of the closest one.
    n_merged
        Cells that are missing because too few jets, or none, would be in them.
    """

    cells: Mapping[tuple[int, int], Cells]
    n_merged: int

    @classmethod
    def fit(
        cls,
        hadron_flavour: npt.NDArray[np.int64],
        abseta: Floats,
        pt_gev: Floats,
        score: Array,
        tag_bin: npt.NDArray[np.integer],
        weight: Array,
        n_bins: int,
    ) -> ScoreDistribution:
        """Return the distribution of jets, arrays ``(n_jets,)``; ``weight`` is that of the event and may be negative.

        Raises
        ------
        ValueError
            If the weights of a flavour do not add up to more than 0.
        """
        columns = [np.asarray(column, np.float64) for column in (pt_gev, abseta, score, weight)]
        cells: dict[tuple[int, int], Cells] = {}
        n_merged = 0
        for flavour in np.unique(hadron_flavour).tolist():
            of_flavour = {}
            for number in range(n_bins):
                chosen = (hadron_flavour == flavour) & (tag_bin == number)
                fitted = _fit_cells(*(column[chosen] for column in columns))
                n_merged += N_PT * N_ABSETA
                if fitted is not None:
                    of_flavour[number], n_own = fitted
                    n_merged -= n_own
            if not of_flavour:
                raise ValueError(
                    f"weights of the {np.sum(hadron_flavour == flavour)} jets of hadron flavour {flavour} do not add "
                    "up to more than 0 in any tag bin: no mean scale factor; take more events"
                )
            for number in range(n_bins):
                closest = min(of_flavour, key=lambda known: abs(known - number))
                cells[flavour, number] = of_flavour[closest]
        return cls(cells, n_merged)

    def scores(
        self, flavour: int, number: int, abseta: Floats, pt_gev: Floats, position: Floats | None = None
    ) -> Iterator[tuple[Floats, Floats]]:
        """Yield scores that stand for the jets of a flavour in a tag bin, with their shares, ``(n,)`` each.

        They are scores that jets of the cell have, one of each group. With random positions a mean over them is not
        biased, whatever steps a function of the score has.

        Parameters
        ----------
        position
            Of the scores in their groups, from 0 to 1, ``(n,)``; the centre by default.

        Raises
        ------
        ValueError
            If there was no jet of this flavour.
        """
        if (flavour, number) not in self.cells:
            known = sorted({code for code, _ in self.cells})
            raise ValueError(f"there are scores of jets of hadron flavour {known}, none of {flavour}")
        cells = self.cells[flavour, number]
        index = cells.of_jets(pt_gev, abseta)
        size, last = np.diff(cells.start)[index] / N_SCORES, len(cells.score) - 1
        within = np.full(len(index), _CENTRE) if position is None else position
        for group in range(N_SCORES):
            reach = cells.start[index] + size * (group + within)
            jet = np.minimum(np.searchsorted(cells.reach, reach, side="left"), last)
            yield cells.score[jet], cells.share[index, group]


def _fit_cells(pt_gev: Floats, abseta: Floats, score: Floats, weight: Floats) -> tuple[Cells, int] | None:
    """Return cells of as many jets each, and how many have a distribution of their own; None without any weight."""
    total = weight.sum()
    if not total > 0.0:
        return None
    n_cells = max(1, int(total**2 / np.sum(weight**2) / N_EFFECTIVE))
    n_pt = min(N_PT, n_cells)
    n_abseta = min(N_ABSETA, n_cells // n_pt)
    pt_edges = _quantiles(pt_gev, n_pt)
    row = np.searchsorted(pt_edges, pt_gev, side="right")
    abseta_edges = np.stack([_quantiles(abseta[row == number], n_abseta) for number in range(n_pt)])
    cells = Cells(pt_edges, abseta_edges, *(np.empty(0),) * 4)
    return _filled(cells, cells.of_jets(pt_gev, abseta), n_pt * n_abseta, score, weight)


def _filled(cells: Cells, cell: Ints, n_cells: int, score: Floats, weight: Floats) -> tuple[Cells, int]:
    """Return cells with the scores of the jets in them, and how many have more positive than negative weight."""
    rank = np.where(score >= 0.0, score, INVALID)  # NaN is invalid, too
    order = np.lexsort((rank, cell))
    reach = np.cumsum(np.abs(weight[order]))
    start = np.concatenate([[0.0], reach])[np.searchsorted(cell[order], np.arange(n_cells + 1))]
    # signed weight up to any reach: a jet across the border of two groups belongs to both
    ends = start[:-1, None] + np.diff(start)[:, None] * np.linspace(0.0, 1.0, N_SCORES + 1)
    share = np.diff(np.interp(ends, np.append(0.0, reach), np.append(0.0, np.cumsum(weight[order]))), axis=1)
    total = share.sum(axis=1, keepdims=True)
    # without a distribution of its own a cell has the scores of its jets as if all weights were positive
    share = np.divide(share, total, out=np.full_like(share, 1.0 / N_SCORES), where=total > 0.0)
    return cells._replace(score=rank[order], reach=reach, start=start, share=share), int(np.sum(total > 0.0))


def _quantiles(values: Floats, n: int) -> Floats:
    """Return the edges between ``n`` bins of as many values each."""
    return np.quantile(values, np.arange(1, n) / n) if len(values) else np.zeros(n - 1)
