"""Probabilities of classes from a dense network, as a classifier of `deepsf.training.classifier` learns them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from deepsf.networks.dense import DenseNetwork


class ClassProbabilities(nn.Module):
    """Logits relative to class 0: the outputs of a dense network, one for each other class.

    Parameters
    ----------
    network
        Has one output less than there are classes.
    start
        Probabilities that it begins with, above 0, if its last layer has no weights yet; equal ones by default.
    """

    def __init__(self, network: DenseNetwork, start: Sequence[float] | None = None) -> None:
        super().__init__()
        self.network = network
        if start is not None:
            logits = np.log(np.asarray(start[1:], np.float64) / start[0])
            with torch.no_grad():
                network.last_bias.copy_(torch.from_numpy(logits))

    def forward(self, features: Tensor) -> Tensor:
        """Return the logits, shape ``(n, n_classes - 1)``."""
        logits: Tensor = self.network(features)
        return logits if logits.dim() == 2 else logits[:, None]

    @torch.no_grad()
    def log_probability(self, features: Tensor) -> Tensor:
        """Return the logarithm of the probability of every class, shape ``(n, n_classes)``."""
        return log_probabilities(self.forward(features))


def log_probabilities(logits: Tensor) -> Tensor:
    """Return log p of all classes, ``(n, n_classes)``, from logits relative to class 0, ``(n, n_classes - 1)``."""
    return torch.log_softmax(torch.cat([logits.new_zeros(len(logits), 1), logits], 1), 1)
