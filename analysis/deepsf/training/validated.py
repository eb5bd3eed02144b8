"""A classifier whose examples that are held out decide: the best network is kept, and a training that is done ends.

The loss at these examples is taken at every *look*: at the end of each pass, and at least `LOOKS` times in a training.
The network that comes of it is that of the look with the smallest loss. After ``patience`` looks of the second half
without a smaller one the training ends: more steps would fit fluctuations. In the first half losses go up and down with
the high learning rate, and say nothing of what is still to be learnt. What a look finds is part of the state, so that a
training that is interrupted goes on as if it had not been.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor, nn

from deepsf.training.checkpoint import State
from deepsf.training.classifier import Batches, ClassifierTraining, Steps

if TYPE_CHECKING:
    from deepsf.config.efficiency.networks import NetworkTraining

LOOKS = 8
"""Fewest looks of a training that is not ended early."""


class ValidatedTraining(ClassifierTraining):
    """A network in training, see `ClassifierTraining`; its history has a row a look.

    Columns are ``pass``, which may be a fraction, ``learning_rate``, ``train_loss`` since the last look,
    ``validation_loss``, and ``start_loss``, the validation loss before the first step, in every row.

    Parameters
    ----------
    n_steps
        Most steps.
    patience
        Looks of the second half without a smaller loss after which the training ends.

    Raises
    ------
    ValueError
        If no example is held out, or their weights add up to nothing.
    """

    def __init__(
        self,
        network: nn.Module,
        batches: Batches,
        settings: Steps | NetworkTraining,
        seed: np.random.SeedSequence,
        *,
        n_steps: int,
        patience: int,
    ) -> None:
        super().__init__(network, batches, settings, seed)
        self.n_steps, self._half = n_steps, n_steps // 2
        self._patience, self._per_look = patience, min(batches.per_pass, math.ceil(n_steps / LOOKS))
        start = self._validation_loss()
        if start is None:
            raise ValueError("no example is held out of the training, or their weights are 0: nothing can validate it")
        self._start, self._smallest, self._looks_since, self._steps_since = start, math.inf, 0, 0
        self._best = {name: tensor.clone() for name, tensor in self._weights().items()}

    def next_step(self) -> dict[str, float]:
        """Take one step, look if it is time, and at the end go back to the best network; return the step's loss."""
        _, loss = self._learn()
        self._steps_since += 1
        if self.step % self._per_look == 0 or self.step == self.n_steps:
            self._look()
        if self.step == self.n_steps:
            self._to_best()
        return {"train": loss}

    def _look(self) -> None:
        validation = self._validation_loss()
        if validation is None:  # the start had one, of the same examples
            raise ValueError("the examples that are held out have lost their weights during the training")
        self.history.add(
            **{"pass": self.step / self.batches.per_pass},
            learning_rate=self._learner.learning_rate,
            train_loss=self._losses / self._steps_since,
            validation_loss=validation,
            start_loss=self._start,
        )
        self._losses, self._steps_since = 0.0, 0
        self._looks_since = self._looks_since + 1 if self.step > self._half else 0
        if validation < self._smallest:
            self._smallest, self._looks_since = validation, 0
            for name, tensor in self._weights().items():
                self._best[name].copy_(tensor)
        if self._looks_since >= self._patience:
            self.n_steps = self.step

    def _to_best(self) -> None:
        for name, tensor in self._weights().items():
            tensor.copy_(self._best[name])

    def _weights(self) -> dict[str, Tensor]:
        return {name: parameter.detach() for name, parameter in self.network.named_parameters()}

    def _place(self) -> State:
        tensors, numbers = super()._place()
        counted = {
            "n_steps": self.n_steps,
            "smallest": self._smallest,
            "looks_since": self._looks_since,
            "steps_since": self._steps_since,
        }
        return State(tensors | {f"best/{name}": tensor for name, tensor in self._best.items()}, numbers | counted)

    def _go_to(self, state: State) -> None:
        super()._go_to(state)
        self.n_steps, self._smallest, self._looks_since, self._steps_since = (
            state.numbers[name] for name in ("n_steps", "smallest", "looks_since", "steps_since")
        )
        for name, tensor in self._best.items():
            tensor.copy_(state.tensors[f"best/{name}"])
