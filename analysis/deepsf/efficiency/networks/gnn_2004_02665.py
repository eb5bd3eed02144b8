"""The graph network of arXiv:2004.02665: three blocks, half of each from the jet itself, half from messages.

Raw phi is among its inputs, so it must learn that efficiencies do not change under rotations. Flavours are embedded,
not ordinal numbers.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from deepsf.efficiency.networks import onnx_layers
from deepsf.efficiency.networks.flavour_layers import Embedding, FlavourBias
from deepsf.efficiency.networks.jet_tensors import N_ANGLES, N_INPUTS, JetTensors
from deepsf.efficiency.networks.module import EfficiencyModule
from deepsf.efficiency.networks.onnx_layers import Layer, Weights

if TYPE_CHECKING:
    from deepsf.efficiency.networks.onnx_inputs import JetInputs

_EMBEDDING = 4
_HEAD = (256, 128, 50)
_NORM_MIN = 1e-6


class PublishedBlock(nn.Module):
    """The jet's own part and the sum of messages, side by side, divided by their norm: ``units``, even.

    n_i = [tanh(A(h_i)), tanh(C(sum_{j != i} tanh(B([h_i, h_j]))))], h_i <- n_i / (|n_i| + 1e-6)

    A, B and C are perceptrons of two layers, with ReLU, ReLU and tanh between them.
    """

    def __init__(self, n_features: int, units: int, generator: torch.Generator) -> None:
        super().__init__()
        half = units // 2
        self.own = _mlp([n_features, half, half], generator)
        self.message = _mlp([2 * n_features, half, half], generator)
        self.collect = _mlp([half, half, half], generator, hidden=nn.Tanh)

    def forward(self, h: Tensor, edge_index: Tensor) -> Tensor:
        """Return ``(n_jets, units)`` for features ``(n_jets, n_features)``; source and target of edges."""
        source, target = edge_index
        first: Any = self.message[0]
        # the first layer of B acts on each jet once, and not once for each of its edges
        of_target, of_source = first.weight.chunk(2, dim=1)
        terms = torch.addmm(first.bias, h, of_target.t())[target] + (h @ of_source.t())[source]
        total = torch.zeros(len(h), terms.shape[1], dtype=h.dtype, device=h.device)
        total = total.index_add(0, target, torch.tanh(self.message[1:](terms)))
        messages = torch.tanh(self.collect(total))
        both = torch.cat([torch.tanh(self.own(h)), messages], dim=1)
        divided: Tensor = both / (both.norm(dim=1, keepdim=True) + _NORM_MIN)
        return divided


class PublishedGraphNetwork(EfficiencyModule):
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

    def forward(self, jets: JetTensors) -> Tensor:
        """Return the logits, see `EfficiencyModule.forward`."""
        h = x = torch.cat([jets.x, jets.of("angles"), self.flavour(jets.flavour)], dim=1)
        edge_index = jets.edge_index()
        for block in self.blocks:
            h = torch.cat([block(h, edge_index), x], dim=1)
        logits: Tensor = self.head(h) + self.bias(jets.flavour)
        return logits

    @staticmethod
    def onnx_logits(jets: JetInputs, weights: Weights) -> str:
        """Add the network to a graph of ONNX, see `EfficiencyModule.onnx_logits`."""
        op, begin = jets.graph.op, N_INPUTS + N_ANGLES
        inputs = op("Concat", jets.x, jets.angles, jets.one_hot, axis=2)
        x = h = onnx_layers.of_members(jets, inputs, weights)
        for block in range(onnx_layers.count(weights, "blocks.{}.own.0.weight")):
            name = f"blocks.{block}"
            own = op("Tanh", _onnx_mlp(jets, weights, f"{name}.own", h, begin))
            message = op("Tanh", _onnx_mlp(jets, weights, f"{name}.message", h, begin, of_pairs=True))
            total = _onnx_over_neighbours(jets, op("Mul", message, op("Reshape", jets.is_pair, [-1, 1])))
            collected = op("Tanh", _onnx_mlp(jets, weights, f"{name}.collect", total, None))
            both = op("Concat", own, collected, axis=2)
            norm = op("Add", op("ReduceL2", both, axes=[2], keepdims=1), np.float32(_NORM_MIN))
            h = op("Concat", op("Div", both, norm), x, axis=2)
            begin = N_INPUTS + N_ANGLES + 2 * weights[f"{name}.own.2.bias"].shape[1]
        logits = _onnx_mlp(jets, weights, "head", h, begin)
        return op("Add", logits, onnx_layers.of_flavour(jets, weights["bias.weight"]))


def _mlp(widths: list[int], generator: torch.Generator, hidden: type[nn.Module] = nn.ReLU) -> nn.Sequential:
    layers: list[nn.Module] = []
    for n_inputs, n_outputs in pairwise(widths):
        layer = nn.Linear(n_inputs, n_outputs)
        with torch.no_grad():
            for parameter in (layer.weight, layer.bias):
                parameter.uniform_(-(n_inputs**-0.5), n_inputs**-0.5, generator=generator)
        layers += [layer, hidden()]
    return nn.Sequential(*layers[:-1])


def _onnx_mlp(
    jets: JetInputs, weights: Weights, name: str, h: str, begin: int | None, *, of_pairs: bool = False
) -> str:
    """Add the layers of `_mlp`.

    Parameters
    ----------
    begin
        Where h has the flavours' embedding in the torch module, one-hot flavours here; None if it has none, and then
        the activation is tanh.
    of_pairs
        The first layer acts on both jets of a pair: (M, B P, units).
    """
    op, activation = jets.graph.op, "Tanh" if begin is None else "Relu"
    first, embedding = Layer.of_torch(weights, f"{name}.0"), weights["flavour.weight"]
    if of_pairs:
        assert begin is not None
        parts = zip(np.split(first.weight, 2, axis=1), (first.bias, np.zeros_like(first.bias)), strict=True)
        both = np.concatenate([Layer(*part).on_one_hot(embedding, begin) for part in parts], axis=2)
        n_members, units = first.bias.shape
        terms = onnx_layers.to_events(jets, op("MatMul", h, both), n_members, units)
        pairs = op("Reshape", op("MatMul", jets.selectors, terms), [-1, n_members, units])
        h = op("Transpose", pairs, perm=[1, 0, 2])
    elif begin is None:
        h = onnx_layers.applied(jets, first, h)
    else:
        h = op("MatMul", h, first.on_one_hot(embedding, begin))
    for number in range(1, onnx_layers.count(weights, f"{name}.{{}}.weight", step=2)):
        h = onnx_layers.applied(jets, Layer.of_torch(weights, f"{name}.{2 * number}"), op(activation, h))
    return h


def _onnx_over_neighbours(jets: JetInputs, pairs: str) -> str:
    """Return the sum of (M, B P, units) over the neighbours of each jet: (M, N, units)."""
    op = jets.graph.op
    shape = op(
        "Concat", [0, -1], op("Unsqueeze", jets.neighbours, [0]), op("Slice", op("Shape", pairs), [2], [3]), axis=0
    )
    return op("ReduceSum", op("Reshape", pairs, shape), [2], keepdims=0)
