"""Sum of messages over the neighbours of a jet, without storing messages.

A message is relu(W [h_i, h_j, e_ij] + b) = relu(a_i + c_j + W_e e_ij) with a and c linear in h. So a and c are computed
once per jet instead of once per edge, and W_e e_ij once per pair, because its features are symmetric.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numba import njit
from torch import Tensor
from torch.autograd.function import once_differentiable

from deepsf.arrays import Ints, Singles
from deepsf.efficiency.networks.pairs import N_FEATURES, edges


def edge_sum(terms: Tensor, pairs: Tensor, weight: Tensor, offsets: Ints) -> Tensor:
    """Return m_i = sum_{j != i} relu(a_i + c_j + weight e_ij) over the jets j of the event of i.

    Compiled for one CPU thread in float32, else in plain torch: the same function and gradients up to rounding.

    Parameters
    ----------
    terms
        a and c side by side, ``(n_jets, 2 H)``.
    pairs
        Features e of unordered pairs in the order of `deepsf.efficiency.networks.pairs`, ``(n_pairs, N_FEATURES)``.
        They have no gradient.
    weight
        ``(N_FEATURES, H)``.
    offsets
        Of the events' jets, int64, ``(n_events + 1,)``.

    Returns
    -------
    Tensor
        ``(n_jets, H)``; zeros for a lone jet.
    """
    if terms.device.type != "cpu" or terms.dtype != torch.float32:
        return plain_edge_sum(terms, pairs, weight, offsets)
    return _EdgeSum.apply(terms, pairs, weight, offsets)  # type: ignore[no-untyped-call,no-any-return]


def plain_edge_sum(terms: Tensor, pairs: Tensor, weight: Tensor, offsets: Ints) -> Tensor:
    """Return what `edge_sum` does, in plain torch, for any device and type."""
    source, target, pair = (torch.from_numpy(part).to(terms.device) for part in edges(offsets))
    of_target, of_source = terms.chunk(2, 1)
    message = torch.relu(of_target[target] + of_source[source] + (pairs @ weight)[pair])
    return torch.zeros_like(of_target).index_add_(0, target, message)


class _EdgeSum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, terms: Tensor, pairs: Tensor, weight: Tensor, offsets: Ints) -> Tensor:
        terms, pairs, weight = (tensor.detach().contiguous() for tensor in (terms, pairs, weight))
        ctx.save_for_backward(terms, pairs, weight)
        ctx.offsets = offsets
        total = torch.empty(len(terms), weight.shape[1])
        _forward(offsets, terms.numpy(), pairs.numpy(), weight.numpy(), total.numpy())
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        terms, pairs, weight = ctx.saved_tensors
        to_terms, to_weight = torch.empty_like(terms), torch.empty_like(weight)
        arrays = (tensor.numpy() for tensor in (terms, pairs, weight, gradient.contiguous(), to_terms, to_weight))
        _backward(ctx.offsets, *arrays)
        return to_terms, None, to_weight, None


# Rows are taken out as arrays of their own and each loop writes one of them: what the compiler needs to vectorise.
# Reassociation alone of fast-math, so that NaN stays NaN.
_FAST = {"reassoc", "contract", "nsz"}


@njit(cache=True, fastmath=_FAST, error_model="numpy")
def _add(total: Singles, values: Singles) -> None:
    for h in range(len(values)):
        total[h] += values[h]


@njit(cache=True, fastmath=_FAST, error_model="numpy")
def _add_times(total: Singles, values: Singles, factor: np.float32) -> None:
    for h in range(len(values)):
        total[h] += factor * values[h]


@njit(cache=True, fastmath=_FAST, error_model="numpy")
def _forward(offsets: Ints, terms: Singles, pairs: Singles, weight: Singles, total: Singles) -> None:
    n_units, pair, zero = total.shape[1], 0, np.float32(0)
    w0, w1, w2 = weight[0], weight[1], weight[2]
    for event in range(len(offsets) - 1):
        begin, end = offsets[event], offsets[event + 1]
        total[begin:end] = zero
        for i in range(begin, end):
            own_i, other_i, total_i = terms[i, :n_units], terms[i, n_units:], total[i]
            for j in range(i + 1, end):
                own_j, other_j, total_j = terms[j, :n_units], terms[j, n_units:], total[j]
                e0, e1, e2 = pairs[pair, 0], pairs[pair, 1], pairs[pair, 2]
                for h in range(n_units):
                    common = e0 * w0[h] + e1 * w1[h] + e2 * w2[h]
                    total_i[h] += max(own_i[h] + other_j[h] + common, zero)
                    total_j[h] += max(own_j[h] + other_i[h] + common, zero)
                pair += 1


@njit(cache=True, fastmath=_FAST, error_model="numpy")
def _backward(
    offsets: Ints,
    terms: Singles,
    pairs: Singles,
    weight: Singles,
    gradient: Singles,
    to_terms: Singles,
    to_weight: Singles,
) -> None:
    n_units, pair, zero = weight.shape[1], 0, np.float32(0)
    w0, w1, w2 = weight[0], weight[1], weight[2]
    to_w = np.zeros((N_FEATURES, n_units), np.float32)
    passed = np.empty((2, n_units), np.float32)  # gradients of the messages j -> i and i -> j
    to_i, to_j = passed[0], passed[1]
    for event in range(len(offsets) - 1):
        begin, end = offsets[event], offsets[event + 1]
        to_terms[begin:end] = zero
        for i in range(begin, end):
            own_i, other_i, gradient_i, to_terms_i = terms[i, :n_units], terms[i, n_units:], gradient[i], to_terms[i]
            for j in range(i + 1, end):
                own_j, other_j = terms[j, :n_units], terms[j, n_units:]
                gradient_j, to_terms_j = gradient[j], to_terms[j]
                e0, e1, e2 = pairs[pair, 0], pairs[pair, 1], pairs[pair, 2]
                for h in range(n_units):
                    common = e0 * w0[h] + e1 * w1[h] + e2 * w2[h]
                    to_i[h] = gradient_i[h] if own_i[h] + other_j[h] + common > zero else zero
                for h in range(n_units):
                    common = e0 * w0[h] + e1 * w1[h] + e2 * w2[h]
                    to_j[h] = gradient_j[h] if own_j[h] + other_i[h] + common > zero else zero
                _add(to_terms_i[:n_units], to_i)
                _add(to_terms_i[n_units:], to_j)
                _add(to_terms_j[:n_units], to_j)
                _add(to_terms_j[n_units:], to_i)
                _add(to_i, to_j)
                _add_times(to_w[0], to_i, e0)
                _add_times(to_w[1], to_i, e1)
                _add_times(to_w[2], to_i, e2)
                pair += 1
    to_weight[:] = to_w
