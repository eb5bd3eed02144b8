"""The linear layer: x W + b, and where its weights start."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from deepsf.efficiency.networks.linear import Linear, linear, uniform


def test_it_is_x_w_plus_b():
    x, weight = torch.tensor([[1.0, 2.0], [0.0, -1.0]]), torch.tensor([[1.0, 0.0, 2.0], [3.0, 1.0, -1.0]])
    assert linear(x, weight, None).tolist() == [[7.0, 2.0, 0.0], [-3.0, -1.0, 1.0]]
    assert linear(x, weight, torch.tensor([0.5, 0.0, -1.0])).tolist() == [[7.5, 2.0, -1.0], [-2.5, -1.0, 0.0]]


def test_a_layer_without_bias_has_none():
    layer = Linear(2, 3, torch.Generator(), bias=False)
    assert list(layer.state_dict()) == ["weight"]
    assert layer(torch.zeros(1, 2)).tolist() == [[0.0, 0.0, 0.0]]


def test_weights_and_biases_start_uniform_within_one_over_the_root_of_the_inputs():
    layer = Linear(16, 400, torch.Generator().manual_seed(1))
    for values in (layer.weight, layer.bias):
        found = values.detach().numpy().ravel()
        assert np.abs(found).max() <= 0.25
        # a uniform number in +-a has the standard deviation a / sqrt(3)
        assert found.std() == pytest.approx(0.25 / np.sqrt(3), rel=5 / np.sqrt(len(found)))
        assert abs(found.mean()) < 5 * 0.25 / np.sqrt(3 * len(found))


def test_initial_weights_come_from_the_generator():
    one, same, other = (uniform((3, 4), 3, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_a_row_does_not_depend_on_the_others_beyond_rounding():
    generator = torch.Generator().manual_seed(1)
    x, layer = torch.randn(1000, 40, generator=generator), Linear(40, 32, generator)
    together = layer(x).detach().numpy()
    for rows in (slice(0, 1), slice(3, 20), slice(500, 1000)):
        assert layer(x[rows]).detach().numpy() == pytest.approx(together[rows], abs=1e-6)
