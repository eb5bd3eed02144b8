"""The default network: the fast form is the textbook one, in values and gradients."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from deepsf.efficiency.networks.gnn import MessageLayer
from tests.analysis.efficiency.networks.random_networks import EVENTS, efficiencies, random_module, tensors
from tests.oracles.graphs import edge_attr, plain_messages


@pytest.mark.parametrize("n_points", [1, 3])
@pytest.mark.parametrize("model", ["gnn", "pairwise"])
def test_the_fast_form_is_that_of_torch_geometric_in_values_and_gradients(model, n_points, monkeypatch):
    net, jets, results = random_module(model, n_points), tensors(EVENTS), []
    factor = torch.randn(len(jets.x), n_points, generator=torch.Generator().manual_seed(2))
    for form in (MessageLayer.forward, plain_messages):
        monkeypatch.setattr(MessageLayer, "forward", form)
        value = efficiencies(net(jets))
        results.append((value.detach(), torch.autograd.grad((value * factor).sum(), list(net.parameters()))))
    (fast, fast_gradients), (plain, plain_gradients) = results
    assert fast.numpy() == pytest.approx(plain.numpy(), abs=2e-6)
    for ours, theirs in zip(fast_gradients, plain_gradients, strict=True):
        assert ours.numpy() == pytest.approx(theirs.numpy(), rel=1e-4, abs=2e-5 * float(theirs.abs().max()))


def test_the_textbook_form_is_one_linear_layer_on_target_source_and_edge():
    net, jets = random_module("gnn"), tensors(EVENTS)
    layer = net.messages[0]
    h = torch.cat([jets.x, net.flavour(jets.flavour)], 1)
    (source, target), e = jets.edge_index(), edge_attr(jets)
    own, other = layer.node.weight.chunk(2, 1)
    plain = nn.Linear(2 * h.shape[1] + e.shape[1], own.shape[1])
    plain.load_state_dict({"weight": torch.cat([own, other, layer.edge]).t(), "bias": sum(layer.node.bias.chunk(2))})
    messages = torch.relu(plain(torch.cat([h[target], h[source], e], 1)))
    expected = torch.zeros(len(h), own.shape[1]).index_add_(0, target, messages)
    assert layer(h, jets).detach().numpy() == pytest.approx(expected.detach().numpy(), abs=1e-5)
