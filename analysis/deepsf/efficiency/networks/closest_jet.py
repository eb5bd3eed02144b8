"""The feed-forward network on theta* of arXiv:2004.02665: the jet itself, and the distance and flavour of the closest.

All other jets of the event are unknown to it.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from deepsf.efficiency.networks import onnx_layers
from deepsf.efficiency.networks.flavour_layers import Embedding, FlavourBias, shrink_
from deepsf.efficiency.networks.jet_tensors import N_INPUTS, JetTensors
from deepsf.efficiency.networks.linear import Linear
from deepsf.efficiency.networks.module import EfficiencyModule
from deepsf.efficiency.networks.onnx_layers import Layer, Weights

if TYPE_CHECKING:
    from deepsf.efficiency.networks.onnx_inputs import JetInputs

_EMBEDDING = 4


class ClosestJetNetwork(EfficiencyModule):
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

    def forward(self, jets: JetTensors) -> Tensor:
        """Return the logits, see `EfficiencyModule.forward`."""
        distance, closest_flavour = jets.of("closest")
        h = torch.cat(
            [jets.x, distance[:, None], self.flavour(jets.flavour), self.closest_flavour(closest_flavour)], dim=1
        )
        for layer in self.hidden:
            h = torch.relu(layer(h))
        logits: Tensor = self.output(h) + self.bias(jets.flavour)
        return logits

    @staticmethod
    def onnx_logits(jets: JetInputs, weights: Weights) -> str:
        """Add the network to a graph of ONNX, see `EfficiencyModule.onnx_logits`."""
        op, embedding = jets.graph.op, weights["flavour.weight"]
        (distance, flavour), layer = jets.closest, Layer.of(weights, "hidden.0")
        n_own = N_INPUTS + 1 + embedding.shape[2]
        of_closest = weights["closest_flavour.weight"] @ layer.weight[:, n_own:]
        of_jet = Layer(layer.weight[:, :n_own], layer.bias).on_one_hot(embedding, N_INPUTS + 1)
        inputs = op("Concat", jets.x, distance, jets.one_hot, flavour, axis=2)
        h = onnx_layers.of_members(jets, inputs, weights)
        h = op("Relu", op("MatMul", h, np.concatenate([of_jet, of_closest], axis=1)))
        for number in range(1, onnx_layers.count(weights, "hidden.{}.weight")):
            h = op("Relu", onnx_layers.applied(jets, Layer.of(weights, f"hidden.{number}"), h))
        return onnx_layers.output(jets, weights, h)
