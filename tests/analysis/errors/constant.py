"""Scale factors that are the same number for all jets, to work errors out by hand."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from deepsf.networks.dense import DenseNetwork
from deepsf.networks.jet_inputs import InputScaling
from deepsf.networks.scale_factor import Architecture, EnsembleScaleFactor, MemberScaleFactor
from deepsf.probes.bins import KinematicBins
from deepsf.probes.entries import Jets
from deepsf.probes.score_limits import ScoreLimits
from deepsf.probes.weights import SmoothNormalisation

CODES = {"b": (5,), "udsg": (0,)}
SCALING = InputScaling(
    ("pt", "abseta", "discriminant"),
    ("log", "identity", "identity"),
    np.array([0.0, 0.0, 0.0]),
    np.array([9.0, 2.5, 1.0]),
    np.zeros(3),
    np.ones(3),
)
ONE = SmoothNormalisation(KinematicBins(np.empty(0), np.empty(0)), np.array([50.0]), np.array([1.0]), np.ones((1, 1)))


def member(value: float, slope: float = 0.0, limits: Mapping[str, ScoreLimits] | None = None) -> MemberScaleFactor:
    """Return exp(log(value) + slope * score) for both flavours."""
    networks = {}
    for flavour in CODES:
        network = DenseNetwork(4, layers=1, units=1, generator=torch.Generator())
        with torch.no_grad():
            network.first_weight.copy_(torch.tensor([[0.0], [0.0], [1.0], [0.0]]))
            network.first_bias.fill_(1.0)  # above 0, where the unit is linear
            network.last_weight.fill_(slope)
            network.last_bias.fill_(np.log(value) - slope)
        networks[flavour] = network
    return MemberScaleFactor(
        Architecture(1, 1, 5.0), dict.fromkeys(CODES, SCALING), networks, dict.fromkeys(CODES, ONE), limits or {}
    )


def ensemble(*values: float, limits: Mapping[str, ScoreLimits] | None = None) -> EnsembleScaleFactor:
    return EnsembleScaleFactor(tuple(member(value, limits=limits) for value in values), CODES)


def jets(scores, pt=60.0) -> Jets:
    n = len(scores)
    pt_gev = np.broadcast_to(np.float32(pt), n).copy()
    return Jets(pt_gev, np.ones(n, np.float32), np.asarray(scores, np.float32), np.zeros(n, np.int8))
