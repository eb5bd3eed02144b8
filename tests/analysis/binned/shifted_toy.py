"""The shape toy with shifts of a skim: heavier events, harder jets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from deepsf.binned.build import measure_binned
from deepsf.binned.scale_factor import BinnedScaleFactor
from deepsf.binned.shifts import SystematicShifts
from deepsf.config.binned import Binned, Bins
from deepsf.config.weights import EventWeight, Normalisation
from deepsf.probes.entries import RegionEntries

BINS = {
    "b": Bins(pt_gev=(20, 60, 1000), abseta=(0, 2.5), discriminant=(-1, 0, 0.2, 0.5, 0.8, 1.01)),
    "udsg": Bins(pt_gev=(20, 1000), abseta=(0, 1.2, 2.5), discriminant=(-1, 0, 0.05, 0.2, 1.01)),
}
WEIGHTS, KINEMATIC = ("pileup_up", "pileup_down"), ("jer_up", "jer_down")


def heavier(entries, name):
    """Return entries, or inclusive jets, of the shift: of other weights, or harder jets."""
    sign = 1.0 if name.endswith("_up") else -1.0
    if name in WEIGHTS:
        probe = entries.jets if hasattr(entries, "jets") else entries.probe
        return replace(entries, weight=entries.weight * (1 + 0.1 * sign * probe.discriminant))
    kinds = ("jets",) if hasattr(entries, "jets") else ("probe", "tag")
    harder = {k: getattr(entries, k) for k in kinds}
    factor = np.float32(1 + 0.05 * sign)
    return replace(entries, **{k: replace(jets, pt_gev=jets.pt_gev * factor) for k, jets in harder.items()})


def measured(toy, shifts=None, **settings) -> BinnedScaleFactor:
    systematic = shifts and SystematicShifts(
        shifts,
        KINEMATIC,
        WEIGHTS,
        lambda name: {n: RegionEntries(r.data, heavier(r.simulation, name)) for n, r in toy.entries.items()},
        lambda name: heavier(toy.inclusive, name),
    )
    measurement = toy.measurement(EventWeight(n_pt=4, n_abseta=2), Normalisation(n_pt=2, n_abseta=1))
    return measure_binned(measurement, Binned(bins=BINS, n_bootstrap=12, **settings), systematic)
