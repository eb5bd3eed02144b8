"""The linear layer of the efficiency networks: weights as (inputs, outputs), and results that no other row changes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from numba import njit
from torch import Tensor, nn

from deepsf.efficiency.events.events import Floats32

_ROW_BY_ROW = ContextVar("row_by_row", default=False)


@contextmanager
def row_by_row() -> Iterator[None]:
    """Let `Linear` compute every row in the same order of operations, whichever and how many rows there are.

    Libraries of matrix products choose their algorithm by the number of rows, so that the last bits of a row depend on
    the others. Costs a factor 3; for evaluation on CPUs, has no gradient.
    """
    token = _ROW_BY_ROW.set(True)
    try:
        yield
    finally:
        _ROW_BY_ROW.reset(token)


class Linear(nn.Module):
    """x W + b for rows x. Weights and biases start uniform in +-1/sqrt(n_inputs), as those of torch.nn.Linear."""

    def __init__(self, n_inputs: int, n_outputs: int, generator: torch.Generator, *, bias: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(uniform((n_inputs, n_outputs), n_inputs, generator))
        self.bias = nn.Parameter(uniform((n_outputs,), n_inputs, generator)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """Return float32 ``(n, n_outputs)`` for ``(n, n_inputs)``."""
        return linear(x, self.weight, self.bias)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Return x W + b, ``(n, n_outputs)``, for x ``(n, n_inputs)``, W ``(n_inputs, n_outputs)``, b ``(n_outputs,)``."""
    if _ROW_BY_ROW.get():
        output = x.new_zeros(len(x), weight.shape[1]) if bias is None else bias.detach().repeat(len(x), 1)
        _add_products(x.contiguous().numpy(), weight.detach().contiguous().numpy(), output.numpy())
        return output
    return x @ weight if bias is None else torch.addmm(bias, x, weight)


def uniform(shape: tuple[int, ...], fan_in: int, generator: torch.Generator) -> Tensor:
    """Return uniform numbers in +-1/sqrt(fan_in)."""
    return (2 * torch.rand(shape, generator=generator) - 1) / math.sqrt(fan_in)


# No reassociation: each output is summed in the order of the inputs. Contraction to fused products changes all alike.
@njit(cache=True, fastmath={"contract"}, error_model="numpy")
def _add_products(x: Floats32, weight: Floats32, output: Floats32) -> None:
    for row in range(len(x)):
        out = output[row]
        for k in range(len(weight)):
            value, weights = x[row, k], weight[k]
            for column in range(len(weights)):
                out[column] += value * weights[column]
