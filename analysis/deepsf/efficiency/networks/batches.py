"""Batches of events for training: all have the same share of every multiplicity, every pass has all events."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch

from deepsf.arrays import Ints, Singles
from deepsf.efficiency.networks.jet_tensors import JetTensors
from deepsf.training.classifier import Batch
from deepsf.training.engine import VALIDATION_MAX

_VALIDATION_BLOCK = 8192


class EventBatches:
    """Batches of events for `deepsf.training.classifier`; labels and weights are those of jets.

    For each n, all batches have the same number of events with n jets, give or take one, so that batches hardly differ
    in size. If there are fewer such events than batches, they go into different batches in each pass.

    Parameters
    ----------
    label
        Class of each jet, ``(n_jets,)``.
    weight
        Weight of each jet, float32, ``(n_jets,)``.
    factor
        How often each event is drawn, ``(n_events,)``; events with 0 serve validation only.
    size
        Events per batch; an event that is drawn k times counts k times.
    """

    def __init__(
        self,
        jets: JetTensors,
        label: npt.NDArray[np.int8],
        weight: Singles,
        factor: Ints,
        size: int,
    ) -> None:
        self._jets = jets
        self._label, self._weight = torch.tensor(label), torch.from_numpy(weight)
        self._drawn = self._weight * torch.from_numpy(np.repeat(factor, np.diff(jets.offsets)).astype(np.float32))
        n_jets = np.diff(jets.offsets)
        counted = (factor > 0) & (n_jets > 0)
        self._groups = [np.flatnonzero(counted & (n_jets == n)) for n in np.unique(n_jets[counted])]
        self._held_out = np.flatnonzero((factor == 0) & (n_jets > 0))[:VALIDATION_MAX]
        self.per_pass = max(1, round(float(factor[counted].sum()) / size))
        self.sum_abs_weight = float(self._drawn.abs().sum(dtype=torch.float64))
        self._order, self._ends = np.empty(0, np.int64), np.empty(0, np.int64)

    def shuffle(self, generator: torch.Generator) -> None:
        """Divide the events into new batches."""
        events, places = [], []
        for group in self._groups:
            events.append(group[torch.randperm(len(group), generator=generator).numpy()])
            # evenly over the pass from a random place on: else the first batches would get all rare multiplicities
            begin = float(torch.rand(1, generator=generator, dtype=torch.float64))
            places.append((np.arange(len(group)) + begin) / len(group) * self.per_pass)
        number = np.concatenate(places).astype(np.int64) % self.per_pass
        self._order = np.concatenate(events)[np.argsort(number, kind="stable")]
        self._ends = np.cumsum(np.bincount(number, minlength=self.per_pass))

    def batch(self, number: int) -> Batch:
        """Return a batch; ``inputs`` are `JetTensors`."""
        begin = self._ends[number - 1] if number else 0
        return self._of(self._order[begin : self._ends[number]], drawn=True)

    def validation(self) -> Iterator[Batch]:
        """Yield events that were not drawn."""
        for begin in range(0, len(self._held_out), _VALIDATION_BLOCK):
            yield self._of(self._held_out[begin : begin + _VALIDATION_BLOCK], drawn=False)

    def describe(self, batch: Batch) -> str:
        """Return the ranges of scaled inputs and of features of pairs."""
        jets: JetTensors = batch.inputs
        columns = {name: jets.x[:, k] for k, name in enumerate(("log pT", "pT", "|eta|"))}
        if jets.pairs is not None and len(jets.pairs):
            columns["DeltaR"] = jets.pairs[:, 0]
        ranges = ", ".join(f"{name} [{float(v.min()):.3g}, {float(v.max()):.3g}]" for name, v in columns.items())
        return f"scaled inputs {ranges}, {int(np.diff(jets.offsets).max())} jets at most"

    def _of(self, events: Ints, *, drawn: bool) -> Batch:
        jets, rows = self._jets.take(events)
        weight = (self._drawn if drawn else self._weight).index_select(0, rows)
        return Batch(jets, self._label.index_select(0, rows).long(), weight)
