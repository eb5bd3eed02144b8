"""The published graph network: its update formula jet by jet, and that it sees phi itself."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.analysis.efficiency.networks.random_networks import EVENTS, efficiencies, random_module, rotated, tensors


def test_a_block_is_the_formula_of_its_description():
    block, generator = random_module("gnn_2004_02665").blocks[0], torch.Generator().manual_seed(3)
    h = torch.randn(4, block.own[0].in_features, generator=generator)
    # an event of three jets and one of a single jet; sources above targets
    edge_index = torch.tensor([[1, 2, 0, 2, 0, 1], [0, 0, 1, 1, 2, 2]])
    for i, others in enumerate(([1, 2], [0, 2], [0, 1], [])):
        messages = [torch.tanh(block.message(torch.cat([h[i], h[j]]))) for j in others]
        total = sum(messages, torch.zeros(block.collect[0].in_features))
        both = torch.cat([torch.tanh(block.own(h[i])), torch.tanh(block.collect(total))])
        expected = both / (both.norm() + 1e-6)
        assert block(h, edge_index)[i].tolist() == pytest.approx(expected.tolist(), abs=1e-6)


def test_every_block_has_unit_norm_and_the_jets_inputs_after_it():
    net, jets, seen = random_module("gnn_2004_02665"), tensors(EVENTS), []
    net.head.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    net(jets)
    (h,) = seen
    assert h[:, :16].norm(dim=1).detach().numpy() == pytest.approx(np.ones(len(h)), abs=1e-4)
    assert torch.equal(h[:, 16:19], jets.x)
    assert torch.equal(h[:, 19:21], jets.angles)


def test_it_is_not_invariant_under_rotation():
    net = random_module("gnn_2004_02665")
    one, two = (efficiencies(net(tensors(events))) for events in (EVENTS, rotated(EVENTS)))
    assert (one - two).abs().max() > 1e-2
