"""The default efficiency network: messages between all jets of an event, which know distances and ratios of pT alone.

It is equivariant under permutation of jets, and invariant under rotations in phi and reflection in eta. Slim: one layer
for messages and one for updates in each block, the jet's own inputs enter every block anew.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from deepsf.efficiency.networks.edge_sum import edge_sum
from deepsf.efficiency.networks.flavour_layers import Embedding, FlavourBias, shrink_
from deepsf.efficiency.networks.jet_tensors import N_EDGE_INPUTS, N_INPUTS, JetTensors
from deepsf.efficiency.networks.linear import Linear, linear, uniform

_EMBEDDING = 5  # with three inputs: matrix products are fastest for multiples of 8


class MessageLayer(nn.Module):
    """sum_{j != i} relu(W [h_i, h_j, e_ij] + b), e_ij being the pair's features and log(pT_j / pT_i).

    W is stored by what it acts on: ``node`` on h_i (first half of its outputs) and on h_j (second half), ``edge`` on
    e_ij.
    """

    def __init__(self, n_features: int, units: int, generator: torch.Generator) -> None:
        super().__init__()
        self.node = Linear(n_features, 2 * units, generator)
        self.edge = nn.Parameter(uniform((N_EDGE_INPUTS, units), N_EDGE_INPUTS, generator))

    def forward(self, h: Tensor, jets: JetTensors) -> Tensor:
        """Return ``(n_jets, units)`` for features ``(n_jets, n_features)`` that begin with the jets' inputs."""
        # the last edge input is a difference of the first node input: all of it goes into the terms of single jets
        ratio = torch.cat([-self.edge[-1], self.edge[-1]])
        weight = torch.cat([self.node.weight[:1] + ratio, self.node.weight[1:]])
        return edge_sum(linear(h, weight, self.node.bias), jets.of("pairs"), self.edge[:-1], jets.offsets)

    def plain(self, h: Tensor, edge_index: Tensor, edge_attr: Tensor) -> Tensor:
        """Return the same from edges, with torch-geometric."""
        from deepsf.efficiency.networks.message_passing import MessageSum

        own, other = self.node.weight.chunk(2, dim=1)
        assert self.node.bias is not None
        bias_of_own, bias_of_other = self.node.bias.chunk(2)
        weight, bias = torch.cat([own, other, self.edge]), bias_of_own + bias_of_other

        def message(x_i: Tensor, x_j: Tensor, e: Tensor | None) -> Tensor:
            assert e is not None
            return torch.relu(torch.addmm(bias, torch.cat([x_i, x_j, e], dim=1), weight))

        total: Tensor = MessageSum(message)(h, edge_index, edge_attr)
        return total


class GraphNetwork(nn.Module):
    """``blocks`` of messages and updates of ``units``, and a head of one hidden layer."""

    needs = frozenset({"pairs"})

    def __init__(self, *, blocks: int, units: int, n_flavours: int, n_points: int, generator: torch.Generator) -> None:
        super().__init__()
        self.flavour = Embedding(n_flavours, _EMBEDDING, generator)
        n_own = N_INPUTS + _EMBEDDING
        self.messages, self.updates = nn.ModuleList(), nn.ModuleList()
        for block in range(blocks):
            n_features = n_own + (units if block else 0)
            self.messages.append(MessageLayer(n_features, units, generator))
            self.updates.append(Linear(n_features + units, units, generator))
        self.hidden = Linear(n_own + units, units, generator)
        self.output = shrink_(Linear(units, n_points, generator))
        self.bias = FlavourBias(n_flavours, n_points)

    def start_from(self, fractions: Tensor) -> None:
        """Begin with the mean of each flavour: ``fractions`` of jets by flavour and bin, ``(n_flavours, K + 1)``."""
        self.bias.set_logits(fractions)

    def forward(self, jets: JetTensors) -> Tensor:
        """Return the logit of each bin between working points relative to untagged, ``(n_jets, K)``."""
        x = torch.cat([jets.x, self.flavour(jets.flavour)], dim=1)
        h = x
        for message, update in zip(self.messages, self.updates, strict=True):
            h = torch.cat([x, torch.relu(update(torch.cat([h, message(h, jets)], dim=1)))], dim=1)
        return self._head(h, jets.flavour)

    def plain(self, x: Tensor, flavour: Tensor, edge_index: Tensor, edge_attr: Tensor) -> Tensor:
        """Return what `forward` does, the textbook way with torch-geometric.

        Parameters
        ----------
        x, flavour
            Scaled inputs ``(n_jets, N_INPUTS)`` and flavour index ``(n_jets,)`` of jets.
        edge_index
            Source and target of each edge, ``(2, n_edges)``: see `JetTensors.edge_index`.
        edge_attr
            Features of each edge, ``(n_edges, N_EDGE_INPUTS)``: see `JetTensors.edge_attr`.
        """
        x = torch.cat([x, self.flavour(flavour)], dim=1)
        h = x
        for message, update in zip(self.messages, self.updates, strict=True):
            total = message.plain(h, edge_index, edge_attr)  # type: ignore[operator]
            h = torch.cat([x, torch.relu(update(torch.cat([h, total], dim=1)))], dim=1)
        return self._head(h, flavour)

    def _head(self, h: Tensor, flavour: Tensor) -> Tensor:
        logits: Tensor = self.output(torch.relu(self.hidden(h))) + self.bias(flavour)
        return logits
