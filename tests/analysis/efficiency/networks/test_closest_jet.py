"""The network on theta*: of all other jets the closest alone matters to it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tests.analysis.efficiency.events.random_jets import random_events
from tests.analysis.efficiency.networks.random_networks import efficiencies, random_module, tensors


def test_the_closest_jet_alone_matters_to_the_network_on_theta_star():
    three = replace(
        random_events(1, multiplicities=(3,)),
        eta=np.array([0, 0.5, 2], np.float32), phi=np.zeros(3, np.float32), flavour=np.zeros(3, np.int8),
    )  # fmt: skip
    net = random_module("closest_jet")
    before = efficiencies(net(tensors(three)))
    for jet, matters in ((1, True), (2, False)):
        flavour = three.flavour.copy()
        flavour[jet] = 2
        change = (efficiencies(net(tensors(replace(three, flavour=flavour)))) - before)[0].abs()
        assert (change > 1e-4) == matters
