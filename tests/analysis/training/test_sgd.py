"""Descent with momentum and decoupled decay, against its formula by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from deepsf.training.engine import Learner
from deepsf.training.sgd import DecoupledSgd


def test_steps_are_those_of_the_formula_and_decay_stays_out_of_the_momentum():
    network = nn.Linear(1, 1, bias=False)
    nn.init.constant_(network.weight, 2.0)
    groups = [{"params": list(network.parameters()), "decoupled_decay": 0.5}]
    learner = Learner(network, DecoupledSgd(groups, lr=1.0, momentum=0.9))
    weight, velocity = 2.0, 0.0
    for rate in (0.1, 0.2, 0.05):
        learner.step(3.0 * network.weight.sum(), rate, str)
        # the gradient is 3 throughout
        velocity = 0.9 * velocity + 3.0
        weight = (1 - rate * 0.5) * weight - rate * velocity
        assert network.weight.item() == pytest.approx(weight, rel=1e-6)
    assert learner.tensors()["weight/momentum_buffer"].item() == pytest.approx(velocity)


def test_what_is_forgotten_is_the_momentum():
    network = nn.Linear(1, 1, bias=False)
    groups = [{"params": list(network.parameters()), "decoupled_decay": 0.0}]
    learner = Learner(network, DecoupledSgd(groups, lr=1.0, momentum=0.9))
    learner.step(network.weight.sum(), 0.1, str)
    before = network.weight.item()
    learner.forget()
    learner.step(network.weight.sum(), 0.1, str)
    assert network.weight.item() == pytest.approx(before - 0.1)
    assert torch.equal(learner.tensors()["weight/momentum_buffer"], torch.ones(1, 1))
