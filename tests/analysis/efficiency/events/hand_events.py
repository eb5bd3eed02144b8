"""Events written down jet by jet, and models that say what a test wants."""

from __future__ import annotations

import numpy as np

from deepsf.efficiency.evaluation import ModelEfficiencies
from deepsf.efficiency.events.events import JetEvents, offsets_of

FLAVOURS = ("b", "c", "udsg")


def flat_events(counts, *, flavours=FLAVOURS, working_points=("M",), **columns) -> JetEvents:
    """Return events of ``counts`` jets from columns of `JetEvents`; those that are not given are 0, weights are 1."""
    counts = np.asarray(counts, np.int64)
    given = {"weight": np.ones(len(counts)), "event": np.arange(len(counts)), **columns}

    def column(name, dtype):
        return np.asarray(given.get(name, np.zeros(counts.sum())), dtype)

    return JetEvents(
        offsets=offsets_of(counts),
        **{name: column(name, np.float32) for name in ("pt_gev", "eta", "phi", "weight")},
        **{name: column(name, np.int8) for name in ("flavour", "tag_bin")},
        event=column("event", np.uint64),
        discriminant=column("discriminant", np.float32) if "discriminant" in given else None,
        flavours=tuple(flavours),
        working_points=tuple(working_points),
    )


def hand_events(jets, *, weight=None, flavours=FLAVOURS, working_points=("M",)) -> JetEvents:
    """Return events from lists of jets (pT, eta, phi, flavour, tag bin)."""
    pt, eta, phi, flavour, tag_bin = zip(*(jet for event in jets for jet in event), strict=True)
    return flat_events(
        [len(event) for event in jets],
        pt_gev=pt,
        eta=eta,
        phi=phi,
        flavour=[flavours.index(name) for name in flavour],
        tag_bin=tag_bin,
        weight=np.ones(len(jets)) if weight is None else weight,
        flavours=flavours,
        working_points=working_points,
    ).check("events of a test")


def model(values, members=None) -> ModelEfficiencies:
    """Return efficiencies of one working point, (n_jets,), or members (n_members, n_jets), of which it is the mean."""
    if members is None:
        return ModelEfficiencies(np.asarray(values, np.float32)[:, None])
    stacked = np.asarray(members, np.float32)[..., None]
    return ModelEfficiencies(stacked.mean(axis=0), stacked.std(axis=0, ddof=1), stacked)
