"""Pairwise factors: efficiency of the jet alone times one factor for each neighbour (arXiv:2004.02665, eq. 3.1).

For nested working points it is that of the probability to pass each among the jets that pass the one before. Factors
are exponentials, so that a neighbour may raise an efficiency too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from deepsf.efficiency.networks import onnx_layers
from deepsf.efficiency.networks.flavour_layers import Embedding, FlavourBias, shrink_
from deepsf.efficiency.networks.gnn import MessageLayer
from deepsf.efficiency.networks.jet_tensors import N_INPUTS, JetTensors
from deepsf.efficiency.networks.linear import Linear
from deepsf.efficiency.networks.module import EfficiencyModule
from deepsf.efficiency.networks.onnx_layers import Layer, Weights

if TYPE_CHECKING:
    from deepsf.efficiency.networks.onnx_inputs import JetInputs

_EMBEDDING = 5
_LOG_MAX = -1e-3
"""A product of factors above 1 is cut here: no probability is above 0.999."""


class PairwiseNetwork(EfficiencyModule):
    """Two hidden layers of ``units`` for the jet alone; one, of jet, neighbour and pair, for each factor.

    log p_i = min(log sigmoid(f(x_i)) + F m_i, log 0.999), m_i as of `deepsf.efficiency.networks.gnn.MessageLayer`:
    F is linear, so it acts on the sum over neighbours.
    """

    needs = frozenset({"pairs"})

    def __init__(self, *, units: int, n_flavours: int, n_points: int, generator: torch.Generator) -> None:
        super().__init__()
        self.flavour = Embedding(n_flavours, _EMBEDDING, generator)
        n_own = N_INPUTS + _EMBEDDING
        self.hidden = nn.ModuleList([Linear(n_own, units, generator), Linear(units, units, generator)])
        self.output = shrink_(Linear(units, n_points, generator))
        self.pair = MessageLayer(n_own, units, generator)
        self.log_factor = shrink_(Linear(units, n_points, generator, bias=False))
        self.bias = FlavourBias(n_flavours, n_points)

    def start_from(self, fractions: Tensor) -> None:
        """Begin with the mean of each flavour, see `EfficiencyModule.start_from`."""
        self.bias.set_nested_logits(fractions)

    def forward(self, jets: JetTensors) -> Tensor:
        """Return the logits, see `EfficiencyModule.forward`."""
        h = x = torch.cat([jets.x, self.flavour(jets.flavour)], dim=1)
        for layer in self.hidden:
            h = torch.relu(layer(h))
        alone = functional.logsigmoid(self.output(h) + self.bias(jets.flavour))
        log_pass = torch.clamp(alone + self.log_factor(self.pair(x, jets)), max=_LOG_MAX)
        log_fail = torch.log(-torch.expm1(log_pass))
        reach = torch.cumsum(log_pass, dim=1)
        # bin k: passes the points up to k, fails the next; none is left to fail after the last
        stop = torch.cat([log_fail[:, 1:], torch.zeros_like(log_fail[:, :1])], dim=1)
        return reach + stop - log_fail[:, :1]

    @staticmethod
    def onnx_logits(jets: JetInputs, weights: Weights) -> str:
        """Add the network to a graph of ONNX, see `EfficiencyModule.onnx_logits`."""
        op = jets.graph.op
        x = onnx_layers.of_members(jets, op("Concat", jets.x, jets.one_hot, axis=2), weights)
        first = Layer.of(weights, "hidden.0").on_one_hot(weights["flavour.weight"], N_INPUTS)
        h = op("Relu", op("MatMul", x, first))
        h = op("Relu", onnx_layers.applied(jets, Layer.of(weights, "hidden.1"), h))
        alone = onnx_layers.output(jets, weights, h)
        factors = op("MatMul", MessageLayer.onnx_sum(jets, weights, "pair", None), weights["log_factor.weight"])
        log_sigmoid = op("Neg", op("Softplus", op("Neg", alone)))
        n_members, _, n_points = weights["bias.weight"].shape
        # runtimes are slow for constants and a last dimension of 1
        flat = op("Min", op("Reshape", op("Add", log_sigmoid, factors), [n_members, -1]), np.float32(_LOG_MAX))
        log_fail = op("Log", op("Sub", np.float32(1), op("Exp", flat)))
        log_pass, log_fail = (op("Reshape", value, [n_members, -1, n_points]) for value in (flat, log_fail))
        # bin k: passes the points up to k, fails the next, if there is one
        last = np.iinfo(np.int64).max
        stop = op("Pad", op("Slice", log_fail, [1], [last], [2]), [0, 0, 0, 0, 0, 1])
        reach = op("CumSum", log_pass, 2)
        return op("Sub", op("Add", reach, stop), op("Slice", log_fail, [0], [1], [2]))
