"""Reports of skims by hand: as it stands of a file of simulation in which all is well."""

from dataclasses import replace

import numpy as np

from deepsf.config.selection import CHANNELS
from deepsf.skim.cut_flow import LEPTON_STEPS, SkimReport


def report(file="a.root", sample="ttbar", kind="simulation", **changes):
    """Return a report of 100 events, of which 40 have two jets and 10 are in region hf."""
    steps = {"all": {"all": 100}, "filters": {"all": 90}}
    steps |= {step: dict(zip(CHANNELS, (20, 20, 10), strict=True)) for step in LEPTON_STEPS}
    steps |= {step: dict(zip(CHANNELS, (20, 10, 10), strict=True)) for step in ("two_jets", "exactly_two_jets")}
    whole = SkimReport(
        sample=sample,
        kind=kind,
        n_events=100,
        sum_weights=100.0,
        cut_flow=steps | {"region_hf": dict(zip(CHANNELS, (4, 3, 3), strict=True))},
        region_yields={"hf": {channel: {"n": 5, "sum_weights": 5.0} for channel in CHANNELS}},
        jets={"selected": 80, "invalid": 0, "nan": 0},
        weights={"weight": sums_of(np.ones(40))},
        file=file,
    )
    return replace(whole, **changes)


def sums_of(weight):
    """Return what a report keeps of weights."""
    absolute = np.abs(weight)
    return {
        "n": float(len(weight)),
        "sum": float(np.sum(weight)),
        "sum_abs": float(absolute.sum()),
        "sum_squares": float(np.sum(np.square(weight))),
        "largest": float(absolute.max(initial=0.0)),
    }
