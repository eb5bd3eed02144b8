"""Embeddings, and the bias by flavour that starts at mean rates."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from deepsf.efficiency.networks.flavour_layers import Embedding, FlavourBias, shrink_
from deepsf.efficiency.networks.linear import Linear

CODES = torch.tensor([2, 0, 2, 1])
FRACTIONS = torch.tensor([[0.5, 0.25, 0.25], [0.8, 0.15, 0.05]])


def test_an_embedding_has_the_values_and_gradients_of_that_of_torch():
    ours = Embedding(3, 4, torch.Generator().manual_seed(1))
    theirs = nn.Embedding(3, 4, _weight=ours.weight.detach().clone())
    factor, results = torch.arange(16.0).view(4, 4), []
    for layer in (ours, theirs):
        value = layer(CODES)
        (value * factor).sum().backward()
        results.append((value.detach(), layer.weight.grad))
    assert all(torch.equal(one, other) for one, other in zip(*results, strict=True))


def test_units_of_the_look_up_are_not_among_the_weights():
    assert list(Embedding(3, 4).state_dict()) == ["weight"]


def test_the_bias_starts_at_the_logits_of_the_bins():
    bias = FlavourBias(2, 2)
    assert not bias.weight.any()
    bias.set_logits(FRACTIONS)
    bins = torch.softmax(torch.cat([torch.zeros(2, 1), bias.weight], 1), 1)
    assert bins.detach().numpy() == pytest.approx(FRACTIONS.numpy(), abs=1e-6)


def test_nested_logits_are_of_passing_a_point_among_those_that_pass_the_one_before():
    bias = FlavourBias(2, 2)
    bias.set_nested_logits(FRACTIONS)
    # 0.5 pass the first, half of them the second; 0.2 pass the first, a quarter of them the second
    expected = [[0.5, 0.5], [0.2, 0.25]]
    assert torch.sigmoid(bias.weight).detach().numpy() == pytest.approx(torch.tensor(expected).numpy(), abs=1e-6)


def test_an_output_layer_starts_near_zero():
    layer = Linear(9, 2, torch.Generator().manual_seed(1))
    before = layer.weight.detach().clone()
    assert shrink_(layer) is layer
    assert torch.allclose(layer.weight, 0.1 * before)
    assert not layer.bias.any()
