"""Probabilities of tag bins in a mixture of flavours, from shifts of each flavour's probabilities."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from deepsf.networks.class_probabilities import ClassProbabilities


class MixtureBins(nn.Module):
    """log P(k|theta) = log sum_f q(f|theta) e_fk(theta), as logits relative to bin 0.

    e_f = softmax(log e^MC_f + s_f) for flavours with a shift, s_f = 0 in bin 0: probabilities whatever the shift is.
    The fractions q and the probabilities e^MC are columns of the input, not trained here.

    Parameters
    ----------
    shifts
        By index of the flavour; flavours without one keep the probabilities of their columns.
    n_flavours, n_bins
        All of them.
    """

    def __init__(self, shifts: Mapping[int, ClassProbabilities], *, n_flavours: int, n_bins: int) -> None:
        super().__init__()
        self._shifts = nn.ModuleList(shifts.values())
        self._place = {flavour: place for place, flavour in enumerate(shifts)}
        self._n_flavours, self._n_bins = n_flavours, n_bins

    def forward(self, rows: Tensor) -> Tensor:
        """Return the logits, shape ``(n, n_bins - 1)``.

        Parameters
        ----------
        rows
            float32: log q of all flavours; log e^MC of all bins, one flavour after the other; the features of theta.
        """
        first, last = self._n_flavours, self._n_flavours * (1 + self._n_bins)
        fractions, of_flavours, theta = rows[:, :first], rows[:, first:last], rows[:, last:]
        terms = []
        for flavour, log_e in enumerate(torch.split(of_flavours, self._n_bins, 1)):
            place = self._place.get(flavour)
            in_data = log_e if place is None else shifted(log_e, self._shifts[place](theta))
            terms.append(fractions[:, flavour : flavour + 1] + in_data)
        log_p = torch.logsumexp(torch.stack(terms), 0)
        return log_p[:, 1:] - log_p[:, :1]


def shifted(log_probability: Tensor, shift: Tensor) -> Tensor:
    """Return log softmax(log p + s), ``(n, n_bins)``, with shifts ``(n, n_bins - 1)`` of all bins but the first."""
    with_first = torch.cat([shift.new_zeros(len(shift), 1), shift], 1)
    return torch.log_softmax(log_probability + with_first, 1)
