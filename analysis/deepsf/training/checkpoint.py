"""The whole state of a training on disk: one that was evicted, killed or out of time goes on where it was.

A single safetensors file: tensors, with all other numbers as JSON in its metadata. It is written beside its place and
renamed. A file that cannot be trusted in full is not used at all: starting anew costs time, never the result.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import safetensors.torch
import torch
from safetensors import safe_open

_FORMAT = "deepsf-checkpoint-1"


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
        numbers = json.dumps({"format": _FORMAT, "key": self.key, "numbers": state.numbers})
        metadata = {"deepsf": numbers, "sha256": _digest(numbers, state.tensors)}
        content = safetensors.torch.save(state.tensors, metadata)
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
            return _read(self.path, self.key, like)
        except Exception as error:  # whatever is wrong with the file, the training can begin anew
            self.tell(f"begins anew, {self.path.name} is of no use: {error}")
            return None

    def remove(self) -> None:
        """Remove the file: the training's result is in its place."""
        self.path.unlink(missing_ok=True)
        self._part.unlink(missing_ok=True)


def _read(path: Path, key: str, like: State) -> State:
    with safe_open(path, framework="pt") as stored:
        metadata = stored.metadata() or {}
        if not {"deepsf", "sha256"} <= metadata.keys():
            raise ValueError("not a checkpoint")
        tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118 - not a mapping
    if _digest(metadata["deepsf"], tensors) != metadata["sha256"]:
        raise ValueError("it is damaged, its content does not have the digest that it was written with")
    content = json.loads(metadata["deepsf"])
    if content["format"] != _FORMAT:
        raise ValueError(f"its format is {content['format']!r}, not {_FORMAT!r}")
    if content["key"] != key:
        raise ValueError("it was made from other inputs")
    state = State(tensors, content["numbers"])
    if _layout(state) != _layout(like):
        raise ValueError("its tensors are not those of this training, another version of the code wrote it")
    return state


def _layout(state: State) -> tuple[dict[str, tuple[torch.dtype, torch.Size]], set[str]]:
    return {name: (tensor.dtype, tensor.shape) for name, tensor in state.tensors.items()}, set(state.numbers)


def _digest(numbers: str, tensors: Mapping[str, torch.Tensor]) -> str:
    hashed = hashlib.sha256(numbers.encode())
    for name, tensor in sorted(tensors.items()):
        hashed.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        hashed.update(tensor.flatten().numpy().data)
    return hashed.hexdigest()
