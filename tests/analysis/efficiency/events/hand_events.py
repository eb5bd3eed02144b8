"""Events written down jet by jet, and models that say what a test wants."""

from __future__ import annotations

import numpy as np

from deepsf.efficiency.evaluation import ModelEfficiencies
from deepsf.efficiency.events.events import JetEvents, offsets_of

FLAVOURS = ("b", "c", "udsg")


def hand_events(jets, *, weight=None, flavours=FLAVOURS, working_points=("M",)) -> JetEvents:
    """Return events from lists of jets (pT, eta, phi, flavour, number of working points passed)."""
    flat = [jet for event in jets for jet in event]
    pt, eta, phi, flavour, tag_bin = (np.array(column) for column in zip(*flat, strict=True))
    return JetEvents(
        offsets=offsets_of(np.array([len(event) for event in jets])),
        pt_gev=pt.astype(np.float32),
        eta=eta.astype(np.float32),
        phi=phi.astype(np.float32),
        flavour=np.array([flavours.index(name) for name in flavour], np.int8),
        tag_bin=tag_bin.astype(np.int8),
        weight=np.ones(len(jets), np.float32) if weight is None else np.array(weight, np.float32),
        event=np.arange(len(jets), dtype=np.uint64),
        flavours=tuple(flavours),
        working_points=tuple(working_points),
    ).check("events of a test")


def model(values, members=None) -> ModelEfficiencies:
    """Return efficiencies of one working point, (n_jets,), or members (n_members, n_jets), of which it is the mean."""
    if members is None:
        return ModelEfficiencies(np.asarray(values, np.float32)[:, None])
    stacked = np.asarray(members, np.float32)[..., None]
    return ModelEfficiencies(stacked.mean(axis=0), stacked.std(axis=0, ddof=1), stacked)
