"""Sums of messages along edges, by hand."""

from __future__ import annotations

import torch

from deepsf.efficiency.networks.message_passing import MessageSum

# 1 -> 0, 2 -> 0, 0 -> 2: nothing comes to node 1
EDGE_INDEX = torch.tensor([[1, 2, 0], [0, 0, 2]])
X = torch.tensor([[1.0], [10.0], [100.0]])


def test_messages_of_sources_are_summed_at_their_target():
    total = MessageSum(lambda x_i, x_j, _: 2 * x_j + x_i)(X, EDGE_INDEX)
    assert total.tolist() == [[2 * 10 + 1 + 2 * 100 + 1], [0.0], [2 * 1 + 100]]


def test_a_message_knows_the_features_of_its_edge():
    edge_attr = torch.tensor([[1.0], [2.0], [4.0]])
    total = MessageSum(lambda _, x_j, e_ij: x_j * e_ij)(X, EDGE_INDEX, edge_attr)
    assert total.tolist() == [[10 * 1 + 100 * 2], [0.0], [1 * 4]]


def test_nodes_without_edges_have_no_messages():
    total = MessageSum(lambda x_i, x_j, _: x_i + x_j)(X, torch.empty(2, 0, dtype=torch.int64))
    assert total.tolist() == [[0.0]] * 3
