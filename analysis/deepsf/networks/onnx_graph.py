"""A graph of ONNX operations, built up one by one; the same calls give the same bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from deepsf import __version__

OPSET, IR_VERSION = 17, 8
"""Those of ONNX 1.12 (2022): what runtimes of experiments' software read."""
_TYPES = {
    "float": TensorProto.FLOAT,
    "double": TensorProto.DOUBLE,
    "int64": TensorProto.INT64,
    "bool": TensorProto.BOOL,
}


class Value(NamedTuple):
    """Name, element type and dimensions of an input or output; names of dimensions stand for any number."""

    name: str
    kind: str
    shape: tuple[str | int, ...]


class Graph:
    """Operations and constants in the order that they were added in; what is not named gets a number."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._outputs: dict[tuple[Any, ...], str] = {}
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._tensors: list[Any] = []

    def op(self, kind: str, *inputs: Any, name: str | None = None, **attributes: Any) -> str:
        """Return the name of an operation's output; the operation is added unless it is there.

        Parameters
        ----------
        kind
            Name of the operation in ONNX, such as ``MatMul``.
        inputs
            Names of values; anything else is taken for a constant: integers as int64, floating point as it is.
        name
            Of its output.
        """
        given = [value if isinstance(value, str) else self.constant(value) for value in inputs]
        key = kind, *given, name, repr(sorted(attributes.items()))
        if key not in self._outputs:
            self._outputs[key] = name or f"{kind}_{len(self._nodes)}"
            self._nodes.append(helper.make_node(kind, given, [self._outputs[key]], **attributes))
        return self._outputs[key]

    def cast(self, value: str, kind: str) -> str:
        """Return a value as float, double, int64 or bool."""
        return self.op("Cast", value, to=_TYPES[kind])

    def constant(self, value: Any) -> str:
        """Return the name of a constant; equal ones are stored once."""
        array = np.ascontiguousarray(value) if np.ndim(value) else np.asarray(value)
        key = str(array.dtype), array.shape, array.tobytes()
        if key not in self._constants:
            self._constants[key] = f"constant_{len(self._constants)}"
            self._tensors.append(numpy_helper.from_array(array, self._constants[key]))
        return self._constants[key]

    def text(
        self, name: str, inputs: list[Value], outputs: list[Value], about: str, metadata: Mapping[str, Any]
    ) -> bytes:
        """Return the file of the model, checked; ``metadata`` are stored as JSON by key."""
        graph = helper.make_graph(self._nodes, name, _infos(inputs), _infos(outputs), self._tensors, doc_string=about)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        model.producer_name, model.producer_version = "deepsf", __version__
        helper.set_model_props(
            model, {key: json.dumps(value, allow_nan=False) for key, value in sorted(metadata.items())}
        )
        onnx.checker.check_model(model, full_check=True)
        content: bytes = model.SerializeToString(deterministic=True)
        return content


def _infos(values: list[Value]) -> list[Any]:
    return [helper.make_tensor_value_info(value.name, _TYPES[value.kind], value.shape) for value in values]
