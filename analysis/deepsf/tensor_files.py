"""Files of tensors with a JSON header (safetensors): equal content gives equal bytes, and what is read is checked.

A header names its format, ``<what it is>-<version>``. Whoever reads a file says which format it takes and builds its
result from header and tensors; whatever goes wrong there is a `TensorFileError`. The header also gets a digest of
itself and of the tensors, so that a bit that is flipped on the disk is found.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt
import safetensors.numpy
from safetensors import safe_open

from deepsf.reading import in_words, reading

if TYPE_CHECKING:
    from torch import nn

Header = dict[str, Any]
Tensors = dict[str, npt.NDArray[Any]]
Layout = dict[str, tuple[np.dtype[Any], tuple[int, ...]]]
"""Type and shape of tensors by name."""
Result = TypeVar("Result")

_KEY = "deepsf"
_DIGEST = "sha256"
"""In the header: a second key of the file's metadata would stand before or after it by chance."""


class TensorFileError(ValueError):
    """A file of tensors is of no use; the message names the file, what is wrong with it, and the way out."""


def write(path: Path, header: Mapping[str, Any], tensors: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write a file; see `to_bytes`."""
    # not save_file: its files are their owner's alone, and its error of a full disk is not the system's
    path.write_bytes(to_bytes(header, tensors))


def to_bytes(header: Mapping[str, Any], tensors: Mapping[str, npt.NDArray[Any]]) -> bytes:
    """Return the content of a file with this header, which holds ``format``, and these tensors."""
    # safetensors writes memory as it lies; ascontiguousarray would give scalars an axis
    in_order = {name: np.asarray(tensor, order="C") for name, tensor in tensors.items()}
    signed = {**header, _DIGEST: _digest(header, in_order)}
    return safetensors.numpy.save(in_order, {_KEY: json.dumps(signed, allow_nan=False)})


def _digest(header: Mapping[str, Any], tensors: Tensors) -> str:
    hashed = hashlib.sha256(json.dumps(header, allow_nan=True).encode())  # of whatever a file holds
    for name, tensor in sorted(tensors.items()):
        hashed.update(f"{name} {tensor.dtype.str} {tensor.shape}".encode())
        hashed.update(tensor.data if tensor.size else b"")
    return hashed.hexdigest()


def read(path: Path, format_: str, build: Callable[[Header, Tensors], Result], *, finite: bool = True) -> Result:
    """Return what ``build`` makes of the header and the tensors of a file.

    Parameters
    ----------
    format_
        The format that ``build`` takes.
    build
        Raises ValueError, or stumbles over what is missing, where header and tensors do not belong together.
    finite
        Refuse NaN and infinity in tensors and header.

    Raises
    ------
    TensorFileError
        If the file is not readable, has another format or version, or is inconsistent.
    """
    try:
        with safe_open(path, framework="np") as stored:
            text = (stored.metadata() or {}).get(_KEY, "{}")
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118 - not a mapping
        header = json.loads(text)
    except Exception as error:  # safetensors has errors of many types
        raise TensorFileError(f"{path}: not a readable safetensors file ({in_words(error)}); make it anew") from None
    _check_format(path, header, format_)
    if (stated := header.pop(_DIGEST, None)) != _digest(header, tensors):
        why = "its content is not what was written, it was damaged or edited" if stated else "it has no digest"
        raise TensorFileError(f"{path}: {why}; make it anew")
    with reading(path, TensorFileError):
        if finite:
            json.loads(text, parse_constant=_refuse)
            _check_finite(tensors)
        return build(header, tensors)


def _check_format(path: Path, header: Any, expected: str) -> None:
    found = header.get("format") if isinstance(header, dict) else None
    if found == expected:
        return
    if isinstance(found, str) and found.rpartition("-")[0] == expected.rpartition("-")[0]:
        way_out = "another version of deepsf wrote it: make it anew with this one, or read it with that one"
    else:
        way_out = "it holds something else: give another file"
    raise TensorFileError(f"{path}: format {found!r} is not {expected!r}; {way_out}")


def check_layout(tensors: Tensors, expected: Layout) -> None:
    """Compare the tensors of a file to what its header announces.

    Raises
    ------
    ValueError
        If names, types or shapes differ.
    """
    if missing := expected.keys() - tensors.keys():
        raise ValueError(f"it lacks tensors {', '.join(sorted(missing))}, which its header announces")
    if surplus := tensors.keys() - expected.keys():
        raise ValueError(f"its header announces no tensors {', '.join(sorted(surplus))}")
    for name, (dtype, shape) in expected.items():
        if (found := tensors[name]).dtype != dtype or found.shape != shape:
            raise ValueError(
                f"tensor {name} is {found.dtype} of shape {found.shape}, its header announces {dtype} of shape {shape}"
            )


def weights_of(modules: Mapping[str, nn.Module]) -> Tensors:
    """Return the weights of networks, not copied, as ``<name of the network>/<name in it>``."""
    return {
        f"{prefix}/{name}": tensor.numpy()
        for prefix, module in modules.items()
        for name, tensor in module.state_dict().items()
    }


def with_weights(
    build: Callable[[], Result], networks: Callable[[Result], Mapping[str, nn.Module]], tensors: Tensors
) -> Result:
    """Return what ``build`` makes, its ``networks`` with the weights that `weights_of` returned.

    The tensors are compared to what the header announces before memory is asked for.

    Raises
    ------
    ValueError
        If names, types or shapes differ.
    """
    import torch  # efficiencies of jets are read without

    with torch.device("meta"):
        expected = {
            f"{prefix}/{name}": (np.dtype(str(tensor.dtype).removeprefix("torch.")), tuple(tensor.shape))
            for prefix, module in networks(build()).items()
            for name, tensor in module.state_dict().items()
        }
    check_layout(tensors, expected)
    result = build()
    for prefix, module in networks(result).items():
        module.load_state_dict({name: torch.from_numpy(tensors[f"{prefix}/{name}"]) for name in module.state_dict()})
    return result


def check_sizes(sizes: Mapping[str, int], tensors: Tensors) -> None:
    """Refuse numbers of layers and units that no tensor of the file can have, before networks are built of them.

    Raises
    ------
    ValueError
        If a size is above that of every tensor, and their number.
    """
    most = 1 + max([len(tensors), *(max(tensor.shape, default=0) for tensor in tensors.values() if tensor.size)])
    for name, size in sizes.items():
        if not 1 <= size <= most:
            raise ValueError(f"its header announces {name} = {size}, its tensors allow {most} at most")


def _check_finite(tensors: Tensors) -> None:
    for name, tensor in tensors.items():
        if np.issubdtype(tensor.dtype, np.floating) and (bad := int(np.count_nonzero(~np.isfinite(tensor)))):
            raise ValueError(f"{bad} of {tensor.size} numbers of tensor {name} are not finite")


def _refuse(constant: str) -> None:
    raise ValueError(f"its header holds the number {constant}, which is not finite")
