"""The default network compiled for one CPU thread in float32: its logits, and its loss with the gradients of weights.

Jets go through the whole network, forward and backward, in groups of events whose features stay in the cache of a core.
Flavours are one-hot, with embedding and bias multiplied into the weights that act on them
(`deepsf.efficiency.networks.gnn_weights`), so that no input needs a gradient. Values and gradients are those of
`deepsf.efficiency.networks.gnn.GraphNetwork.plain` up to rounding.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from deepsf.arrays import Ints, Singles
from deepsf.efficiency.networks.edge_sum import add_messages, message_gradients
from deepsf.efficiency.networks.jet_tensors import N_INPUTS

GROUP_JETS = 320
"""At most, in a group of several events. OpenBLAS has a fast path for products of up to 10^6 multiplications."""


class Folded(NamedTuple):
    """Weights, or their gradients, that act on features [inputs, one-hot flavour, units, units]; units are padded.

    Attributes
    ----------
    nodes, edges, updates
        Of each block: to the terms of both jets of a message, of pairs, and to the updated features.
    head, output
        To the hidden layer, and from there to the logits.
    bias
        Of the logits by flavour, ``(n_flavours, K)``.
    """

    nodes: tuple[Singles, ...]
    edges: tuple[Singles, ...]
    updates: tuple[Singles, ...]
    head: Singles
    output: Singles
    bias: Singles


class Graphs(NamedTuple):
    """Events: offsets of their jets, inputs and flavours of jets, features of pairs."""

    offsets: Ints
    x: Singles
    flavour: Ints
    pairs: Singles


class Group(NamedTuple):
    """Events ``low`` to ``high``, their jets ``begin`` to ``end``, their pairs ``first`` to ``last``."""

    low: int
    high: int
    begin: int
    end: int
    first: int
    last: int


class Features(NamedTuple):
    """Features of the jets of a group, one row each; the backward pass reads them all.

    Attributes
    ----------
    x
        Inputs and one-hot flavours.
    terms, sums, updates
        Terms and sums of messages, and updated features, of each block.
    hidden
        Output of the hidden layer.
    """

    x: Singles
    terms: tuple[Singles, ...]
    sums: tuple[Singles, ...]
    updates: tuple[Singles, ...]
    hidden: Singles


_FAST = {"reassoc", "contract", "nsz"}  # NaN stays NaN


@njit(cache=True, error_model="numpy")
def fill_logits(graphs: Graphs, weights: Folded, features: Features, logits: Singles) -> None:
    """Write the logits, ``(n_jets, K)``; ``features`` have the rows of `largest_group` and any content."""
    group = Group(0, 0, 0, 0, 0, 0)
    while group.high < len(graphs.offsets) - 1:
        group = _next_group(graphs.offsets, group)
        _fill_features(graphs, weights, group, features)
        of_group = logits[group.begin : group.end]
        _fill_outputs(graphs, weights, group, features, of_group)


@njit(cache=True, error_model="numpy")
def add_loss_gradients(
    graphs: Graphs, weights: Folded, features: Features, label: Ints, weight: Singles, to: Folded
) -> float:
    """Return the sum of weighted cross-entropies, and add its gradients to ``to``; further arguments as before.

    Parameters
    ----------
    label, weight
        Class and weight of each jet, ``(n_jets,)``.
    """
    total, group = 0.0, Group(0, 0, 0, 0, 0, 0)
    gradient = np.empty((len(features.hidden), weights.bias.shape[1]), np.float32)
    while group.high < len(graphs.offsets) - 1:
        group = _next_group(graphs.offsets, group)
        _fill_features(graphs, weights, group, features)
        of_group = gradient[: group.end - group.begin]
        _fill_outputs(graphs, weights, group, features, of_group)
        total += _to_gradient(of_group, label[group.begin : group.end], weight[group.begin : group.end])
        _add_gradients(graphs, weights, group, features, of_group, to)
    return total


@njit(cache=True, error_model="numpy")
def largest_group(offsets: Ints) -> int:
    """Return the largest number of jets of a group."""
    largest, group = 0, Group(0, 0, 0, 0, 0, 0)
    while group.high < len(offsets) - 1:
        group = _next_group(offsets, group)
        largest = max(largest, group.end - group.begin)
    return largest


@njit(cache=True, error_model="numpy")
def _next_group(offsets: Ints, before: Group) -> Group:
    low = high = before.high
    begin, last = offsets[low], before.last
    while high < len(offsets) - 1 and (high == low or offsets[high + 1] - begin <= GROUP_JETS):
        n_jets = offsets[high + 1] - offsets[high]
        last += n_jets * (n_jets - 1) // 2
        high += 1
    return Group(low, high, begin, offsets[high], before.last, last)


@njit(cache=True, error_model="numpy")
def _fill_features(graphs: Graphs, weights: Folded, group: Group, features: Features) -> None:
    n, n_own = group.end - group.begin, features.x.shape[1]
    x, offsets = features.x[:n], graphs.offsets[group.low : group.high + 1]
    pairs = graphs.pairs[group.first : group.last]
    for jet in range(n):
        for k in range(n_own):
            x[jet, k] = graphs.x[group.begin + jet, k] if k < N_INPUTS else np.float32(0)
        x[jet, N_INPUTS + graphs.flavour[group.begin + jet]] = np.float32(1)
    for k in range(len(weights.nodes)):
        node, update, n_features = weights.nodes[k], weights.updates[k], len(weights.nodes[k])
        terms, sums, updated = features.terms[k][:n], features.sums[k][:n], features.updates[k][:n]
        np.dot(x, node[:n_own], terms)
        np.dot(x, update[:n_own], updated)
        if k:
            before = features.updates[k - 1][:n]
            _add(terms, np.dot(before, node[n_own:]))
            _add(updated, np.dot(before, update[n_own:n_features]))
        add_messages(offsets, terms, pairs, weights.edges[k], sums)
        _add(updated, np.dot(sums, update[n_features:]))
        _rectify(updated)


@njit(cache=True, error_model="numpy")
def _fill_outputs(graphs: Graphs, weights: Folded, group: Group, features: Features, logits: Singles) -> None:
    n, n_own = group.end - group.begin, features.x.shape[1]
    hidden = features.hidden[:n]
    np.dot(features.x[:n], weights.head[:n_own], hidden)
    _add(hidden, np.dot(features.updates[-1][:n], weights.head[n_own:]))
    _rectify(hidden)
    np.dot(hidden, weights.output, logits)
    for jet in range(n):
        for k in range(logits.shape[1]):
            logits[jet, k] += weights.bias[graphs.flavour[group.begin + jet], k]


@njit(cache=True, error_model="numpy")
def _to_gradient(logits: Singles, label: Ints, weight: Singles) -> float:
    """Return the sum of weighted cross-entropies, and write its gradient over the logits."""
    total = 0.0
    for jet in range(len(logits)):
        z, w = logits[jet], np.float64(weight[jet])
        highest = np.float32(0)  # of class 0
        for k in range(len(z)):
            highest = max(highest, z[k])
        own = z[label[jet] - 1] if label[jet] else np.float32(0)
        norm = math.exp(-highest)
        for k in range(len(z)):
            z[k] = math.exp(z[k] - highest)
            norm += z[k]
        total += w * (highest - own + math.log(norm))
        for k in range(len(z)):
            z[k] = w * (z[k] / norm - (1.0 if label[jet] == k + 1 else 0.0))
    return total


@njit(cache=True, error_model="numpy")
def _add_gradients(
    graphs: Graphs, weights: Folded, group: Group, features: Features, gradient: Singles, to: Folded
) -> None:
    n, n_own, last = group.end - group.begin, features.x.shape[1], features.updates[-1][: group.end - group.begin]
    x, hidden, offsets = features.x[:n], features.hidden[:n], graphs.offsets[group.low : group.high + 1]
    pairs = graphs.pairs[group.first : group.last]
    for jet in range(n):
        for k in range(gradient.shape[1]):
            to.bias[graphs.flavour[group.begin + jet], k] += gradient[jet, k]
    _add(to.output, np.dot(hidden.T, gradient))
    of_hidden = np.dot(gradient, weights.output.T)
    _where_positive(of_hidden, hidden)
    _add(to.head[:n_own], np.dot(x.T, of_hidden))
    _add(to.head[n_own:], np.dot(last.T, of_hidden))
    passed = np.dot(of_hidden, weights.head[n_own:].T)
    for k in range(len(weights.nodes) - 1, -1, -1):
        node, update, n_features = weights.nodes[k], weights.updates[k], len(weights.nodes[k])
        terms, sums = features.terms[k][:n], features.sums[k][:n]
        _where_positive(passed, features.updates[k][:n])
        _add(to.updates[k][:n_own], np.dot(x.T, passed))
        _add(to.updates[k][n_features:], np.dot(sums.T, passed))
        to_terms = np.empty_like(terms)
        to_sums = np.dot(passed, update[n_features:].T)
        message_gradients(offsets, terms, pairs, weights.edges[k], to_sums, to_terms, to.edges[k])
        _add(to.nodes[k][:n_own], np.dot(x.T, to_terms))
        if k:
            before = features.updates[k - 1][:n]
            _add(to.updates[k][n_own:n_features], np.dot(before.T, passed))
            _add(to.nodes[k][n_own:], np.dot(before.T, to_terms))
            passed = np.dot(passed, update[n_own:n_features].T)
            _add(passed, np.dot(to_terms, node[n_own:].T))


# Loops over flat arrays, each of which writes one: what the compiler needs to vectorise them.


@njit(cache=True, fastmath=_FAST)
def _add(total: Singles, values: Singles) -> None:
    to, from_ = total.ravel(), values.ravel()
    for k in range(len(to)):
        to[k] += from_[k]


@njit(cache=True, fastmath=_FAST)
def _rectify(values: Singles) -> None:
    """Take relu; NaN stays NaN."""
    to, zero = values.ravel(), np.float32(0)
    for k in range(len(to)):
        to[k] = zero if to[k] < zero else to[k]


@njit(cache=True, fastmath=_FAST)
def _where_positive(gradient: Singles, output: Singles) -> None:
    """Set gradients to 0 where the output of relu is not above 0."""
    to, from_, zero = gradient.ravel(), output.ravel(), np.float32(0)
    for k in range(len(to)):
        to[k] = to[k] if from_[k] > zero else zero
