"""Flat examples for `deepsf.training.classifier`: a row of features, a class and a signed weight each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from deepsf.arrays import Bools, Reals
from deepsf.training.classifier import Batch
from deepsf.training.engine import VALIDATION_MAX


class Rows:
    """Rows in batches of nearly equal size; every row with a weight is in exactly one batch of a pass.

    Parameters
    ----------
    features
        float32, ``(n, n_features)``; a batch's ``inputs`` are such rows.
    label
        Class of each row from 0, int64, ``(n,)``.
    weight
        Signed, ``(n,)``: generator weight times bootstrap factor. Rows of weight 0 are left out.
    size
        Rows of a batch.
    validation
        Which rows are not trained on, bool, ``(n,)``; none by default.
    names
        Of the features, for messages.

    Raises
    ------
    ValueError
        If lengths differ, a feature or weight is not finite, or no class but one has weight.
    """

    def __init__(
        self,
        features: Tensor,
        label: Tensor,
        weight: Reals,
        size: int,
        *,
        validation: Bools | None = None,
        names: Sequence[str] = (),
    ) -> None:
        held_out = np.zeros(len(weight), bool) if validation is None else validation
        _check(features, label, weight, held_out)
        self._features, self._label = features, label
        self._weight = torch.from_numpy(weight.astype(np.float32))
        self._train = torch.from_numpy(np.flatnonzero(~held_out & (weight != 0)))
        self._held_out = torch.from_numpy(np.flatnonzero(held_out & (weight != 0))[:VALIDATION_MAX])
        if len(classes := torch.unique(label[self._train])) < 2:
            raise ValueError(f"a classifier needs two classes or more, the rows to train on are all of {classes}")
        self._names = names or [f"feature {k}" for k in range(features.shape[1])]
        self.per_pass = max(1, round(len(self._train) / size))
        self.sum_abs_weight = float(np.abs(weight[~held_out]).sum())
        self._parts: tuple[Tensor, ...] = ()

    def shuffle(self, generator: torch.Generator) -> None:
        """Divide the rows anew."""
        order = self._train[torch.randperm(len(self._train), generator=generator)]
        self._parts = torch.tensor_split(order, self.per_pass)

    def batch(self, number: int) -> Batch:
        """Return a batch of the present division."""
        return self._of(self._parts[number])

    def validation(self) -> Iterator[Batch]:
        """Return the first rows that are held out, in one batch."""
        if len(self._held_out):
            yield self._of(self._held_out)

    def describe(self, batch: Batch) -> str:
        """Return the ranges of the features."""
        low, high = batch.inputs.amin(0), batch.inputs.amax(0)
        ranges = zip(self._names, low, high, strict=True)
        return ", ".join(f"{name} [{float(a):.3g}, {float(b):.3g}]" for name, a, b in ranges)

    def _of(self, rows: Tensor) -> Batch:
        parts = (values.index_select(0, rows) for values in (self._features, self._label, self._weight))
        return Batch(*parts)


def _check(features: Tensor, label: Tensor, weight: Reals, validation: Bools) -> None:
    lengths = {"features": len(features), "label": len(label), "weight": len(weight), "validation": len(validation)}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"columns of rows differ in length: {lengths}")
    for name, bad in (
        ("features", int((~torch.isfinite(features)).any(1).sum())),
        ("weight", int(np.sum(~np.isfinite(weight)))),
    ):
        if bad:
            raise ValueError(f"{name} of {bad} of {len(weight)} rows are not finite; remove them first")
