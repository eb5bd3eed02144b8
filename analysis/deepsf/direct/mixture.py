"""Density ratio of data to a mixture of simulated flavours, from the scale factors of these."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn


class MixtureRatio(nn.Module):
    """log r(x) = log sum_f p(f|x) S_f(x), the logit of a classifier of data against simulation.

    S_f = exp(network), clipped, for the flavours that have one; 1 for the others. p(f|x) is the fraction of flavour f
    in the simulation at x: a column of the input, not trained here.

    Parameters
    ----------
    networks
        By index of the flavour: n rows of ``n_inputs`` features -> ``(n,)``.
    n_inputs
        Features of each network.
    log_sf_max
        |log S| is clipped to this.
    """

    def __init__(self, networks: Mapping[int, nn.Module], *, n_flavours: int, n_inputs: int, log_sf_max: float) -> None:
        super().__init__()
        self._networks = nn.ModuleList(networks.values())
        self._flavours = tuple(networks)
        self._n_flavours, self._n_inputs, self._log_sf_max = n_flavours, n_inputs, log_sf_max

    def forward(self, rows: Tensor) -> Tensor:
        """Return the logits, shape ``(n, 1)``.

        Parameters
        ----------
        rows
            float32: the logarithms of p(f|x) of all flavours, then the features of one network after the other, in the
            order of ``networks``.
        """
        first = self._n_flavours
        terms = list(rows[:, :first].unbind(1))
        for flavour, network in zip(self._flavours, self._networks, strict=True):
            log_sf = network(rows[:, first : first + self._n_inputs])
            terms[flavour] = terms[flavour] + log_sf.clamp(-self._log_sf_max, self._log_sf_max)
            first += self._n_inputs
        return torch.logsumexp(torch.stack(terms, 1), 1, keepdim=True)
