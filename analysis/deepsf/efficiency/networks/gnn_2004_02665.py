"""The graph network of arXiv:2004.02665, with torch-geometric: three blocks, half of each from the jet, half messages.

Raw phi is among its inputs, so it must learn that efficiencies do not change under rotations. Flavours are embedded,
not ordinal numbers.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from deepsf.efficiency.networks.flavour_layers import Embedding, FlavourBias
from deepsf.efficiency.networks.jet_tensors import N_ANGLES, N_INPUTS, JetTensors

_EMBEDDING = 4
_HEAD = (256, 128, 50)
NORM_MIN = 1e-6


class PublishedBlock(nn.Module):
    """The jet's own part and the sum of messages, side by side, divided by their norm: ``units``, even."""

    def __init__(self, n_features: int, units: int, generator: torch.Generator) -> None:
        super().__init__()
        half = units // 2
        self.own = _mlp([n_features, half, half], generator)
        self.message = _mlp([2 * n_features, half, half], generator)
        self.collect = _mlp([half, half, half], generator, hidden=nn.Tanh)

    def forward(self, h: Tensor, edge_index: Tensor) -> Tensor:
        """Return ``(n_jets, units)``."""
        from deepsf.efficiency.networks.message_passing import MessageSum

        def message(x_i: Tensor, x_j: Tensor, _: Tensor | None) -> Tensor:
            return torch.tanh(self.message(torch.cat([x_i, x_j], dim=1)))

        messages = torch.tanh(self.collect(MessageSum(message)(h, edge_index)))
        both = torch.cat([torch.tanh(self.own(h)), messages], dim=1)
        divided: Tensor = both / (both.norm(dim=1, keepdim=True) + NORM_MIN)
        return divided


class PublishedGraphNetwork(nn.Module):
    """``blocks`` of ``units``, each followed by the jet's inputs again; head of 256, 128, 50."""

    needs = frozenset({"angles"})

    def __init__(self, *, blocks: int, units: int, n_flavours: int, n_points: int, generator: torch.Generator) -> None:
        super().__init__()
        self.flavour = Embedding(n_flavours, _EMBEDDING, generator)
        n_own = N_INPUTS + N_ANGLES + _EMBEDDING
        self.blocks = nn.ModuleList(
            PublishedBlock(n_own + (units if block else 0), units, generator) for block in range(blocks)
        )
        self.head = _mlp([n_own + units, *_HEAD, n_points], generator)
        self.bias = FlavourBias(n_flavours, n_points)

    def start_from(self, fractions: Tensor) -> None:
        """Begin with the mean of each flavour: ``fractions`` of jets by flavour and bin, ``(n_flavours, K + 1)``."""
        self.bias.set_logits(fractions)

    def forward(self, jets: JetTensors) -> Tensor:
        """Return the logit of each bin between working points relative to untagged, ``(n_jets, K)``."""
        x = torch.cat([jets.x, jets.of("angles")], dim=1)
        return self.plain(x, jets.flavour, jets.edge_index())

    def plain(self, x: Tensor, flavour: Tensor, edge_index: Tensor) -> Tensor:
        """Return the same from a graph: inputs and angles ``(n_jets, N_INPUTS + N_ANGLES)``, flavour, edges."""
        x = torch.cat([x, self.flavour(flavour)], dim=1)
        h = x
        for block in self.blocks:
            h = torch.cat([block(h, edge_index), x], dim=1)
        logits: Tensor = self.head(h) + self.bias(flavour)
        return logits


def _mlp(widths: list[int], generator: torch.Generator, hidden: type[nn.Module] = nn.ReLU) -> nn.Sequential:
    layers: list[nn.Module] = []
    for n_inputs, n_outputs in pairwise(widths):
        layer = nn.Linear(n_inputs, n_outputs)
        with torch.no_grad():
            for parameter in (layer.weight, layer.bias):
                parameter.uniform_(-(n_inputs**-0.5), n_inputs**-0.5, generator=generator)
        layers += [layer, hidden()]
    return nn.Sequential(*layers[:-1])
