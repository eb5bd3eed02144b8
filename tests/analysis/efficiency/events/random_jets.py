"""Random events of jets, of any multiplicities, for tests of networks."""

from __future__ import annotations

import numpy as np

from tests.analysis.efficiency.events.hand_events import FLAVOURS, flat_events

RATES = {"b": 0.6, "c": 0.3, "udsg": 0.1}


def random_events(n_events, seed=1, *, multiplicities=(1, 2, 3, 4, 6), working_points=("M",), flavours=FLAVOURS):
    """Return events with random jets; the rate of tags depends on flavour and pT alone."""
    rng = np.random.default_rng(seed)
    n_jets = rng.choice(multiplicities, n_events)
    total = int(n_jets.sum())
    pt = (20 + rng.exponential(80, total)).astype(np.float32)
    # by falling pT in every event
    pt = pt[np.lexsort((-pt, np.repeat(np.arange(n_events), n_jets)))]
    flavour = rng.integers(0, len(flavours), total).astype(np.int8)
    rate = np.array([RATES[name] for name in flavours])[flavour] * np.minimum(pt / 200, 1)
    # each working point passes half of those of the one before
    passing = rate[:, None] * 0.5 ** np.arange(len(working_points))
    return flat_events(
        n_jets,
        pt_gev=pt,
        eta=rng.uniform(-2.5, 2.5, total),
        phi=rng.uniform(-np.pi, np.pi, total),
        flavour=flavour,
        tag_bin=(rng.random(total)[:, None] < passing).sum(axis=1),
        flavours=flavours,
        working_points=working_points,
    ).check("random events")
