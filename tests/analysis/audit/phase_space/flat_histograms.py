"""Histograms of phase spaces that hold the same in every bin."""

from __future__ import annotations

import hist
import numpy as np

from deepsf.audit.phase_space.histograms import PhaseSpaceHistograms
from deepsf.config.selection import CHANNELS

METHODS = ["none", "binned", "binned_smooth", "deepsf"]
SCORES = [-2.01, 0.0, 0.1, 0.5, 1.01]
HT = [40.0, 100.0, 200.0, 500.0]
FACTOR = {"none": 1.0, "binned": 1.25, "binned_smooth": 1.25, "deepsf": 1.6}


def histograms(shifts=("lf_up", "lf_down")) -> dict[str, PhaseSpaceHistograms]:
    """Return jets and events: 100 of flavour b and 60 of udsg in every bin times the method's factor, 200 in data."""
    made = {}
    rank = hist.axis.StrCategory(["leading", "second", "further"], name="rank")
    for what, own in {"jets": (rank, _variable(SCORES, "discriminant")), "events": (_variable(HT, "ht"),)}.items():
        channel = hist.axis.StrCategory(CHANNELS, name="channel")
        n_jets = hist.axis.Integer(2, 9, name="n_jets", flow=False)
        flavour = hist.axis.StrCategory(["b", "udsg"], name="flavour")
        method, shift = (
            hist.axis.StrCategory(list(n), name=k)
            for k, n in {"method": METHODS, "shift": shifts or ("nominal",)}.items()
        )
        weighted = hist.storage.Weight()
        simulation = hist.Hist(method, channel, flavour, n_jets, *own, storage=weighted)
        shape = (-1, *[1] * (simulation.ndim - 1))
        factor = np.array(list(FACTOR.values())).reshape(shape)
        simulation.view().value[...] = factor * np.array([100.0, 60.0]).reshape(1, 1, 2, *[1] * (simulation.ndim - 3))
        simulation.view().variance[...] = 8.0
        data = hist.Hist(channel, n_jets, *own, storage=weighted)
        data.view().value[...] = data.view().variance[...] = 200.0
        shifted = hist.Hist(shift, channel, n_jets, *own, storage=hist.storage.Double())
        for number, name in enumerate(shifts):
            shifted.view()[number] = 200.0 + (30.0 if name.endswith("up") else -10.0)
        made[what] = PhaseSpaceHistograms(simulation, shifted, data)
    return made


def _variable(edges, name):
    return hist.axis.Variable(edges, name=name, flow=False)
