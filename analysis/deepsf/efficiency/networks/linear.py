"""The linear layer of the efficiency networks: weights as (inputs, outputs)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


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
    return x @ weight if bias is None else torch.addmm(bias, x, weight)


def uniform(shape: tuple[int, ...], fan_in: int, generator: torch.Generator) -> Tensor:
    """Return uniform numbers in +-1/sqrt(fan_in)."""
    return (2 * torch.rand(shape, generator=generator) - 1) / math.sqrt(fan_in)
