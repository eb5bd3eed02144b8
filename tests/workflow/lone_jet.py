"""A network for `test_new_network`: the jet itself and nothing of its event, in one hidden layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from deepsf.efficiency.networks import onnx_layers
from deepsf.efficiency.networks.flavour_layers import FlavourBias, shrink_
from deepsf.efficiency.networks.jet_tensors import N_INPUTS, JetTensors
from deepsf.efficiency.networks.linear import Linear
from deepsf.efficiency.networks.module import EfficiencyModule
from deepsf.efficiency.networks.onnx_layers import Layer, Weights

if TYPE_CHECKING:
    from deepsf.efficiency.networks.onnx_inputs import JetInputs

_UNITS = 8


class LoneJetNetwork(EfficiencyModule):
    """logits_i = V relu(H x_i + c) + v + bias of the flavour."""

    def __init__(self, *, n_flavours: int, n_points: int, generator: torch.Generator) -> None:
        super().__init__()
        self.hidden = Linear(N_INPUTS, _UNITS, generator)
        self.output = shrink_(Linear(_UNITS, n_points, generator))
        self.bias = FlavourBias(n_flavours, n_points)

    def forward(self, jets: JetTensors) -> Tensor:
        """Return the logits, see `EfficiencyModule.forward`."""
        logits: Tensor = self.output(torch.relu(self.hidden(jets.x))) + self.bias(jets.flavour)
        return logits

    @staticmethod
    def onnx_logits(jets: JetInputs, weights: Weights) -> str:
        """Add the network to a graph of ONNX, see `EfficiencyModule.onnx_logits`."""
        inputs = onnx_layers.of_members(jets, jets.x, weights)
        h = jets.graph.op("Relu", onnx_layers.applied(jets, Layer.of(weights, "hidden"), inputs))
        return onnx_layers.output(jets, weights, h)
