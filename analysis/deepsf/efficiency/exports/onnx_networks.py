"""The efficiency networks as operations of ONNX, all members of an ensemble side by side.

Jets are in rows for matrix products: values are (M, N, units) for M members and N places of jets. For sums over
neighbours they are turned to (B, n, M units): one product an event, in place of one for each member and event.
One-hot flavours take the place of their embeddings, which are multiplied with what follows; first layers have their
biases there, so that empty places have none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from deepsf.efficiency.events.events import Floats32
from deepsf.efficiency.exports.onnx_inputs import JetInputs
from deepsf.efficiency.networks.gnn_2004_02665 import NORM_MIN
from deepsf.efficiency.networks.jet_tensors import N_ANGLES, N_INPUTS
from deepsf.efficiency.networks.pairwise import LOG_MAX

Weights = Mapping[str, Floats32]
"""Of all members by their names in the torch module, ``(M, ...)``."""
Network = Callable[[JetInputs, Weights], str]
"""Adds a network to the graph and returns its logits, (M, N, K)."""


class Layer(NamedTuple):
    """Weight (M, inputs, outputs) and bias (M, outputs)."""

    weight: Floats32
    bias: Floats32

    @classmethod
    def of(cls, weights: Weights, name: str) -> Layer:
        """Return a layer of deepsf.efficiency.networks.linear."""
        weight = weights[f"{name}.weight"]
        return cls(weight, weights.get(f"{name}.bias", np.zeros_like(weight[:, 0])))

    @classmethod
    def of_torch(cls, weights: Weights, name: str) -> Layer:
        """Return a layer of torch.nn."""
        return cls(weights[f"{name}.weight"].swapaxes(1, 2), weights[f"{name}.bias"])

    def on_one_hot(self, embedding: Floats32, begin: int) -> Floats32:
        """Return the weight, with rows of one-hot flavours, and the bias in them, for the embedding's at ``begin``."""
        end = begin + embedding.shape[2]
        flavours = embedding @ self.weight[:, begin:end] + self.bias[:, None]
        return np.concatenate([self.weight[:, :begin], flavours, self.weight[:, end:]], axis=1)


def gnn(jets: JetInputs, weights: Weights) -> str:
    """Add `deepsf.efficiency.networks.gnn.GraphNetwork`."""
    op, embedding = jets.graph.op, weights["flavour.weight"]
    own = op("Concat", jets.x, jets.one_hot, axis=2)
    rows = h = _of_members(jets, own, weights)
    for block in range(_count(weights, "updates.{}.weight")):
        message = _messages(jets, weights, f"messages.{block}", h if block else None)
        update = Layer.of(weights, f"updates.{block}").on_one_hot(embedding, N_INPUTS)
        new = op("Relu", op("MatMul", op("Concat", h, message, axis=2), update))
        h = op("Concat", rows, new, axis=2)
    hidden = op("Relu", op("MatMul", h, Layer.of(weights, "hidden").on_one_hot(embedding, N_INPUTS)))
    return _output(jets, weights, hidden)


def pairwise(jets: JetInputs, weights: Weights) -> str:
    """Add `deepsf.efficiency.networks.pairwise.PairwiseNetwork`."""
    op = jets.graph.op
    own = op("Concat", jets.x, jets.one_hot, axis=2)
    first = Layer.of(weights, "hidden.0").on_one_hot(weights["flavour.weight"], N_INPUTS)
    h = op("Relu", op("MatMul", _of_members(jets, own, weights), first))
    h = op("Relu", _applied(jets, Layer.of(weights, "hidden.1"), h))
    alone = _output(jets, weights, h)
    factors = op("MatMul", _messages(jets, weights, "pair", None), weights["log_factor.weight"])
    log_sigmoid = op("Neg", op("Softplus", op("Neg", alone)))
    n_members, _, n_points = weights["bias.weight"].shape
    # runtimes are slow for constants and a last dimension of 1
    flat = op("Min", op("Reshape", op("Add", log_sigmoid, factors), [n_members, -1]), np.float32(LOG_MAX))
    log_fail = op("Log", op("Sub", np.float32(1), op("Exp", flat)))
    log_pass, log_fail = (op("Reshape", value, [n_members, -1, n_points]) for value in (flat, log_fail))
    # bin k: passes the points up to k, fails the next, if there is one
    last = np.iinfo(np.int64).max
    stop = op("Pad", op("Slice", log_fail, [1], [last], [2]), [0, 0, 0, 0, 0, 1])
    reach = op("CumSum", log_pass, 2)
    return op("Sub", op("Add", reach, stop), op("Slice", log_fail, [0], [1], [2]))


def closest_jet(jets: JetInputs, weights: Weights) -> str:
    """Add `deepsf.efficiency.networks.closest_jet.ClosestJetNetwork`."""
    op, embedding = jets.graph.op, weights["flavour.weight"]
    (distance, flavour), layer = jets.closest, Layer.of(weights, "hidden.0")
    n_own = N_INPUTS + 1 + embedding.shape[2]
    of_closest = weights["closest_flavour.weight"] @ layer.weight[:, n_own:]
    of_jet = Layer(layer.weight[:, :n_own], layer.bias).on_one_hot(embedding, N_INPUTS + 1)
    h = _of_members(jets, op("Concat", jets.x, distance, jets.one_hot, flavour, axis=2), weights)
    h = op("Relu", op("MatMul", h, np.concatenate([of_jet, of_closest], axis=1)))
    for number in range(1, _count(weights, "hidden.{}.weight")):
        h = op("Relu", _applied(jets, Layer.of(weights, f"hidden.{number}"), h))
    return _output(jets, weights, h)


def gnn_2004_02665(jets: JetInputs, weights: Weights) -> str:
    """Add `deepsf.efficiency.networks.gnn_2004_02665.PublishedGraphNetwork`."""
    op = jets.graph.op
    rows = h = _of_members(jets, op("Concat", jets.x, jets.angles, jets.one_hot, axis=2), weights)
    begin = N_INPUTS + N_ANGLES
    for block in range(_count(weights, "blocks.{}.own.0.weight")):
        name = f"blocks.{block}"
        own = op("Tanh", _perceptron(jets, weights, f"{name}.own", h, "Relu", begin))
        message = op("Tanh", _perceptron(jets, weights, f"{name}.message", h, "Relu", begin, of_pairs=True))
        total = _over_neighbours(jets, op("Mul", message, op("Reshape", jets.is_pair, [-1, 1])))
        collected = op("Tanh", _perceptron(jets, weights, f"{name}.collect", total, "Tanh"))
        both = op("Concat", own, collected, axis=2)
        norm = op("Add", op("ReduceL2", both, axes=[2], keepdims=1), np.float32(NORM_MIN))
        h = op("Concat", op("Div", both, norm), rows, axis=2)
        begin = N_INPUTS + N_ANGLES + 2 * weights[f"{name}.own.2.bias"].shape[1]
    logits = _perceptron(jets, weights, "head", h, "Relu", begin)
    return op("Add", logits, _of_flavour(jets, weights["bias.weight"]))


NETWORKS: dict[str, Network] = {
    "gnn": gnn,
    "pairwise": pairwise,
    "closest_jet": closest_jet,
    "gnn_2004_02665": gnn_2004_02665,
}


def _messages(jets: JetInputs, weights: Weights, name: str, h: str | None) -> str:
    """Add `deepsf.efficiency.networks.gnn.MessageLayer`: (M, N, units); ``h`` None: of the jets' own inputs alone."""
    op, edge = jets.graph.op, weights[f"{name}.edge"]
    n_members, _, units = edge.shape
    weight = Layer.of(weights, f"{name}.node").on_one_hot(weights["flavour.weight"], N_INPUTS)
    # log(pT_j / pT_i) is a difference of first inputs
    weight[:, 0] += np.concatenate([-edge[:, -1], edge[:, -1]], axis=1)
    of_pair = edge[:, :-1]
    if h is None:
        own, other = np.split(weight, 2, axis=2)
        rows = np.concatenate([own, other, of_pair], axis=1)
        inputs = jets.of_pairs(op("Concat", jets.x, jets.one_hot, axis=2))
        before = op("MatMul", inputs, rows.swapaxes(0, 1).reshape(rows.shape[1], -1))
    else:
        terms = _to_events(jets, op("MatMul", h, weight), n_members, units)
        constant = of_pair.swapaxes(0, 1).reshape(1, of_pair.shape[1], -1)
        n_events = op("Slice", op("Shape", terms), [0], [1])
        of_pairs = op("Expand", constant, op("Concat", n_events, [1, 1], axis=0))
        before = op("MatMul", jets.selectors_and_pairs, op("Concat", terms, of_pairs, axis=1))
    total = jets.over_neighbours(op("Relu", before))
    return op("Transpose", op("Reshape", total, [-1, n_members, units]), perm=[1, 0, 2])


def _perceptron(
    jets: JetInputs,
    weights: Weights,
    name: str,
    h: str,
    activation: str,
    begin: int | None = None,
    *,
    of_pairs: bool = False,
) -> str:
    """Add layers of torch.nn with an activation between them.

    Parameters
    ----------
    begin
        Where h has the flavours' embedding in the torch module, one-hot flavours here; None if it has none.
    of_pairs
        The first layer acts on both jets of a pair: (M, B P, units).
    """
    op = jets.graph.op
    first, embedding = Layer.of_torch(weights, f"{name}.0"), weights["flavour.weight"]
    if of_pairs:
        assert begin is not None
        parts = zip(np.split(first.weight, 2, axis=1), (first.bias, np.zeros_like(first.bias)), strict=True)
        both = np.concatenate([Layer(*part).on_one_hot(embedding, begin) for part in parts], axis=2)
        n_members, units = first.bias.shape
        terms = _to_events(jets, op("MatMul", h, both), n_members, units)
        pairs = op("Reshape", op("MatMul", jets.selectors, terms), [-1, n_members, units])
        h = op("Transpose", pairs, perm=[1, 0, 2])
    else:
        h = _applied(jets, first, h) if begin is None else op("MatMul", h, first.on_one_hot(embedding, begin))
    for number in range(1, _count(weights, f"{name}.{{}}.weight", step=2)):
        h = _applied(jets, Layer.of_torch(weights, f"{name}.{2 * number}"), op(activation, h))
    return h


def _over_neighbours(jets: JetInputs, pairs: str) -> str:
    """Return the sum of (M, B P, units) over the neighbours of each jet: (M, N, units)."""
    op = jets.graph.op
    shape = op(
        "Concat", [0, -1], op("Unsqueeze", jets.neighbours, [0]), op("Slice", op("Shape", pairs), [2], [3]), axis=0
    )
    return op("ReduceSum", op("Reshape", pairs, shape), [2], keepdims=0)


def _to_events(jets: JetInputs, terms: str, n_members: int, units: int) -> str:
    """Return terms of both jets of a pair, (M, N, 2 units), as rows of events: (B, 2 n, M units)."""
    op = jets.graph.op
    apart = op("Reshape", terms, [n_members, -1, 2, units])
    return jets.of_terms(op("Transpose", apart, perm=[1, 2, 0, 3]), n_members * units)


def _of_members(jets: JetInputs, values: str, weights: Weights) -> str:
    """Return values (B, n, inputs) once for each member: (M, N, inputs)."""
    op, n_members = jets.graph.op, len(weights["flavour.weight"])
    flat = op("Reshape", values, op("Concat", [1, -1], op("Slice", op("Shape", values), [2], [3]), axis=0))
    return op("Expand", flat, [n_members, 1, 1])


def _applied(jets: JetInputs, layer: Layer, h: str) -> str:
    return jets.graph.op("Add", jets.graph.op("MatMul", h, layer.weight), layer.bias[:, None])


def _output(jets: JetInputs, weights: Weights, h: str) -> str:
    """Add the layer called output, and the bias by flavour."""
    layer = Layer.of(weights, "output")
    bias = weights["bias.weight"] + layer.bias[:, None]
    return jets.graph.op("Add", jets.graph.op("MatMul", h, layer.weight), _of_flavour(jets, bias))


def _of_flavour(jets: JetInputs, table: Floats32) -> str:
    """Return the rows (M, N, K) of a table by flavour, (M, F, K)."""
    one_hot = jets.graph.op("Reshape", jets.one_hot, [1, -1, table.shape[1]])
    return jets.graph.op("MatMul", one_hot, table)


def _count(weights: Weights, pattern: str, step: int = 1) -> int:
    """Return how many names there are of the pattern with the numbers 0, step, 2 step, ..."""
    number = 0
    while pattern.format(step * number) in weights:
        number += 1
    return number
