"""Weights of the default network as its compiled form takes them: folded by hand, any numbers of units and blocks."""

from __future__ import annotations

import pytest
import torch

from deepsf.efficiency.networks.edge_sum import padded
from deepsf.efficiency.networks.gnn_weights import GraphWeights, _arrays, _folded
from deepsf.efficiency.networks.network import build
from deepsf.training.classifier import cross_entropies
from tests.analysis.efficiency.networks.random_networks import EVENTS, random_module, tensors


def test_units_are_padded_to_full_rows():
    assert [padded(units) for units in (1, 16, 32, 33, 64)] == [32, 32, 32, 64, 64]


def test_embedding_and_bias_go_into_the_rows_of_one_hot_flavours():
    net = random_module("gnn")
    folded, layer = _folded(_arrays(net.weights().flat())), net.updates[0]
    x, flavour = torch.randn(5, 3, generator=torch.Generator().manual_seed(1)), torch.tensor([0, 2, 1, 1, 0])
    sums = torch.randn(5, 16, generator=torch.Generator().manual_seed(2))
    expected = layer(torch.cat([x, net.flavour(flavour), sums], 1)).detach()
    inputs = torch.cat([x, torch.eye(3)[flavour], sums, torch.zeros(5, 16)], 1)
    found = inputs @ torch.from_numpy(folded.updates[0])
    assert found[:, :16].numpy() == pytest.approx(expected.numpy(), abs=1e-5)
    assert not found[:, 16:].any()


def test_all_weights_are_there_once_in_any_form():
    net = random_module("gnn")
    flat = net.weights().flat()
    assert {id(weight) for weight in flat} == {id(parameter) for parameter in net.parameters()}
    assert GraphWeights.of(flat) == net.weights()


@pytest.mark.parametrize(("blocks", "units", "n_flavours"), [(1, 32, 3), (3, 8, 3), (2, 40, 5)])
def test_networks_of_any_size_have_their_logits_and_gradients(blocks, units, n_flavours):
    generator = torch.Generator().manual_seed(4)
    net = build("gnn", {"blocks": blocks, "units": units}, n_flavours, 1, generator)
    jets, label = tensors(EVENTS), torch.from_numpy(EVENTS.tag_bin).long()
    weight = torch.rand(len(label), generator=generator)
    loss, gradients = net.loss_gradients(jets, label, weight, 2.0)
    expected = 2 * torch.dot(weight, cross_entropies(net.plain(jets), label))
    expected.backward()
    assert loss == pytest.approx(float(expected.detach()), rel=1e-5)
    for parameter, gradient in gradients:
        largest = float(parameter.grad.abs().max())
        assert gradient.numpy() == pytest.approx(parameter.grad.numpy(), rel=1e-3, abs=1e-5 * largest)


def test_other_types_take_the_plain_form():
    net, jets = random_module("gnn").double(), tensors(EVENTS)
    assert net.loss_gradients(jets, torch.zeros(1), torch.zeros(1), 1.0) is None
