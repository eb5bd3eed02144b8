"""Pairwise factors: the efficiency of the jet alone times one factor for each neighbour, below one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.analysis.efficiency.events.random_jets import random_events
from tests.analysis.efficiency.networks.random_networks import EVENTS, alone, efficiencies, random_module, tensors


def test_the_product_is_that_of_one_factor_for_each_neighbour():
    """With three jets: eps = eps_alone * r_1 * r_2, each ratio from the events of two jets."""
    three, net = random_events(1, multiplicities=(3,), seed=4), random_module("pairwise")
    with torch.no_grad():
        net.bias.weight.sub_(3.0)  # far below the highest value

    def of_first(*others):
        chosen = [0, *others]
        columns = {name: getattr(three, name)[chosen] for name in ("pt_gev", "eta", "phi", "flavour", "tag_bin")}
        return efficiencies(net(tensors(replace(three, offsets=np.array([0, len(chosen)]), **columns))))[0, 0].item()

    factors = [of_first(other) / of_first() for other in (1, 2)]
    assert of_first(1, 2) == pytest.approx(of_first() * factors[0] * factors[1], rel=1e-4)
    assert abs(factors[0] - 1) > 1e-3


def test_a_neighbour_can_raise_the_efficiency_of_the_product_but_not_above_one():
    net = random_module("pairwise")
    with torch.no_grad():
        net.log_factor.weight.fill_(1.0)
    pairs = efficiencies(net(tensors(EVENTS)))
    single = efficiencies(net(tensors(alone(EVENTS))))
    has_neighbour = torch.from_numpy(np.repeat(EVENTS.n_jets > 1, EVENTS.n_jets))
    assert (pairs >= single)[has_neighbour].all()
    assert (pairs > single + 0.1)[has_neighbour].any()
    assert (pairs < 1).all()
