"""Ways to spoil a file of tensors, for the readers of such files."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from safetensors import safe_open

from deepsf import tensor_files
from deepsf.tensor_files import TensorFileError


def content(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and tensors of a file."""
    with safe_open(path, framework="np") as stored:
        header = json.loads(stored.metadata()["deepsf"])
        tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    del header["sha256"]
    return header, tensors


def spoil(path: Path, header: dict[str, Any], tensors: dict[str, Any]) -> None:
    """Write a file as whoever edits one would, with a digest of what is in it now."""
    signed = {**header, "sha256": tensor_files._digest(header, tensors)}
    path.write_bytes(safetensors.numpy.save(tensors, {"deepsf": json.dumps(signed)}))


def accepted(path: Path, load: Callable[[Path], Any]) -> list[str]:
    """Spoil a file in many ways; return those that ``load`` takes, and check that it names the file in all others."""
    taken = []
    for damage in _damages(path):
        try:
            load(path)
        except TensorFileError as error:
            if not str(error).startswith(f"{path}: "):
                raise
        else:
            taken.append(damage)
    load(path)
    return taken


def _damages(path: Path) -> Iterator[str]:
    """Spoil a file in one way after the other, and restore it at the end; yield what is wrong with it now."""
    whole = path.read_bytes()
    header, tensors = content(path)
    for key in header:
        spoil(path, {k: v for k, v in header.items() if k != key}, tensors)
        yield f"header without {key}"
    for name, tensor in tensors.items():
        others = {k: v for k, v in tensors.items() if k != name}
        spoil(path, header, others)
        yield f"{name} missing"
        spoil(path, header, {**others, f"{name}_": tensor})
        yield f"{name} renamed"
        spoil(path, header, {**others, name: tensor[..., None]})
        yield f"{name} with another axis"
        spoil(path, header, {**others, name: tensor.astype(np.float64)})
        yield f"{name} in double precision"
        if tensor.size and tensor.dtype != bool:
            broken = tensor.copy()
            broken.flat[-1] = np.nan
            spoil(path, header, {**others, name: broken})
            yield f"NaN in {name}"
    path.write_bytes(whole[:-1])
    yield "a byte missing"
    path.write_bytes(whole)
