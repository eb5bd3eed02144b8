"""The feed-forward network on theta* of arXiv:2004.02665: the jet itself, and the distance and flavour of the closest.

All other jets of the event are unknown to it.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from deepsf.efficiency.networks.flavour_layers import Embedding, FlavourBias, shrink_
from deepsf.efficiency.networks.jet_tensors import N_INPUTS, JetTensors
from deepsf.efficiency.networks.linear import Linear

_EMBEDDING = 4


class ClosestJetNetwork(nn.Module):
    """``layers`` hidden layers of ``units`` with ReLU; flavours of the jet and of the closest one are embedded."""

    needs = frozenset({"closest"})

    def __init__(self, *, layers: int, units: int, n_flavours: int, n_points: int, generator: torch.Generator) -> None:
        super().__init__()
        self.flavour = Embedding(n_flavours, _EMBEDDING, generator)
        self.closest_flavour = Embedding(n_flavours + 1, _EMBEDDING, generator)  # the last one: there is none
        widths = [N_INPUTS + 1 + 2 * _EMBEDDING, *[units] * layers]
        self.hidden = nn.ModuleList(Linear(a, b, generator) for a, b in pairwise(widths))
        self.output = shrink_(Linear(units, n_points, generator))
        self.bias = FlavourBias(n_flavours, n_points)

    def start_from(self, fractions: Tensor) -> None:
        """Begin with the mean of each flavour: ``fractions`` of jets by flavour and bin, ``(n_flavours, K + 1)``."""
        self.bias.set_logits(fractions)

    def forward(self, jets: JetTensors) -> Tensor:
        """Return the logit of each bin between working points relative to untagged, ``(n_jets, K)``."""
        distance, closest_flavour = jets.of("closest")
        h = torch.cat(
            [jets.x, distance[:, None], self.flavour(jets.flavour), self.closest_flavour(closest_flavour)], dim=1
        )
        for layer in self.hidden:
            h = torch.relu(layer(h))
        logits: Tensor = self.output(h) + self.bias(jets.flavour)
        return logits
