"""How well scale factors give the score of a region's probe jets in data: one number."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from deepsf.arrays import Floats, Ints
from deepsf.probes.chi2 import BinSums, shape_test
from deepsf.probes.entries import Jets, ProbeEntries
from deepsf.probes.measurement import Measurement
from deepsf.probes.weights import RegionWeights

N_BINS = 20
"""Quantiles of the score in data."""


def score_closure(measurement: Measurement, flavour: str, sf: Callable[[str, Jets], Floats]) -> float:
    """Return chi2 per degree of freedom of the probe jets' score in the region that enriches a flavour.

    Data are compared with simulation under all scale factors, with the rate free and the covariance of both over
    events. 0 where there are too few jets for two bins.

    Parameters
    ----------
    sf
        Takes a flavour and ``n`` of its jets; returns their scale factors, shape ``(n,)``.
    """
    entries = measurement.entries[measurement.region_of[flavour]]
    data, simulation = entries.data, entries.simulation
    weights = RegionWeights(entries, measurement.index(flavour), measurement.event_weight)
    weight = weights.simulation(_own(measurement, sf, simulation.tag)) * _own(measurement, sf, simulation.probe)
    quantiles = np.linspace(0, 1, N_BINS + 1)[1:-1]
    edges: Floats = np.unique(np.quantile(data.probe.discriminant.astype(np.float64), quantiles))
    test = shape_test(_sums(data, data.weight, edges), _sums(simulation, weight, edges))
    return float(test["chi2"] / test["ndf"]) if test["ndf"] else 0.0


def _own(measurement: Measurement, sf: Callable[[str, Jets], Floats], jets: Jets) -> Floats:
    """Return S of each jet's own flavour, 1 for flavours that are not measured."""
    values = np.ones(len(jets))
    for flavour in measurement.measured:
        chosen = np.flatnonzero(jets.flavour == measurement.index(flavour))
        values[chosen] = sf(flavour, jets[chosen])
    return values


def _sums(entries: ProbeEntries, weight: Floats, edges: Floats) -> BinSums:
    _, event = np.unique(entries.event, return_inverse=True)
    index: Ints = np.searchsorted(edges, entries.probe.discriminant, side="right")
    return BinSums.of_events(event, index, weight, len(edges) + 1)
