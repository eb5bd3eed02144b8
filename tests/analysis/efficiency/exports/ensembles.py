"""Ensembles with random weights and padded events, for tests of exports."""

from __future__ import annotations

import numpy as np
import onnxruntime
import torch

from deepsf.efficiency.networks.ensemble import EfficiencyEnsemble
from deepsf.efficiency.networks.jet_tensors import JetScaling
from deepsf.efficiency.networks.network import EfficiencyNetwork, build
from tests.analysis.efficiency.events.hand_events import flat_events
from tests.analysis.efficiency.networks.random_networks import SIZES

FLAVOURS, CODES = ("b", "c", "udsg"), {"b": [5], "c": [4], "udsg": [0, 3]}
COLUMNS = ("pt_gev", "eta", "phi")


def events(counts, seed=1, *, flavours=FLAVOURS, pt_gev=(20, 400), abseta=2.5):
    """Return events with these numbers of jets, of random kinematics and flavours."""
    rng, counts = np.random.default_rng(seed), np.asarray(counts)
    n = int(counts.sum())
    pt = rng.uniform(*pt_gev, n)
    order = np.lexsort((-pt, np.repeat(np.arange(len(counts)), counts)))
    return flat_events(
        counts,
        pt_gev=pt[order],
        eta=rng.uniform(-abseta, abseta, n),
        phi=rng.uniform(-np.pi, np.pi, n),
        flavour=rng.integers(0, len(flavours), n),
        flavours=flavours,
        working_points=("L", "M", "T"),
    )


TRAINED_ON = events([2, 3, 4, 5] * 100, seed=7)


def ensemble(model="gnn", *, n_members=3, n_points=2, untagged_weight=(1.0, 1.0, 1.0), sample=TRAINED_ON):
    """Return networks that begin at typical rates of the flavours and have random weights."""
    networks = []
    for member in range(n_members):
        generator = torch.Generator().manual_seed(member)
        module = build(model, SIZES[model], len(FLAVOURS), n_points, generator)
        untagged = torch.tensor([0.3, 0.85, 0.98])[:, None]
        module.start_from(torch.cat([untagged, (1 - untagged).expand(-1, n_points) / n_points], dim=1))
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
        points, scaling = ("L", "M", "T")[:n_points], JetScaling.fit(sample)
        networks.append(EfficiencyNetwork(model, SIZES[model], FLAVOURS, points, scaling, untagged_weight, module))
    return EfficiencyEnsemble.of(networks)


def session(content):
    return onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])


def padded(sample, places=None):
    """Return events as rectangles; ``places`` are those of the jets, empty ones hold what is no jet."""
    mask = np.arange(sample.n_jets.max()) < sample.n_jets[:, None] if places is None else places
    inputs = {"mask": mask}
    for name in COLUMNS:
        inputs[name] = np.full(mask.shape, np.nan, np.float32)
        inputs[name][mask] = getattr(sample, name)
    inputs["hadron_flavour"] = np.full(mask.shape, -999, np.int64)
    inputs["hadron_flavour"][mask] = np.array([CODES[name][0] for name in sample.flavours])[sample.flavour]
    return inputs


def run(content, inputs):
    return dict(zip(("efficiency", "spread", "out_of_range"), session(content).run(None, inputs), strict=True))
