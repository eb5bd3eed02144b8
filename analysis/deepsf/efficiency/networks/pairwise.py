"""The pairwise product: efficiency of the jet alone times one factor for each neighbour (arXiv:2004.02665, eq. 3.1).

For nested working points the product is that of the probability to pass each among the jets that pass the one before.
Factors are exponentials, so that a neighbour may raise an efficiency too.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from deepsf.efficiency.networks.flavour_layers import Embedding, FlavourBias, shrink_
from deepsf.efficiency.networks.gnn import MessageLayer
from deepsf.efficiency.networks.jet_tensors import N_INPUTS, JetTensors
from deepsf.efficiency.networks.linear import Linear

_EMBEDDING = 5
LOG_MAX = -1e-3
"""A product of factors above 1 is cut here: no probability is above 0.999."""


class PairwiseNetwork(nn.Module):
    """Two hidden layers of ``units`` for the jet alone; one, of jet, neighbour and pair, for each factor."""

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
        """Begin with the mean of each flavour: ``fractions`` of jets by flavour and bin, ``(n_flavours, K + 1)``."""
        self.bias.set_nested_logits(fractions)

    def forward(self, jets: JetTensors) -> Tensor:
        """Return the logit of each bin between working points relative to untagged, ``(n_jets, K)``."""
        x = torch.cat([jets.x, self.flavour(jets.flavour)], dim=1)
        return self._logits(x, jets.flavour, self.pair(x, jets))

    def plain(self, x: Tensor, flavour: Tensor, edge_index: Tensor, edge_attr: Tensor) -> Tensor:
        """Return what `forward` does, with torch-geometric; arguments as of `GraphNetwork.plain`."""
        x = torch.cat([x, self.flavour(flavour)], dim=1)
        return self._logits(x, flavour, self.pair.plain(x, edge_index, edge_attr))

    def _logits(self, x: Tensor, flavour: Tensor, pairs: Tensor) -> Tensor:
        h = x
        for layer in self.hidden:
            h = torch.relu(layer(h))
        alone = functional.logsigmoid(self.output(h) + self.bias(flavour))
        # the readout is linear, so it acts on the sum over neighbours
        log_pass = torch.clamp(alone + self.log_factor(pairs), max=LOG_MAX)
        log_fail = torch.log(-torch.expm1(log_pass))
        reach = torch.cumsum(log_pass, dim=1)
        # bin k: passes the points up to k, fails the next; none is left to fail after the last
        stop = torch.cat([log_fail[:, 1:], torch.zeros_like(log_fail[:, :1])], dim=1)
        return reach + stop - log_fail[:, :1]
