"""The whole state of a training on disk: one that was evicted, killed or out of time goes on where it was.

A single file of tensors, with all other numbers as JSON in its header. It is written beside its place and renamed. A
file that cannot be trusted in full is not used at all: starting anew costs time, never the result.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch

from deepsf import tensor_files
from deepsf.tensor_files import Header, Tensors

_FORMAT = "deepsf-checkpoint-2"


class State(NamedTuple):
    """All that a training changes: tensors by name, and what JSON tells exactly (a float keeps every bit)."""

    tensors: dict[str, torch.Tensor]
    numbers: dict[str, Any]


class Checkpoint:
    """Where a training keeps its state, and how often.

    Parameters
    ----------
    path
        The file; its folder is made when it is first written.
    key
        Digest of all that the training is made from: a state of another key is never resumed.
    every_s
        Time between two saves [s]; 0 saves at every step.
    tell
        Called with one line on what became of the file.
    """

    def __init__(self, path: Path, key: str, every_s: float, tell: Callable[[str], None]) -> None:
        self.path, self.key, self.every_s, self.tell = path, key, every_s, tell
        self._part = path.with_name(f"{path.name}.part")
        self._saved = time.monotonic()

    def due(self) -> bool:
        """Tell whether it is time to save."""
        return time.monotonic() - self._saved >= self.every_s

    def save(self, state: State) -> None:
        """Replace what was saved before; a kill at any moment leaves the old file or the new one.

        A file that cannot be written (full disk) is told, and not an error: the training does not need it.
        """
        tensors = {name: tensor.numpy() for name, tensor in state.tensors.items()}
        numbers = json.dumps(state.numbers, allow_nan=True)  # the state as it is, for nobody else
        header = {"format": _FORMAT, "key": self.key, "numbers": numbers}
        content = tensor_files.to_bytes(header, tensors)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self._part.open("wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            self._part.replace(self.path)
        except OSError as error:
            self._part.unlink(missing_ok=True)
            self.tell(f"cannot save its state, goes on without: {error}")
        self._saved = time.monotonic()

    def load(self, like: State) -> State | None:
        """Return what was saved last; None if nothing was, or if it must not be resumed, which is told with the reason.

        Parameters
        ----------
        like
            State of the training that would resume: names, types and shapes of its tensors must be the same.
        """
        if not self.path.exists():
            return None
        try:
            header, tensors = tensor_files.read(self.path, _FORMAT, lambda *content: content, finite=False)
            return _state(header, tensors, self.key, like)
        except Exception as error:  # whatever is wrong with the file, the training can begin anew
            self.tell(f"begins anew, {self.path.name} is of no use: {error}")
            return None

    def remove(self) -> None:
        """Remove the file: the training's result is in its place."""
        self.path.unlink(missing_ok=True)
        self._part.unlink(missing_ok=True)


def _state(header: Header, tensors: Tensors, key: str, like: State) -> State:
    if header["key"] != key:
        raise ValueError("it was made from other inputs")
    state = State({name: torch.from_numpy(values) for name, values in tensors.items()}, json.loads(header["numbers"]))
    if _layout(state) != _layout(like):
        raise ValueError("its tensors are not those of this training, another version of the code wrote it")
    return state


def _layout(state: State) -> tuple[dict[str, tuple[torch.dtype, torch.Size]], set[str]]:
    return {name: (tensor.dtype, tensor.shape) for name, tensor in state.tensors.items()}, set(state.numbers)
