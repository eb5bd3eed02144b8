"""A classifier with signed weights, of any network and any examples; its logits are logarithms of density ratios.

The network gives, for each example, K logits relative to class 0, whose own logit is 0. The loss is the weighted
cross-entropy over the K + 1 classes. At its minimum

    exp(logit_k(x)) = (weighted density of class k at x) / (weighted density of class 0 at x),

the densities as the weights give them, not normalised: where classes differ in their sum of weights, that ratio is in
it. Negative weights are subtracted, as they are in a histogram.

What is trained on comes as `Batches`: `deepsf.training.rows.Rows` for flat examples, jets of events in
`deepsf.efficiency.networks.batches`. A training is

>>> training = ClassifierTraining(network, batches, settings, seed)      # doctest: +SKIP
>>> training.run(report, checkpoint)                                     # doctest: +SKIP
>>> ratio = torch.exp(training.network(inputs))                          # doctest: +SKIP
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from deepsf.seeds import torch_generator
from deepsf.training.checkpoint import State
from deepsf.training.engine import Gradients, Learner, Trainer
from deepsf.training.schedule import rate_factor
from deepsf.training.sgd import DecoupledSgd

if TYPE_CHECKING:
    from deepsf.config.efficiency.networks import NetworkTraining


class Batch(NamedTuple):
    """Some examples: what the network takes, the class of each (int64, (n,)) and its weight (float32, (n,))."""

    inputs: Any
    label: Tensor
    weight: Tensor


class Batches(Protocol):
    """Examples of a training, in batches; every pass has its own division into batches.

    Attributes
    ----------
    per_pass
        Batches of a pass.
    sum_abs_weight
        Sum of the weights' absolute values over a pass. The loss of a step is divided by its share of that.
    """

    per_pass: int
    sum_abs_weight: float

    def shuffle(self, generator: torch.Generator) -> None:
        """Divide the examples anew: a function of the generator's state alone."""

    def batch(self, number: int) -> Batch:
        """Return a batch of the present division, ``number`` from 0 to ``per_pass - 1``."""

    def validation(self) -> Iterable[Batch]:
        """Return examples that are not trained on; none if there are none."""

    def describe(self, batch: Batch) -> str:
        """Return the ranges of a batch's inputs in words, for the message of a loss that is not finite."""


@runtime_checkable
class WithGradients(Protocol):
    """A network that has a faster way to its gradients than automatic differentiation."""

    def loss_gradients(
        self, inputs: Any, label: Tensor, weight: Tensor, scale: float
    ) -> tuple[float, Gradients] | None:
        """Return ``scale`` times the sum of weighted `cross_entropies`, and its gradients; None if there is no way."""


class Steps(NamedTuple):
    """Settings of a training.

    Attributes
    ----------
    passes
        Over all examples.
    learning_rate
        Highest of the optimiser.
    learning_rate_warmup
        Fraction of the steps in which it rises.
    learning_rate_final
        Last learning rate over the highest; a cosine leads there.
    weight_decay
        Decoupled weight decay (arXiv:1711.05101) of matrices; biases and embeddings have none.
    optimiser, momentum
        ``adamw``, or ``sgd`` with this momentum.
    """

    passes: float
    learning_rate: float
    learning_rate_warmup: float
    learning_rate_final: float
    weight_decay: float
    optimiser: str = "adamw"
    momentum: float = 0.9


def cross_entropies(logits: Tensor, label: Tensor) -> Tensor:
    """Return the cross-entropy of each example, shape ``(n,)``.

    Parameters
    ----------
    logits
        Relative to class 0, shape ``(n, K)``.
    label
        Class from 0 to K, int64 of shape ``(n,)``.
    """
    if logits.shape[1] == 1:  # the same in one kernel
        z = logits[:, 0]
        return functional.binary_cross_entropy_with_logits(z, label.to(z.dtype), reduction="none")
    with_class_0 = torch.cat([logits.new_zeros(len(logits), 1), logits], 1)
    return functional.cross_entropy(with_class_0, label, reduction="none")


class ClassifierTraining(Trainer):
    """A network in training and all that steps change; the result depends on the arguments alone.

    Parameters
    ----------
    network
        Takes a batch's ``inputs`` and returns logits ``(n, K)``, see the module.
    seed
        Of the division into batches; the network's initial weights are the caller's.

    Raises
    ------
    ValueError
        If there is no example of nonzero weight.
    """

    def __init__(
        self, network: nn.Module, batches: Batches, settings: Steps | NetworkTraining, seed: np.random.SeedSequence
    ) -> None:
        if not batches.sum_abs_weight > 0:
            raise ValueError(f"the weights of the training examples sum up to {batches.sum_abs_weight}: none counts")
        self.network, self.batches, self.settings = network, batches, settings
        self._learner = Learner(network, _optimiser(network, settings))
        super().__init__({"network": self._learner}, math.ceil(settings.passes * batches.per_pass))
        self._generator = torch_generator(seed)
        self._shuffled_from, self._losses = self._generator.get_state(), 0.0

    def _place(self) -> State:
        return State({"shuffled_from": self._shuffled_from}, {"losses": self._losses})

    def _go_to(self, state: State) -> None:
        self._losses, self._shuffled_from = state.numbers["losses"], state.tensors["shuffled_from"]
        self._generator.set_state(self._shuffled_from)
        if self.step:
            self.batches.shuffle(self._generator)

    def next_step(self) -> dict[str, float]:
        """Take one step and return its loss; see `run`."""
        number, loss = self._learn()
        if number + 1 == self.batches.per_pass or self.step == self.n_steps:
            self._end_of_pass(number + 1)
        return {"train": loss}

    def _learn(self) -> tuple[int, float]:
        """Take a step, from a new division into batches where a pass begins; return its number in the pass and loss."""
        number = self.step % self.batches.per_pass
        if number == 0:
            self._shuffled_from = self._generator.get_state()
            self.batches.shuffle(self._generator)
        loss = self._step_on(self.batches.batch(number))
        self._losses += loss
        self.step += 1
        return number, loss

    def _step_on(self, batch: Batch) -> float:
        settings, scale = self.settings, self.batches.per_pass / self.batches.sum_abs_weight
        factor = rate_factor(self.step, self.n_steps, settings.learning_rate_warmup, settings.learning_rate_final)
        rate = settings.learning_rate * factor

        def explain(loss: float) -> str:
            return self._explain(loss, batch)

        network = self.network
        if isinstance(network, WithGradients) and (of_batch := network.loss_gradients(*batch, scale)) is not None:
            return self._learner.step_along(*of_batch, rate, explain)
        loss = scale * torch.dot(batch.weight, cross_entropies(network(batch.inputs), batch.label))
        return self._learner.step(loss, rate, explain)

    def _explain(self, loss: float, batch: Batch) -> str:
        weight = batch.weight
        return (
            f"the loss is {loss} at step {self.step} of {self.n_steps}, after {self.step // self.batches.per_pass} "
            f"complete passes, on {len(weight)} examples: {self.batches.describe(batch)}, weights [{weight.min():.3g}, "
            f"{weight.max():.3g}]; look for outliers there, or lower the learning rate "
            f"({self.settings.learning_rate:g})"
        )

    def _end_of_pass(self, n_steps: int) -> None:
        validation = self._validation_loss()
        self.history.add(
            **{"pass": self.history.n_passes + 1},
            learning_rate=self._learner.learning_rate,
            train_loss=self._losses / n_steps,
            **({} if validation is None else {"validation_loss": validation}),
        )
        self._losses = 0.0

    @torch.no_grad()
    def _validation_loss(self) -> float | None:
        total = weights = 0.0
        for batch in self.batches.validation():
            total += float(torch.dot(batch.weight, cross_entropies(self.network(batch.inputs), batch.label)))
            weights += float(batch.weight.abs().sum())
        return total / weights if weights > 0 else None


def _optimiser(network: nn.Module, settings: Steps | NetworkTraining) -> torch.optim.AdamW | DecoupledSgd:
    embeddings = {id(module.weight) for module in network.modules() if isinstance(module, nn.Embedding)}
    decayed: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name, parameter in network.named_parameters():
        # by name too: biases of stacked layers are matrices
        is_matrix = parameter.dim() > 1 and id(parameter) not in embeddings and not name.endswith("bias")
        (decayed if is_matrix else others).append(parameter)
    is_sgd = settings.optimiser == "sgd"
    key = "decoupled_decay" if is_sgd else "weight_decay"
    groups = [
        {"params": params, key: decay} for params, decay in ((decayed, settings.weight_decay), (others, 0.0)) if params
    ]
    if is_sgd:
        return DecoupledSgd(groups, lr=settings.learning_rate, momentum=settings.momentum)
    return torch.optim.AdamW(groups, lr=settings.learning_rate, fused=True)
