"""The default efficiency network: messages between all jets of an event, which know distances and ratios of pT alone.

It is equivariant under permutation of jets, and invariant under rotations in phi and reflection in eta. Slim: one layer
for messages and one for updates in each block, the jet's own inputs enter every block anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from deepsf.efficiency.networks import onnx_layers
from deepsf.efficiency.networks.edge_sum import edge_sum, is_compiled_for
from deepsf.efficiency.networks.flavour_layers import Embedding, FlavourBias, shrink_
from deepsf.efficiency.networks.gnn_weights import GraphWeights, graph_gradients, graph_logits
from deepsf.efficiency.networks.jet_tensors import N_EDGE_INPUTS, N_INPUTS, JetTensors
from deepsf.efficiency.networks.linear import Linear, linear, uniform
from deepsf.efficiency.networks.module import EfficiencyModule
from deepsf.efficiency.networks.onnx_layers import Layer, Weights
from deepsf.training.engine import Gradients

if TYPE_CHECKING:
    from deepsf.efficiency.networks.onnx_inputs import JetInputs

_EMBEDDING = 5  # with three inputs: matrix products are fastest for multiples of 8


class MessageLayer(nn.Module):
    """Sum of messages from all other jets of the event.

    m_i = sum_{j != i} relu(W [h_i, h_j, e_ij] + b)

    h are the features of jets, e_ij those of the pair with log(pT_j / pT_i): arXiv:1704.01212, eq. 1.

    W is stored by what it acts on: ``node`` on h_i (first half of its outputs) and on h_j (second half), ``edge`` on
    e_ij.
    """

    def __init__(self, n_features: int, units: int, generator: torch.Generator) -> None:
        super().__init__()
        self.node = Linear(n_features, 2 * units, generator)
        self.edge = nn.Parameter(uniform((N_EDGE_INPUTS, units), N_EDGE_INPUTS, generator))

    def forward(self, h: Tensor, jets: JetTensors, of_pairs: str = "pairs") -> Tensor:
        """Return ``(n_jets, units)`` for features ``(n_jets, n_features)`` that begin with the jets' inputs.

        ``of_pairs`` is the part of `JetTensors` with the features of pairs.
        """
        # the last edge input is a difference of the first node input: all of it goes into the terms of single jets
        ratio = torch.cat([-self.edge[-1], self.edge[-1]])
        weight = torch.cat([self.node.weight[:1] + ratio, self.node.weight[1:]])
        return edge_sum(linear(h, weight, self.node.bias), jets.of(of_pairs), self.edge[:-1], jets.offsets)

    @staticmethod
    def onnx_sum(jets: JetInputs, weights: Weights, name: str, h: str | None) -> str:
        """Add the layer called ``name`` to a graph: (M, N, units); ``h`` None: of the jets' own inputs alone."""
        op, edge = jets.graph.op, weights[f"{name}.edge"]
        n_members, _, units = edge.shape
        weight = Layer.of(weights, f"{name}.node").on_one_hot(weights["flavour.weight"], N_INPUTS)
        # log(pT_j / pT_i) is a difference of first inputs
        weight[:, 0] += np.concatenate([-edge[:, -1], edge[:, -1]], axis=1)
        of_pair = edge[:, :-1]
        if h is None:
            rows = np.concatenate([*np.split(weight, 2, axis=2), of_pair], axis=1)
            inputs = jets.of_pairs(op("Concat", jets.x, jets.one_hot, axis=2))
            before = op("MatMul", inputs, rows.swapaxes(0, 1).reshape(rows.shape[1], -1))
        else:
            terms = onnx_layers.to_events(jets, op("MatMul", h, weight), n_members, units)
            constant = of_pair.swapaxes(0, 1).reshape(1, of_pair.shape[1], -1)
            n_events = op("Slice", op("Shape", terms), [0], [1])
            of_pairs = op("Expand", constant, op("Concat", n_events, [1, 1], axis=0))
            before = op("MatMul", jets.selectors_and_pairs, op("Concat", terms, of_pairs, axis=1))
        total = jets.over_neighbours(op("Relu", before))
        return op("Transpose", op("Reshape", total, [-1, n_members, units]), perm=[1, 0, 2])


class GraphNetwork(EfficiencyModule):
    """``blocks`` of messages and updates of ``units``, and a head of one hidden layer.

    x_i = [inputs of the jet, embedding of its flavour], h_i = x_i at first; in each block

    h_i <- [x_i, relu(U [h_i, m_i] + u)], m_i as of `MessageLayer`,

    and logits_i = V relu(H h_i + c) + v + bias of the flavour (updates: arXiv:1704.01212, eq. 2).
    """

    needs = frozenset({"pairs"})
    of_pairs: ClassVar[str] = "pairs"
    """The part of `JetTensors` with the features of pairs."""

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

    def forward(self, jets: JetTensors) -> Tensor:
        """Return the logits, see `EfficiencyModule.forward`."""
        if is_compiled_for(self.hidden.weight) and not torch.is_grad_enabled():
            return graph_logits(jets, self.of_pairs, self.weights())
        return self.plain(jets)

    def loss_gradients(
        self, inputs: JetTensors, label: Tensor, weight: Tensor, scale: float
    ) -> tuple[float, Gradients] | None:
        """Return loss and gradients, see `deepsf.training.classifier.WithGradients`; None on other devices."""
        if not is_compiled_for(self.hidden.weight):
            return None
        weights = self.weights()
        loss, gradients = graph_gradients(inputs, self.of_pairs, label, weight, scale, weights)
        return loss, list(zip(weights.flat(), gradients, strict=True))

    def plain(self, jets: JetTensors) -> Tensor:
        """Return what `forward` does, layer by layer, for any device and type."""
        h = x = torch.cat([jets.x, self.flavour(jets.flavour)], dim=1)
        for message, update in zip(self.messages, self.updates, strict=True):
            h = torch.cat([x, torch.relu(update(torch.cat([h, message(h, jets, self.of_pairs)], dim=1)))], dim=1)
        logits: Tensor = self.output(torch.relu(self.hidden(h))) + self.bias(jets.flavour)
        return logits

    def weights(self) -> GraphWeights:
        """Return all weights."""
        layers: Any = zip(self.messages, self.updates, strict=True)
        blocks = [(of.node.weight, of.node.bias, of.edge, update.weight, update.bias) for of, update in layers]
        ends = self.hidden.weight, self.hidden.bias, self.output.weight, self.output.bias, self.bias.weight
        return GraphWeights(self.flavour.weight, tuple(blocks), *ends)

    @staticmethod
    def onnx_logits(jets: JetInputs, weights: Weights) -> str:
        """Add the network to a graph of ONNX, see `EfficiencyModule.onnx_logits`."""
        op, embedding = jets.graph.op, weights["flavour.weight"]
        x = h = onnx_layers.of_members(jets, op("Concat", jets.x, jets.one_hot, axis=2), weights)
        for block in range(onnx_layers.count(weights, "updates.{}.weight")):
            message = MessageLayer.onnx_sum(jets, weights, f"messages.{block}", h if block else None)
            update = Layer.of(weights, f"updates.{block}").on_one_hot(embedding, N_INPUTS)
            new = op("Relu", op("MatMul", op("Concat", h, message, axis=2), update))
            h = op("Concat", x, new, axis=2)
        hidden = op("Relu", op("MatMul", h, Layer.of(weights, "hidden").on_one_hot(embedding, N_INPUTS)))
        return onnx_layers.output(jets, weights, hidden)
