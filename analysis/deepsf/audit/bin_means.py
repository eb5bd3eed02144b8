"""Means of scale factors over the jets of each bin of the binned scale factor, as plots draw them.

The artefact is ``{"means": ..., "errors": ...}``, both ``{flavour: {method: Hist}}`` with the axes pt, abseta,
discriminant; NaN where there are no jets. Means of DeepSF are kept with its networks.
"""

from __future__ import annotations

from typing import Any

import hist
import numpy as np

from deepsf.arrays import Floats
from deepsf.probes.bins import FlavourBins, mean_by_bin
from deepsf.probes.entries import Jets

BinMeans = dict[str, dict[str, hist.Hist[Any]]]


def bin_means(bins: FlavourBins, jets: Jets, values: Floats, name: str) -> hist.Hist[Any]:
    """Return the histogram of means over the jets of each bin.

    Parameters
    ----------
    jets, values
        Jets of one flavour and their scale factors, ``(n,)``.
    name
        What the histogram is called.
    """
    means = mean_by_bin(bins.index(jets), values, bins.size).reshape(bins.shape)
    return hist.Hist(*bins.axes(), storage=hist.storage.Double(), name=name, data=means)


def weighted_rms(difference: Floats, weight: Floats, axis: tuple[int, ...] | None = None) -> Floats:
    """Return sqrt(sum w d^2 / sum w) without the bins where d is NaN; NaN where no weight is left."""
    used = np.where(np.isfinite(difference), weight, 0.0)
    total = used.sum(axis=axis)
    square = (used * np.nan_to_num(difference) ** 2).sum(axis=axis)
    mean = np.divide(square, total, out=np.full(np.shape(total), np.nan), where=total > 0)
    return np.asarray(np.sqrt(mean))
