"""Stochastic gradient descent with momentum and decoupled weight decay."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch


class DecoupledSgd(torch.optim.SGD):
    """SGD whose weight decay does not pass through the momentum: SGDW, arXiv:1711.05101, algorithm 1.

    Parameters
    ----------
    groups
        Of parameters, each with its ``decoupled_decay``.
    """

    def __init__(self, groups: list[dict[str, Any]], *, lr: float, momentum: float) -> None:
        super().__init__(groups, lr=lr, momentum=momentum)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> Any:
        """Take a step; see torch.optim.SGD."""
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.mul_(1.0 - group["lr"] * group["decoupled_decay"])
        return super().step(closure)
