"""Sum of messages over the neighbours of a jet, without storing messages.

A message is relu(W [h_i, h_j, e_ij] + b) = relu(a_i + c_j + W_e e_ij) with a and c linear in h. So a and c are computed
once per jet instead of once per edge.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numba import njit
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from deepsf.arrays import Ints, Singles
from deepsf.efficiency.networks.pairs import edges
from deepsf.efficiency.networks.stack_rows import WIDTH, stack_row


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
    if not is_compiled_for(terms):
        return plain_edge_sum(terms, pairs, weight, offsets)
    units = weight.shape[1]
    if missing := padded(units) - units:
        own, other = (functional.pad(half, (0, missing)) for half in terms.chunk(2, 1))
        terms, weight = torch.cat([own, other], dim=1), functional.pad(weight, (0, missing))
    total: Tensor = _EdgeSum.apply(terms, pairs, weight, offsets)  # type: ignore[no-untyped-call]
    return total[:, :units]


def is_compiled_for(values: Tensor) -> bool:
    """Return whether there are compiled forms for such numbers: those of a CPU in float32."""
    return values.device.type == "cpu" and values.dtype == torch.float32


def padded(units: int) -> int:
    """Return the number of units that compiled forms take in place of these: the next multiple of `WIDTH`."""
    return -(-units // WIDTH) * WIDTH


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
        add_messages(offsets, terms.numpy(), pairs.numpy(), weight.numpy(), total.numpy())
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        terms, pairs, weight = ctx.saved_tensors
        to_terms, to_weight = torch.empty_like(terms), torch.zeros_like(weight)
        tensors = terms, pairs, weight, gradient.contiguous(), to_terms, to_weight
        terms_, pairs_, weight_, *others = (tensor.numpy() for tensor in tensors)
        message_gradients(ctx.offsets, terms_, pairs_, weight_, *others)
        return to_terms, None, to_weight, None


# Reassociation alone of fast-math, so that NaN stays NaN. Loops over the features of a row have a constant length and
# indices that cannot be negative, so they become a few vector operations.
_FAST = {"reassoc", "contract", "nsz"}


@njit(cache=True, inline="always")
def _pair(i: int, j: int, n_jets: int) -> int:
    low, high = min(i, j), max(i, j)
    return low * n_jets - low * (low + 1) // 2 + high - low - 1


@njit(cache=True, fastmath=_FAST, error_model="numpy")
def add_messages(offsets: Ints, terms: Singles, pairs: Singles, weight: Singles, total: Singles) -> None:
    """Write the sums of `edge_sum` to ``total``; arrays are contiguous and H is a multiple of `WIDTH`.

    Offsets may begin anywhere, arrays begin with the first jet and pair of the first event.
    """
    n_parts, zero = weight.shape[1] // WIDTH, np.float32(0)
    terms_, total_ = terms.reshape(-1, 2 * n_parts, WIDTH), total.reshape(-1, n_parts, WIDTH)
    sums, w0, w1, w2 = stack_row(), stack_row(), stack_row(), stack_row()
    for part in range(n_parts):
        for h in range(WIDTH):
            w0[h], w1[h], w2[h] = weight[0, part * WIDTH + h], weight[1, part * WIDTH + h], weight[2, part * WIDTH + h]
        first = 0
        for event in range(len(offsets) - 1):
            begin, n_jets = offsets[event] - offsets[0], offsets[event + 1] - offsets[event]
            for i in range(n_jets):
                for h in range(WIDTH):
                    sums[h] = zero
                for j in range(n_jets):
                    if j == i:
                        continue
                    pair = first + _pair(i, j, n_jets)
                    e0, e1, e2 = pairs[pair, 0], pairs[pair, 1], pairs[pair, 2]
                    for h in range(WIDTH):
                        of_pair = e0 * w0[h] + e1 * w1[h] + e2 * w2[h]
                        sums[h] += max(
                            terms_[begin + i, part, h] + terms_[begin + j, n_parts + part, h] + of_pair, zero
                        )
                for h in range(WIDTH):
                    total_[begin + i, part, h] = sums[h]
            first += n_jets * (n_jets - 1) // 2


@njit(cache=True, fastmath=_FAST, error_model="numpy")
def message_gradients(
    offsets: Ints,
    terms: Singles,
    pairs: Singles,
    weight: Singles,
    gradient: Singles,
    to_terms: Singles,
    to_weight: Singles,
) -> None:
    """Write the gradient of terms, and add to that of the weight, for that of the sums of `add_messages`."""
    _gradients_of_targets(offsets, terms, pairs, weight, gradient, to_terms, to_weight)
    _gradients_of_sources(offsets, terms, pairs, weight, gradient, to_terms)


@njit(cache=True, fastmath=_FAST, error_model="numpy")
def _gradients_of_targets(
    offsets: Ints,
    terms: Singles,
    pairs: Singles,
    weight: Singles,
    gradient: Singles,
    to_terms: Singles,
    to_weight: Singles,
) -> None:
    n_parts, zero = weight.shape[1] // WIDTH, np.float32(0)
    terms_, to_terms_ = terms.reshape(-1, 2 * n_parts, WIDTH), to_terms.reshape(-1, 2 * n_parts, WIDTH)
    gradient_ = gradient.reshape(-1, n_parts, WIDTH)
    w0, w1, w2, x0, x1, x2 = stack_row(), stack_row(), stack_row(), stack_row(), stack_row(), stack_row()
    sums, y0, y1, y2 = stack_row(), stack_row(), stack_row(), stack_row()
    for part in range(n_parts):
        for h in range(WIDTH):
            w0[h], w1[h], w2[h] = weight[0, part * WIDTH + h], weight[1, part * WIDTH + h], weight[2, part * WIDTH + h]
            x0[h] = x1[h] = x2[h] = zero
        first = 0
        for event in range(len(offsets) - 1):
            begin, n_jets = offsets[event] - offsets[0], offsets[event + 1] - offsets[event]
            for i in range(n_jets):
                for h in range(WIDTH):
                    sums[h] = y0[h] = y1[h] = y2[h] = zero
                for j in range(n_jets):
                    if j == i:
                        continue
                    pair = first + _pair(i, j, n_jets)
                    e0, e1, e2 = pairs[pair, 0], pairs[pair, 1], pairs[pair, 2]
                    for h in range(WIDTH):
                        of_pair = e0 * w0[h] + e1 * w1[h] + e2 * w2[h]
                        message = terms_[begin + i, part, h] + terms_[begin + j, n_parts + part, h] + of_pair
                        passed = gradient_[begin + i, part, h] if message > zero else zero
                        sums[h] += passed
                        y0[h] += e0 * passed
                        y1[h] += e1 * passed
                        y2[h] += e2 * passed
                for h in range(WIDTH):
                    to_terms_[begin + i, part, h] = sums[h]
                for h in range(WIDTH):
                    x0[h] += y0[h]
                    x1[h] += y1[h]
                    x2[h] += y2[h]
            first += n_jets * (n_jets - 1) // 2
        for h in range(WIDTH):
            to_weight[0, part * WIDTH + h] += x0[h]
            to_weight[1, part * WIDTH + h] += x1[h]
            to_weight[2, part * WIDTH + h] += x2[h]


@njit(cache=True, fastmath=_FAST, error_model="numpy")
def _gradients_of_sources(
    offsets: Ints, terms: Singles, pairs: Singles, weight: Singles, gradient: Singles, to_terms: Singles
) -> None:
    """Messages are computed once more here: that is faster than adding to rows in memory."""
    n_parts, zero = weight.shape[1] // WIDTH, np.float32(0)
    terms_, to_terms_ = terms.reshape(-1, 2 * n_parts, WIDTH), to_terms.reshape(-1, 2 * n_parts, WIDTH)
    gradient_ = gradient.reshape(-1, n_parts, WIDTH)
    sums, w0, w1, w2 = stack_row(), stack_row(), stack_row(), stack_row()
    for part in range(n_parts):
        for h in range(WIDTH):
            w0[h], w1[h], w2[h] = weight[0, part * WIDTH + h], weight[1, part * WIDTH + h], weight[2, part * WIDTH + h]
        first = 0
        for event in range(len(offsets) - 1):
            begin, n_jets = offsets[event] - offsets[0], offsets[event + 1] - offsets[event]
            for j in range(n_jets):
                for h in range(WIDTH):
                    sums[h] = zero
                for i in range(n_jets):
                    if j == i:
                        continue
                    pair = first + _pair(i, j, n_jets)
                    e0, e1, e2 = pairs[pair, 0], pairs[pair, 1], pairs[pair, 2]
                    for h in range(WIDTH):
                        of_pair = e0 * w0[h] + e1 * w1[h] + e2 * w2[h]
                        message = terms_[begin + i, part, h] + terms_[begin + j, n_parts + part, h] + of_pair
                        sums[h] += gradient_[begin + i, part, h] if message > zero else zero
                for h in range(WIDTH):
                    to_terms_[begin + j, n_parts + part, h] = sums[h]
            first += n_jets * (n_jets - 1) // 2
