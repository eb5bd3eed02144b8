"""Graphs of jets as torch-geometric takes them, and messages along their edges, one by one."""

from __future__ import annotations

import torch
from torch import Tensor

from deepsf.efficiency.networks.gnn import MessageLayer
from deepsf.efficiency.networks.jet_tensors import JetTensors
from deepsf.efficiency.networks.message_passing import MessageSum
from deepsf.efficiency.networks.pairs import edges


def edge_attr(jets: JetTensors, of_pairs: str = "pairs") -> Tensor:
    """Return the inputs of each edge, float32, ``(n_edges, N_EDGE_INPUTS)``."""
    source, target, pair = (torch.from_numpy(part) for part in edges(jets.offsets))
    return torch.cat([jets.of(of_pairs)[pair], jets.x[source, :1] - jets.x[target, :1]], dim=1)


def plain_messages(layer: MessageLayer, h: Tensor, jets: JetTensors, of_pairs: str = "pairs") -> Tensor:
    """Return what a `MessageLayer` does for features ``(n_jets, n_features)``, by torch-geometric."""
    on_target, on_source = layer.node.weight.chunk(2, dim=1)
    weight, bias = torch.cat([on_target, on_source, layer.edge]), sum(layer.node.bias.chunk(2))

    def message(x_i: Tensor, x_j: Tensor, e_ij: Tensor) -> Tensor:
        return torch.relu(torch.cat([x_i, x_j, e_ij], dim=1) @ weight + bias)

    return MessageSum(message)(h, jets.edge_index(), edge_attr(jets, of_pairs))
