"""How far measurements scatter beyond their errors, and what each of them then says: a fit with random effects.

Deviations d with covariance S are of true values b that scatter around 0 with a common variance tau^2,

    d ~ N(b, S),   b ~ N(0, tau^2).

tau^2 is that for which chi2 = d^T (S + tau^2)^-1 d is the number n of deviations, and 0 if chi2 is below n without it
(Paule and Mandel, J. Res. Natl. Bur. Stand. 87 (1982) 377): the estimate of DerSimonian and Laird (Control. Clin.
Trials 7 (1986) 177), repeated until its weights are those of the result. It needs second moments alone. Given tau^2, b
has the mean tau^2 (S + tau^2)^-1 d, which is shrunk where errors are large, and the covariance tau^2 (S + tau^2)^-1 S.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import optimize, stats

from deepsf.arrays import Bools, Floats

_SIGNIFICANCE_MAX = 38.0
"""Of the largest chi2 whose p-value is above 0 in double precision."""


class RandomEffects(NamedTuple):
    """Scatter of true values, and what is known of each.

    Attributes
    ----------
    variance, error
        tau^2, and its error.
    significance
        Of the scatter, in standard deviations: of chi2 for n degrees of freedom without it. Negative if deviations are
        smaller than their errors say.
    mean, covariance
        Of the true values, ``(n,)`` and ``(n, n)``.
    """

    variance: float
    error: float
    significance: float
    mean: Floats
    covariance: Floats

    @property
    def second_moment(self) -> Floats:
        """Return the expectation of b b^T, ``(n, n)``: the variance of all that adds up true values, as if 0."""
        return np.outer(self.mean, self.mean) + self.covariance


def random_effects(deviation: Floats, covariance: Floats, measured: Bools) -> RandomEffects:
    """Return the scatter of true values around 0.

    Parameters
    ----------
    deviation, covariance
        ``(n,)`` and ``(n, n)``; what is not measured is not read.
    measured
        Which deviations are known, ``(n,)``. Of the others is known that they scatter as these do.

    Returns
    -------
    RandomEffects
        All NaN if nothing is measured.

    Raises
    ------
    ValueError
        If a deviation that is measured has no error.
    """
    n = int(measured.sum())
    if not n:
        nothing = np.full(len(deviation), np.nan)
        return RandomEffects(np.nan, np.nan, np.nan, nothing, np.full(covariance.shape, np.nan))
    errors, axes = np.linalg.eigh(covariance[np.ix_(measured, measured)])
    if not errors.min() > 0:
        raise ValueError(f"{n} deviations have a covariance with the eigenvalue {errors.min():g}, not above 0")
    along = axes.T @ deviation[measured]
    chi2 = float(np.sum(along**2 / errors))
    variance = _scatter(along, errors)
    shrunk = variance / (errors + variance)
    mean, of_means = np.zeros(len(deviation)), variance * np.eye(len(deviation))
    mean[measured] = axes @ (shrunk * along)
    of_means[np.ix_(measured, measured)] = (axes * (shrunk * errors)) @ axes.T
    significance = np.clip(stats.norm.isf(stats.chi2.sf(chi2, n)), -_SIGNIFICANCE_MAX, _SIGNIFICANCE_MAX)
    error = np.sqrt(2.0 * n) / np.sum(1.0 / (errors + variance))
    return RandomEffects(variance, float(error), float(significance), mean, of_means)


def _scatter(deviation: Floats, variance: Floats) -> float:
    """Return tau^2 from independent deviations."""
    n = len(deviation)

    def excess(scatter: float) -> float:
        return float(np.sum(deviation**2 / (variance + scatter))) - n

    if excess(0.0) <= 0.0:
        return 0.0
    largest = float(np.sum(deviation**2)) / n
    return float(optimize.brentq(excess, 0.0, largest, xtol=1e-12 * largest, rtol=1e-12))
