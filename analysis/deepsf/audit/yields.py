"""Do scale factors keep yields? They are normalised on one half of the inclusive jets; the other half checks it.

Also here: how far scale factors range, and what their weights cost in statistical power.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import norm

from deepsf.arrays import Floats
from deepsf.probes.bins import KinematicBins
from deepsf.probes.inclusive import InclusiveJets

EXTREME = 0.3, 3.0
"""Scale factors below or above count as extreme."""


def yield_pulls(bins: KinematicBins, checked: InclusiveJets, sf: Floats, normalised_on: InclusiveJets) -> Floats:
    """Return by (pT, |eta|) bin the change of the yield by S, in units of its statistical error, shape ``(n_bins,)``.

    The change is sum w (S - 1) over the checked jets. Its variance is the sum over events of (sum w (S - 1))^2, times
    1 + W / W0 for the error of the normalisation itself, with W and W0 the bin's sums of weights in the checked sample
    and in the one that S was normalised on. Bins without checked jets, or without variance, are NaN.

    Parameters
    ----------
    checked, sf
        Jets of one flavour that were not used in the normalisation, and their scale factors, ``(n,)``.
    """
    index = bins.index(checked.jets.pt_gev, checked.jets.abseta)
    change = checked.weight * (sf - 1.0)
    shift = np.bincount(index, change, bins.size)
    _, event = np.unique(checked.event, return_inverse=True)
    cells, cell = np.unique(event * bins.size + index, return_inverse=True)
    variance = np.bincount(cells % bins.size, np.bincount(cell, change) ** 2, bins.size)
    total = np.bincount(index, checked.weight, bins.size)
    other = bins.index(normalised_on.jets.pt_gev, normalised_on.jets.abseta)
    total_other = np.bincount(other, normalised_on.weight, bins.size)
    ratio = np.divide(total, total_other, out=np.full(bins.size, np.nan), where=total_other > 0)
    error = np.sqrt(variance * (1.0 + ratio))
    pulls: Floats = np.full(bins.size, np.nan)
    np.divide(shift, error, out=pulls, where=error > 0)
    return pulls


def yield_report(
    bins: KinematicBins, checked: InclusiveJets, sf: Floats, normalised_on: InclusiveJets
) -> dict[str, Any]:
    """Return the largest pull, its bin in words, the number of bins, and the mean of S over all checked jets.

    A scale factor of exactly 1 has no pull: 0.
    """
    pulls = yield_pulls(bins, checked, sf, normalised_on)
    mean = float((checked.weight * sf).sum() / checked.weight.sum())
    defined = np.isfinite(pulls)
    if not defined.any():
        return {"max_pull": 0.0, "bin": None, "n_bins": 0, "mean_sf": mean}
    worst = int(np.nanargmax(np.abs(pulls)))
    return {
        "max_pull": float(abs(pulls[worst])),
        "bin": bins.describe(worst),
        "n_bins": int(defined.sum()),
        "mean_sf": mean,
    }


def global_deviation(max_pull: float, n_bins: int) -> float:
    """Return the largest of ``n_bins`` pulls as a deviation of one: normal, two-sided, of the same probability (Sidak).

    Of 60 bins the largest pull is above 3 in 15 of 100 cases without any bias.
    """
    if n_bins == 0 or max_pull == 0.0:
        return 0.0
    p_any = -np.expm1(n_bins * np.log1p(-2.0 * norm.sf(max_pull)))
    return float(max(norm.isf(p_any / 2.0), 0.0))


def sf_range(sf: Floats) -> dict[str, float]:
    """Return minimum, maximum and the fraction of scale factors beyond `EXTREME`."""
    low, high = EXTREME
    return {
        "min": float(sf.min()),
        "max": float(sf.max()),
        "extreme_fraction": float(np.mean((sf < low) | (sf > high))),
    }


def effective_size_factor(weighted: Floats, unweighted: Floats) -> float:
    """Return the effective number of entries (sum w)^2 / sum w^2 with scale factors over that without."""
    return _effective_size(weighted) / _effective_size(unweighted)


def _effective_size(weight: Floats) -> float:
    return float(weight.sum() ** 2 / (weight**2).sum())
