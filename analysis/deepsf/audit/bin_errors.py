"""Errors of the mean scale factors over the jets of each bin of the binned scale factor, as plots draw them."""

from __future__ import annotations

from typing import Any

import hist
import numpy as np

from deepsf.errors.method_errors import MethodErrors, total
from deepsf.probes.bins import FlavourBins
from deepsf.probes.entries import Jets, evenly

N_JETS = 200
"""Jets of a bin that are looked at."""


def bin_errors(bins: FlavourBins, jets: Jets, errors: MethodErrors, flavour: str) -> hist.Hist[Any]:
    """Return the total error of each bin's mean: that of the measurement and systematic shifts, in quadrature.

    The histogram has the axes pt, abseta, discriminant of the bins; NaN where there are no jets.
    """
    index = bins.index(jets)
    of_bins = [evenly(np.flatnonzero(index == number), N_JETS) for number in range(bins.size)]
    at = errors.at(flavour, jets[np.concatenate(of_bins)])
    found, first = np.full(bins.size, np.nan), 0
    for number, chosen in enumerate(of_bins):
        if n := len(chosen):
            share = np.zeros(len(at.value))
            share[first : first + n] = 1.0 / n
            found[number] = np.hypot(total(at.of_mean(share)), at.systematic(share))
        first += n
    name = f"error of the mean scale factor of {flavour}"
    return hist.Hist(*bins.axes(), storage=hist.storage.Double(), name=name, data=found.reshape(bins.shape))
