"""Parts that all efficiency networks have: flavour embeddings, and a bias by flavour that starts at the mean rate."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from deepsf.efficiency.networks.linear import Linear, linear

_OUTPUT_SCALE = 0.1


class Embedding(nn.Embedding):
    """Vectors of codes with normal initial values, looked up by a product with unit vectors.

    The gradient is a matrix product then. torch's look-up sums over examples instead, which is much slower for a few
    rows that thousands of examples share.
    """

    def __init__(self, n_codes: int, width: int, generator: torch.Generator | None = None) -> None:
        start = torch.zeros(n_codes, width) if generator is None else torch.randn(n_codes, width, generator=generator)
        super().__init__(n_codes, width, _weight=start)
        self.register_buffer("_units", torch.eye(n_codes), persistent=False)

    def forward(self, codes: Tensor) -> Tensor:
        """Return ``(n, width)`` for codes ``(n,)``."""
        units: Tensor = self._units.index_select(0, codes)  # type: ignore[operator]
        return linear(units, self.weight, None)


def shrink_(output: Linear) -> Linear:
    """Return an output layer that starts near zero, so that a network starts at its bias by flavour."""
    with torch.no_grad():
        output.weight.mul_(_OUTPUT_SCALE)
        if output.bias is not None:
            output.bias.zero_()
    return output


class FlavourBias(Embedding):
    """A bias of each of K outputs by flavour, 0 at first; it is an embedding, so it does not decay."""

    def __init__(self, n_flavours: int, n_points: int) -> None:
        super().__init__(n_flavours, n_points)

    def set_logits(self, fractions: Tensor) -> None:
        """Set logits of bins 1 to K relative to bin 0 from fractions ``(n_flavours, K + 1)``."""
        self._set(torch.log(fractions[:, 1:] / fractions[:, :1]))

    def set_nested_logits(self, fractions: Tensor) -> None:
        """Set logits of passing each working point among those that pass the one before it."""
        passing = fractions.flip(1).cumsum(1).flip(1)
        self._set(torch.logit(passing[:, 1:] / passing[:, :-1]))

    def _set(self, logits: Tensor) -> None:
        with torch.no_grad():
            self.weight.copy_(logits)
