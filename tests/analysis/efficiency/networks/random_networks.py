"""Networks of every kind with random weights, far from those that they start with, for tests."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from deepsf.config.efficiency.networks import NETWORKS
from deepsf.efficiency.networks.jet_tensors import JetScaling, JetTensors
from deepsf.efficiency.networks.network import EfficiencyNetwork, build, network_class
from tests.analysis.efficiency.events.random_jets import FLAVOURS, random_events

SIZES = {
    "closest_jet": {"layers": 2, "units": 16},
    "pairwise": {"units": 16},
    "gnn": {"blocks": 2, "units": 16},
    "gnn_eta_phi": {"blocks": 2, "units": 16},
    "gnn_2004_02665": {"blocks": 2, "units": 16},
}
GRAPHS = [name for name in NETWORKS if network_class(name).needs & {"pairs", "separations", "angles"}]
"""Networks that see all jets of an event."""
EVENTS = random_events(200)
SCALING = JetScaling.fit(EVENTS)


def tensors(events) -> JetTensors:
    """All inputs that networks take."""
    return SCALING.tensors(events, events.flavour, 3, ("pairs", "separations", "closest", "angles"))


def random_module(model, n_points=1, n_flavours=3, seed=1):
    """Return a torch module whose weights are nowhere near zero by construction."""
    generator = torch.Generator().manual_seed(seed)
    module = build(model, SIZES[model], n_flavours, n_points, generator)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))
    return module


def random_network(model="gnn", working_points=("M",), seed=1, flavours=FLAVOURS, scaling=SCALING, **changed):
    """Return a network for use."""
    module = random_module(model, len(working_points), len(flavours), seed)
    mu = tuple(1.0 for _ in flavours)
    return replace(EfficiencyNetwork(model, SIZES[model], flavours, working_points, scaling, mu, module), **changed)


def efficiencies(logits):
    """Cumulative probabilities from logits relative to untagged."""
    bins = torch.softmax(torch.cat([torch.zeros(len(logits), 1), logits], 1), 1)
    return bins.flip(1).cumsum(1).flip(1)[:, 1:]


def alone(events):
    """The same jets, each in an event of its own."""
    n_jets = len(events.pt_gev)
    return replace(
        events,
        offsets=np.arange(n_jets + 1),
        weight=np.ones(n_jets, np.float32),
        event=np.arange(n_jets, dtype=np.uint64),
    )


def rotated(events, angle=2.0):
    """The same events, turned in phi."""
    return replace(events, phi=(np.mod(events.phi + angle + np.pi, 2 * np.pi) - np.pi).astype(np.float32))


def one_by_one(events):
    """The same events, each by itself."""
    return [events.select(np.arange(len(events)) == number) for number in range(len(events))]
