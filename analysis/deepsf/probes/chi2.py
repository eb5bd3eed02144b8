"""Tests of data against simulation in one shape, with rates that are free in parts of it.

With d the data, m the simulation, C the sum of both covariances over events, and a part p of the bins (jets of one pT
bin, say) whose rate nothing is claimed about,

    chi2 = min_a (d - sum_p a_p m_p)^T C^-1 (d - sum_p a_p m_p)        for n_bins - n_parts degrees of freedom.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array
from scipy.stats import chi2 as chi2_distribution

from deepsf.arrays import Bools, Floats, Ints

EXPECTED_MIN = 25.0
"""Bins with less simulation, at the luminosity of the data, are left out: their errors are not Gaussian."""


@dataclass(frozen=True)
class BinSums:
    """Sums of weights by bin, shape ``(n,)``, and their covariance over events, shape ``(n, n)``."""

    values: Floats
    covariance: Floats

    @classmethod
    def of_events(cls, event: Ints, index: Ints, weight: Floats, size: int) -> BinSums:
        """Return the sums of entries, of which those of one event (numbered from 0) are not independent."""
        n_events = int(event.max()) + 1 if len(event) else 0
        return cls.of_matrix(csr_array((weight, (event, index)), shape=(n_events, size)))

    @classmethod
    def of_matrix(cls, by_event: csr_array) -> BinSums:
        """Return the sums of a matrix of sums by event and bin, shape ``(n_events, n)``."""
        return cls(np.asarray(by_event.sum(axis=0), np.float64), (by_event.T @ by_event).toarray())

    @classmethod
    def empty(cls, size: int) -> BinSums:
        """Return the sums of nothing."""
        return cls(np.zeros(size), np.zeros((size, size)))

    def __add__(self, other: BinSums) -> BinSums:
        return BinSums(self.values + other.values, self.covariance + other.covariance)

    def scaled(self, factor: float) -> BinSums:
        """Return the sums of weights times a factor."""
        return BinSums(self.values * factor, self.covariance * factor**2)


def shape_test(data: BinSums, simulation: BinSums, n_parts: int = 1, counted: Bools | None = None) -> dict[str, Any]:
    """Compare data and simulation with the rate of each part free.

    Parameters
    ----------
    n_parts
        The bins are that many parts of equal length, one after the other.
    counted
        Bins that enter; by default those with at least `EXPECTED_MIN` simulated events.

    Returns
    -------
    dict
        ``chi2``, ``ndf``, ``p``, and ``n_sparse_bins``, the number of bins that do not enter. Without a degree of
        freedom p is 1.
    """
    used = np.flatnonzero(simulation.values >= EXPECTED_MIN if counted is None else counted)
    part = used // (len(simulation.values) // n_parts)
    parts, column = np.unique(part, return_inverse=True)
    template = np.zeros((len(used), len(parts)))
    template[np.arange(len(used)), column] = simulation.values[used]
    inverse = np.linalg.pinv((data.covariance + simulation.covariance)[np.ix_(used, used)], hermitian=True)
    rate = np.linalg.pinv(template.T @ inverse @ template, hermitian=True) @ template.T @ inverse @ data.values[used]
    rest = data.values[used] - template @ rate
    chi2, ndf = max(float(rest @ inverse @ rest), 0.0), len(used) - len(parts)
    p = float(chi2_distribution.sf(chi2, ndf)) if ndf else 1.0
    return {"chi2": chi2, "ndf": ndf, "p": p, "n_sparse_bins": len(simulation.values) - len(used)}
