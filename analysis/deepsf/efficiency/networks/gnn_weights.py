"""Weights of the default network as its compiled passes take them, and the function of torch that these passes are.

A layer on [inputs, embedding of the flavour, units, ...] becomes one on [inputs, one-hot flavour, units, ...]: the rows
of the embedding are multiplied with it, and the bias is added to each of them. Units are padded with zeros to a
multiple of `deepsf.efficiency.networks.stack_rows.WIDTH`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import numpy as np
import torch
from numba import njit
from torch import Tensor

from deepsf.arrays import Singles
from deepsf.efficiency.networks.edge_sum import padded
from deepsf.efficiency.networks.gnn_pass import (
    Features,
    Folded,
    Graphs,
    add_loss_gradients,
    fill_logits,
    largest_group,
)
from deepsf.efficiency.networks.jet_tensors import N_INPUTS, JetTensors
from deepsf.efficiency.networks.pairs import N_FEATURES

_N_OF_BLOCK = 5


class GraphWeights(NamedTuple):
    """Weights, or their gradients, as the module has them: tensors, or arrays.

    Attributes
    ----------
    flavour
        Embedding.
    blocks
        Of each block weight and bias of the terms, weight of edges, weight and bias of the update.
    hidden, hidden_bias, output, output_bias, bias
        Of the layers called so.
    """

    flavour: Any
    blocks: tuple[tuple[Any, ...], ...]
    hidden: Any
    hidden_bias: Any
    output: Any
    output_bias: Any
    bias: Any

    @classmethod
    def of(cls, flat: Sequence[Any]) -> Self:
        """Return the weights of `flat`."""
        blocks = [tuple(flat[k : k + _N_OF_BLOCK]) for k in range(1, len(flat) - 5, _N_OF_BLOCK)]
        return cls(flat[0], tuple(blocks), *flat[-5:])

    def flat(self) -> tuple[Any, ...]:
        """Return them one after the other."""
        return (self.flavour, *(weight for block in self.blocks for weight in block), *self[2:])


def graph_logits(jets: JetTensors, of_pairs: str, weights: GraphWeights) -> Tensor:
    """Return the logits, ``(n_jets, K)``, without a gradient; ``of_pairs`` names the features of pairs."""
    graphs, folded = _graphs(jets, of_pairs), _folded(_arrays(weights.flat()))
    logits = torch.empty(len(jets.x), folded.bias.shape[1])
    fill_logits(graphs, folded, _features(graphs, folded), logits.numpy())
    return logits


def graph_gradients(
    jets: JetTensors, of_pairs: str, label: Tensor, weight: Tensor, scale: float, weights: GraphWeights
) -> tuple[float, list[Tensor]]:
    """Return ``scale`` times the sum of weighted cross-entropies, and its gradients in the order of `flat`.

    Parameters
    ----------
    of_pairs
        The part of `JetTensors` with the features of pairs.
    label, weight
        Class and weight of each jet, see `deepsf.training.classifier.cross_entropies`.
    """
    graphs, arrays = _graphs(jets, of_pairs), _arrays(weights.flat())
    folded = _folded(arrays)
    to = Folded(*(_zeros_like(part) for part in folded))
    loss = add_loss_gradients(graphs, folded, _features(graphs, folded), label.numpy(), weight.numpy(), to)
    return scale * loss, [torch.from_numpy(array) for array in _unfolded(to, arrays, scale).flat()]


def _arrays(flat: Sequence[Tensor]) -> GraphWeights:
    return GraphWeights.of([weight.detach().numpy() for weight in flat])


def _zeros_like(part: Any) -> Any:
    return tuple(np.zeros_like(array) for array in part) if isinstance(part, tuple) else np.zeros_like(part)


def _graphs(jets: JetTensors, of_pairs: str) -> Graphs:
    return Graphs(jets.offsets, *(part.numpy() for part in (jets.x, jets.flavour, jets.of(of_pairs))))


def _features(graphs: Graphs, weights: Folded) -> Features:
    """Return arrays to write to."""
    n_jets, n_units = largest_group(graphs.offsets), len(weights.output)

    def of(width: int) -> Singles:
        return np.empty((n_jets, width), np.float32)

    def of_blocks(width: int) -> tuple[Singles, ...]:
        return tuple(of(width) for _ in weights.nodes)

    n_own = N_INPUTS + len(weights.bias)
    return Features(of(n_own), of_blocks(2 * n_units), of_blocks(n_units), of_blocks(n_units), of(n_units))


def _folded(weights: GraphWeights) -> Folded:
    units = len(weights.output)
    n_units, n_own = padded(units), N_INPUTS + len(weights.flavour)
    nodes: list[Singles] = []
    edges: list[Singles] = []
    updates: list[Singles] = []
    for node, node_bias, edge, update, update_bias in weights.blocks:
        n_before = n_units if nodes else 0
        nodes.append(np.zeros((n_own + n_before, 2 * n_units), np.float32))
        for half in (slice(0, units), slice(units, 2 * units)):
            column = n_units if half.start else 0
            _fold(node[:, half], node_bias[half], weights.flavour, nodes[-1][:, column : column + n_units])
        # log(pT_j / pT_i), the last input of edges, is a difference of the jets' first input
        nodes[-1][0, :units] -= edge[-1]
        nodes[-1][0, n_units : n_units + units] += edge[-1]
        edges.append(np.zeros((N_FEATURES, n_units), np.float32))
        edges[-1][:, :units] = edge[:-1]
        updates.append(np.zeros((n_own + n_before + n_units, n_units), np.float32))
        _fold(update, update_bias, weights.flavour, updates[-1])
    head = np.zeros((n_own + n_units, n_units), np.float32)
    _fold(weights.hidden, weights.hidden_bias, weights.flavour, head)
    output = np.zeros((n_units, weights.output.shape[1]), np.float32)
    output[:units] = weights.output
    bias = weights.bias + weights.output_bias
    return Folded(tuple(nodes), tuple(edges), tuple(updates), head, output, bias)


def _unfolded(to: Folded, weights: GraphWeights, factor: float) -> GraphWeights:
    """Return the gradients of the module's weights for those of the folded ones, times a factor."""
    for part in to:
        for array in part if isinstance(part, tuple) else (part,):
            array *= factor
    units, n_units = len(weights.output), len(to.output)
    flavour, blocks = np.zeros_like(weights.flavour), []
    for k, (node, _, __, update, ___) in enumerate(weights.blocks):
        of_node, of_bias = np.empty_like(node), np.empty(2 * units, np.float32)
        for half in (slice(0, units), slice(units, 2 * units)):
            column = n_units if half.start else 0
            folded = to.nodes[k][:, column : column + n_units]
            _unfold(folded, node[:, half], weights.flavour, of_node[:, half], of_bias[half], flavour)
        ratio = to.nodes[k][0, n_units : n_units + units] - to.nodes[k][0, :units]
        edge = np.concatenate([to.edges[k][:, :units], ratio[None]])
        blocks.append((of_node, of_bias, edge, *_unfolded_layer(to.updates[k], update, weights.flavour, flavour)))
    hidden, hidden_bias = _unfolded_layer(to.head, weights.hidden, weights.flavour, flavour)
    output = np.ascontiguousarray(to.output[:units])
    return GraphWeights(flavour, tuple(blocks), hidden, hidden_bias, output, to.bias.sum(axis=0), to.bias)


def _unfolded_layer(folded: Singles, weight: Singles, embedding: Singles, to: Singles) -> tuple[Singles, Singles]:
    of_weight, of_bias = np.empty_like(weight), np.empty(weight.shape[1], np.float32)
    _unfold(folded, weight, embedding, of_weight, of_bias, to)
    return of_weight, of_bias


@njit(cache=True, error_model="numpy")
def _fold(weight: Singles, bias: Singles, embedding: Singles, folded: Singles) -> None:
    n_flavours, width = embedding.shape
    units, n_units = weight.shape[1], folded.shape[1]
    folded[:N_INPUTS, :units] = weight[:N_INPUTS]
    for flavour in range(n_flavours):
        row = folded[N_INPUTS + flavour]
        row[:units] = bias
        for k in range(width):
            row[:units] += embedding[flavour, k] * weight[N_INPUTS + k]
    from_, to = N_INPUTS + width, N_INPUTS + n_flavours
    while from_ < len(weight):
        folded[to : to + units, :units] = weight[from_ : from_ + units]
        from_, to = from_ + units, to + n_units


@njit(cache=True, error_model="numpy")
def _unfold(
    folded: Singles, weight: Singles, embedding: Singles, to_weight: Singles, to_bias: Singles, to_embedding: Singles
) -> None:
    """Write gradients of weight and bias, and add to that of the embedding."""
    n_flavours, width = embedding.shape
    units, n_units = weight.shape[1], folded.shape[1]
    to_weight[: N_INPUTS + width], to_bias[:] = np.float32(0), np.float32(0)
    to_weight[:N_INPUTS] = folded[:N_INPUTS, :units]
    for flavour in range(n_flavours):
        row = folded[N_INPUTS + flavour, :units]
        to_bias += row
        for k in range(width):
            to_weight[N_INPUTS + k] += embedding[flavour, k] * row
            to_embedding[flavour, k] += np.sum(row * weight[N_INPUTS + k])
    from_, to = N_INPUTS + width, N_INPUTS + n_flavours
    while from_ < len(weight):
        to_weight[from_ : from_ + units] = folded[to : to + units, :units]
        from_, to = from_ + units, to + n_units
