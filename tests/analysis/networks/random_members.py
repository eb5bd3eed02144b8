"""Members of random weights, and jets for them."""

from __future__ import annotations

import numpy as np
import torch

from deepsf.networks.dense import DenseNetwork
from deepsf.networks.jet_inputs import InputScaling
from deepsf.networks.scale_factor import Architecture, MemberScaleFactor
from deepsf.probes.bins import KinematicBins
from deepsf.probes.entries import Jets
from deepsf.probes.score_limits import ScoreLimits
from deepsf.probes.weights import SmoothNormalisation

CODES = {"b": (5,), "c": (4,), "udsg": (0,)}
SCALING = InputScaling(
    ("pt", "abseta", "discriminant"),
    ("log", "identity", "logit"),
    np.array([3.0, 0.0, -9.0]),
    np.array([6.0, 2.5, 9.0]),
    np.array([4.0, 1.0, 0.0]),
    np.array([0.5, 0.5, 3.0]),
)


LIMITS = ScoreLimits(np.array([30.0, 200.0]), np.array([0.0, 0.0]), np.array([0.6, 0.6]))


def member(seed, factor=1.0, limits=None):
    generator = torch.Generator().manual_seed(seed)
    networks = {f: DenseNetwork(4, layers=2, units=8, generator=generator) for f in ("b", "udsg")}
    bins, nodes = KinematicBins(np.array([50.0]), np.array([])), np.array([30.0, 100.0])
    table = SmoothNormalisation(bins, nodes, np.array([1.0]), np.array([[factor], [2 * factor]]))
    return MemberScaleFactor(
        Architecture(2, 8, 1.5),
        dict.fromkeys(networks, SCALING),
        networks,
        {"b": table, "udsg": table},
        limits or {},
    )


def jets(pt, score, flavour=0):
    pt, score = np.array(pt, np.float32), np.array(score, np.float32)
    return Jets(pt, np.full_like(pt, 0.5), score, np.broadcast_to(np.int8(flavour), len(pt)))
