"""Layers of ONNX graphs: one-hot flavours in place of embeddings, members side by side."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from deepsf.efficiency.networks.linear import Linear
from deepsf.efficiency.networks.onnx_layers import Layer, count

RNG = np.random.default_rng(1)


def stacked(modules):
    return {name: np.stack([m.state_dict()[name].numpy() for m in modules]) for name in modules[0].state_dict()}


def test_layers_of_both_kinds_are_inputs_times_weight_plus_bias():
    x, generator = torch.randn(5, 3, generator=torch.Generator().manual_seed(1)), torch.Generator().manual_seed(2)
    for of, make in ((Layer.of, lambda: Linear(3, 2, generator)), (Layer.of_torch, lambda: nn.Linear(3, 2))):
        modules = [nn.ModuleDict({"one": make()}) for _ in range(3)]
        layer = of(stacked(modules), "one")
        assert layer.weight.shape == (3, 3, 2)
        for member, module in enumerate(modules):
            expected = module["one"](x).detach().numpy()
            assert x.numpy() @ layer.weight[member] + layer.bias[member] == pytest.approx(expected, abs=1e-6)


def test_a_layer_without_bias_has_zeros():
    module = nn.ModuleDict({"one": Linear(3, 2, torch.Generator(), bias=False)})
    assert not Layer.of(stacked([module, module]), "one").bias.any()


def test_a_layer_on_one_hot_flavours_is_that_on_their_embedding():
    embedding, layer = RNG.normal(size=(2, 3, 4)), Layer(RNG.normal(size=(2, 7, 5)), RNG.normal(size=(2, 5)))
    before, after, flavour = RNG.normal(size=(6, 1)), RNG.normal(size=(6, 2)), np.array([0, 1, 2, 2, 1, 0])
    weight = layer.on_one_hot(embedding, 1)
    assert weight.shape == (2, 1 + 3 + 2, 5)
    for member in (0, 1):
        inputs = np.concatenate([before, embedding[member][flavour], after], axis=1)
        one_hot = np.concatenate([before, np.eye(3)[flavour], after], axis=1)
        expected = inputs @ layer.weight[member] + layer.bias[member]
        np.testing.assert_allclose(one_hot @ weight[member], expected, atol=1e-12)
    # of an empty place there is nothing, not even a bias
    assert not (np.zeros((1, 6)) @ weight).any()


def test_names_are_counted_up_to_the_first_that_is_missing():
    weights = dict.fromkeys(["a.0.w", "a.1.w", "a.3.w", "b.0.w", "b.2.w", "b.4.w"])
    assert count(weights, "a.{}.w") == 2
    assert count(weights, "b.{}.w", step=2) == 3
    assert count(weights, "c.{}.w") == 0
