"""What all trainings do: steps to the end with saves on the way, and networks that learn from losses.

A training is interrupted and continued without a trace: its `state` has all that steps change.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from deepsf.training.checkpoint import Checkpoint, State
from deepsf.training.history import History, Progress

Gradients = Sequence[tuple[nn.Parameter, Tensor]]
"""Of parameters."""
VALIDATION_MAX = 50_000
"""Examples at which a validation loss is taken: they are looked at, never trained on."""


class NonFiniteLossError(FloatingPointError):
    """A loss became NaN or infinite; the message names network, step and the ranges of what went in."""


class Learner:
    """A network and its Adam or SGD, whose state is made at once, as the first step would make it."""

    def __init__(self, network: nn.Module, optimiser: torch.optim.Adam | torch.optim.SGD) -> None:
        self.network, self._optimiser = network, optimiser
        is_sgd = isinstance(optimiser, torch.optim.SGD)
        self._memory = ("momentum_buffer",) if is_sgd else ("exp_avg", "exp_avg_sq")
        self.forget()

    @property
    def learning_rate(self) -> float:
        """That of the last step."""
        return float(self._optimiser.param_groups[0]["lr"])

    def forget(self) -> None:
        """Begin with a fresh optimiser: what it remembers of earlier steps is gone, the weights stay."""
        for parameter in self.network.parameters():
            state = {name: torch.zeros_like(parameter) for name in self._memory}
            if "exp_avg" in state:
                state["step"] = torch.tensor(0.0)
            self._optimiser.state[parameter] = state

    def step(self, loss: Tensor, learning_rate: float, explain: Callable[[float], str]) -> float:
        """Change the network by a step against the gradient of a scalar loss; return the loss.

        Raises
        ------
        NonFiniteLossError
            If the loss is not finite; ``explain`` makes the message of it.
        """
        value = _finite(float(loss.detach()), explain)
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._descend(learning_rate)
        return value

    def step_along(
        self, loss: float, gradients: Gradients, learning_rate: float, explain: Callable[[float], str]
    ) -> float:
        """Do what `step` does with gradients that are there already, of all parameters."""
        value = _finite(loss, explain)
        for parameter, gradient in gradients:
            parameter.grad = gradient
        self._descend(learning_rate)
        return value

    def _descend(self, learning_rate: float) -> None:
        for group in self._optimiser.param_groups:
            group["lr"] = learning_rate
        self._optimiser.step()

    def tensors(self) -> dict[str, Tensor]:
        """Return the numbers behind weights and optimiser, not copied."""
        tensors = {}
        for name, parameter in self.network.named_parameters():
            tensors[name] = parameter.detach()
            tensors |= {f"{name}/{key}": value for key, value in self._optimiser.state[parameter].items()}
        return tensors


def _finite(loss: float, explain: Callable[[float], str]) -> float:
    if not math.isfinite(loss):
        raise NonFiniteLossError(explain(loss))
    return loss


class Trainer(ABC):
    """A training of some networks, by name, in ``n_steps`` steps; subclasses say what a step is."""

    def __init__(self, learners: Mapping[str, Learner], n_steps: int) -> None:
        self.learners, self.n_steps = dict(learners), n_steps
        self.step, self.history = 0, History()

    def run(self, report: Callable[[Progress], None] = lambda _: None, checkpoint: Checkpoint | None = None) -> None:
        """Train to the end: from the beginning, or from the checkpoint if it holds a state of this training."""
        if checkpoint is not None and (saved := checkpoint.load(like=self.state())) is not None:
            self.restore(saved)
            checkpoint.tell(f"continues at step {self.step} of {self.n_steps}")
        while self.step < self.n_steps:
            losses = self.next_step()
            if checkpoint is not None and checkpoint.due():
                checkpoint.save(self.state())
            report(Progress(self.step, self.n_steps, losses))

    @abstractmethod
    def next_step(self) -> dict[str, float]:
        """Take one step, at the end of a pass add to the history, count the step; return its losses by name."""

    def state(self) -> State:
        """Return all that steps change; tensors are those in use and not copies, so the next step changes them."""
        place = self._place()
        numbers = {"step": self.step, "history": self.history.columns, **place.numbers}
        return State(self._tensors() | place.tensors, numbers)

    def restore(self, state: State) -> None:
        """Go to a state of this training."""
        for name, tensor in self._tensors().items():
            tensor.copy_(state.tensors[name])
        self.step, self.history = state.numbers["step"], History(state.numbers["history"])
        self._go_to(state)

    def _tensors(self) -> dict[str, Tensor]:
        """Return tensors that steps change, not copied."""
        return {
            f"{n}/{key}": tensor for n, learner in self.learners.items() for key, tensor in learner.tensors().items()
        }

    @abstractmethod
    def _place(self) -> State:
        """Return what else steps change: how far batches are, losses of the present pass."""

    @abstractmethod
    def _go_to(self, state: State) -> None:
        """Take up what `_place` returned."""
