"""What trainings print while they run, and what they leave for another attempt."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tasks.framework.base import ConfigTask
from tasks.framework.provenance import digest

if TYPE_CHECKING:
    from deepsf.training.checkpoint import Checkpoint
    from deepsf.training.history import Progress


class ProgressLine:
    """Prints a line with losses and time left, at most every ``interval_s`` seconds."""

    interval_s = 20.0

    def __init__(self, task: ConfigTask, name: str) -> None:
        self._task, self._name, self._said = task, name, time.monotonic()
        self._first: tuple[int, float] | None = None

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if self._first is None:  # of this attempt: a resumed training does not begin at step 1
            self._first = progress.step, now
        done, taken = progress.step - self._first[0], now - self._first[1]
        if now - self._said < self.interval_s or not done:
            return
        self._said = now
        left = taken / done * (progress.n_steps - progress.step)
        losses = ", ".join(f"{name} {value:.4f}" for name, value in progress.losses.items())
        minutes = f"{int(left // 60)}:{int(left % 60):02d}"
        self._task.publish_message(
            f"{self._name}: step {progress.step} of {progress.n_steps}, {minutes} min left; {losses}"
        )


def checkpoint_of(task: ConfigTask, name: str) -> Checkpoint:
    """Return where a training saves its state: the one file that the task keeps between attempts."""
    from deepsf.training.checkpoint import Checkpoint

    (path,) = task.kept_between_attempts()
    return Checkpoint(
        path,
        key=digest(task.inputs_now()),
        # not through cfg: how often a state is saved changes no result
        every_s=60 * task.plan_cfg("htcondor.checkpoint_minutes"),
        tell=lambda line: task.publish_message(f"{name}: {line}"),
    )
