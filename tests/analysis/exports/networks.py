"""Members with limits of the score and a further input, and jets for them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from deepsf.networks.dense import DenseNetwork
from deepsf.networks.jet_inputs import InputScaling
from deepsf.probes.entries import Jets
from deepsf.probes.score_limits import ScoreLimits
from tests.analysis.exports.conftest import member, points

# none, then a low one; one for all pT below, none above
LIMITS = {
    "b": ScoreLimits(np.array([30.0, 80.0, 200.0]), np.array([0.0, 0.01, 0.02]), np.array([0.7, 0.6, 1.0])),
    "udsg": ScoreLimits(np.array([40.0]), np.array([0.0]), np.array([0.5])),
}


def limited(seed):
    return replace(member(seed), limits=LIMITS)


def with_further_input(seed):
    """Return a member without |eta|, with a mass in its place, and scores as they are."""
    scaling = InputScaling(
        ("mass", "discriminant", "pt"),
        ("log", "identity", "identity"),
        np.array([np.log(2.0), 0.1, 25.0]),
        np.array([np.log(50.0), 0.9, 300.0]),
        np.array([2.0, 0.4, 60.0]),
        np.array([0.6, 0.2, 50.0]),
    )
    plain = member(seed)
    generator = torch.Generator().manual_seed(seed)
    networks = {f: DenseNetwork(4, layers=1, units=8, generator=generator) for f in plain.networks}
    return replace(plain, networks=networks, scalings=dict.fromkeys(networks, scaling))


def with_limit(seed):
    """Return the same where a mass below 5 is none."""
    made = with_further_input(seed)
    (scaling,) = {id(of): of for of in made.scalings.values()}.values()
    generator = torch.Generator().manual_seed(seed)
    networks = {f: DenseNetwork(5, layers=1, units=8, generator=generator) for f in made.networks}
    limited_scaling = replace(scaling, invalid_below=(5.0, None, None))
    return replace(made, networks=networks, scalings=dict.fromkeys(networks, limited_scaling))


def with_mass(n, *, some_are_nan=False):
    jets = points(n)
    mass = np.random.default_rng(3).uniform(1.0, 80.0, n).astype(np.float32)
    if some_are_nan:
        mass[::7] = np.nan
    return Jets(jets.pt_gev, jets.abseta, jets.discriminant, jets.flavour, {"mass": mass})
