"""Parts of efficiency networks as operations of ONNX, all members of an ensemble side by side.

Jets are in rows for matrix products: values are (M, N, units) for M members and N places of jets. For sums over
neighbours they are turned to (B, n, M units): one product an event, in place of one for each member and event.
One-hot flavours take the place of their embeddings, which are multiplied with what follows; first layers have their
biases there, so that empty places have none.

Graphs are built by hand and not by torch.onnx.export because they are faster: 20 members of the default network give
182 000 jets/s in blocks on one core, a dense form of it from torch's exporter 75 000 (a loop over members) or 64 000
(members stacked), so 2.4 to 2.9 times less. Event by event the exporter's graph is not slower: 6 600 events/s against
5 200 to 5 800, and 17 000 against 10 400 for a single member. (torch 2.13.0, onnxscript 0.7.2, onnxruntime 1.32.0;
files of 632 kB, 1476 kB and 774 kB.) As an independent check, tests compare both for every network.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from deepsf.arrays import Singles

if TYPE_CHECKING:
    from deepsf.efficiency.networks.onnx_inputs import JetInputs

Weights = Mapping[str, Singles]
"""Of all members by their names in the torch module, ``(M, ...)``."""


class Layer(NamedTuple):
    """Weight (M, inputs, outputs) and bias (M, outputs)."""

    weight: Singles
    bias: Singles

    @classmethod
    def of(cls, weights: Weights, name: str) -> Layer:
        """Return a layer of deepsf.efficiency.networks.linear."""
        weight = weights[f"{name}.weight"]
        return cls(weight, weights.get(f"{name}.bias", np.zeros_like(weight[:, 0])))

    @classmethod
    def of_torch(cls, weights: Weights, name: str) -> Layer:
        """Return a layer of torch.nn."""
        return cls(weights[f"{name}.weight"].swapaxes(1, 2), weights[f"{name}.bias"])

    def on_one_hot(self, embedding: Singles, begin: int) -> Singles:
        """Return the weight, with rows of one-hot flavours, and the bias in them, for the embedding's at ``begin``."""
        end = begin + embedding.shape[2]
        flavours = embedding @ self.weight[:, begin:end] + self.bias[:, None]
        return np.concatenate([self.weight[:, :begin], flavours, self.weight[:, end:]], axis=1)


def of_members(jets: JetInputs, values: str, weights: Weights) -> str:
    """Return values (B, n, inputs) once for each member: (M, N, inputs)."""
    op, n_members = jets.graph.op, len(weights["bias.weight"])
    flat = op("Reshape", values, op("Concat", [1, -1], op("Slice", op("Shape", values), [2], [3]), axis=0))
    return op("Expand", flat, [n_members, 1, 1])


def applied(jets: JetInputs, layer: Layer, h: str) -> str:
    """Add a layer."""
    return jets.graph.op("Add", jets.graph.op("MatMul", h, layer.weight), layer.bias[:, None])


def output(jets: JetInputs, weights: Weights, h: str) -> str:
    """Add the layer called output, and the bias by flavour."""
    layer = Layer.of(weights, "output")
    bias = weights["bias.weight"] + layer.bias[:, None]
    return jets.graph.op("Add", jets.graph.op("MatMul", h, layer.weight), of_flavour(jets, bias))


def of_flavour(jets: JetInputs, table: Singles) -> str:
    """Return the rows (M, N, K) of a table by flavour, (M, F, K)."""
    one_hot = jets.graph.op("Reshape", jets.one_hot, [1, -1, table.shape[1]])
    return jets.graph.op("MatMul", one_hot, table)


def to_events(jets: JetInputs, terms: str, n_members: int, units: int) -> str:
    """Return terms of both jets of a pair, (M, N, 2 units), as rows of events: (B, 2 n, M units)."""
    op = jets.graph.op
    apart = op("Reshape", terms, [n_members, -1, 2, units])
    return jets.of_terms(op("Transpose", apart, perm=[1, 2, 0, 3]), n_members * units)


def count(weights: Weights, pattern: str, step: int = 1) -> int:
    """Return how many names there are of the pattern with the numbers 0, step, 2 step, ..."""
    number = 0
    while pattern.format(step * number) in weights:
        number += 1
    return number
