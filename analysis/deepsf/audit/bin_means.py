"""Means of scale factors over the jets of each bin of the binned scale factor, as plots draw them.

The artefact is ``{flavour: {method: Hist}}`` with the axes pt, abseta, discriminant; NaN where there are no jets.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import hist
import numpy as np
import numpy.typing as npt
import uhi.io.json

from deepsf.probes.bins import FlavourBins
from deepsf.probes.entries import Floats, Jets

BinMeans = dict[str, dict[str, hist.Hist[Any]]]


def means_by_cell(cell: npt.NDArray[np.int64], values: Floats, size: int) -> Floats:
    """Return the mean over the places of each cell, shape ``(size,)``; NaN where there are none."""
    count = np.bincount(cell, minlength=size)
    means: Floats = np.full(size, np.nan)
    np.divide(np.bincount(cell, values, size), count, out=means, where=count > 0)
    return means


def bin_means(bins: FlavourBins, jets: Jets, values: Floats, name: str) -> hist.Hist[Any]:
    """Return the histogram of means over the jets of each bin.

    Parameters
    ----------
    jets, values
        Jets of one flavour and their scale factors, ``(n,)``.
    name
        What the histogram is called.
    """
    axes = [
        hist.axis.Variable(edges, name=axis, flow=False)
        for axis, edges in zip(("pt", "abseta", "discriminant"), bins, strict=True)
    ]
    means = hist.Hist(*axes, storage=hist.storage.Double(), name=name)
    cell = bins.index(jets.pt_gev, jets.abseta, jets.discriminant)
    means.view()[...] = means_by_cell(cell, values, int(np.prod(bins.shape))).reshape(bins.shape)
    return means


def bin_means_to_json(flavours: Mapping[str, Mapping[str, hist.Hist[Any]]]) -> str:
    """Return the means as text, histograms in the UHI format."""
    return json.dumps(flavours, default=uhi.io.json.default, sort_keys=True)


def bin_means_from_json(text: str) -> BinMeans:
    """Return the means of `bin_means_to_json`."""
    content = json.loads(text, object_hook=uhi.io.json.object_hook)
    return {name: {method: hist.Hist(h) for method, h in methods.items()} for name, methods in content.items()}
