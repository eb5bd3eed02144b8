"""Graphs of ONNX operations: what is added twice is there once, files are checked, their bytes repeat."""

from __future__ import annotations

import json

import numpy as np
import onnx
import onnxruntime
import pytest

from deepsf.networks.onnx_graph import IR_VERSION, OPSET, Graph, Value

INPUTS, OUTPUTS = [Value("x", "float", ("n", 2))], [Value("y", "float", ("n", 2))]


def doubled_and_shifted() -> Graph:
    graph = Graph()
    graph.op("Add", graph.op("Mul", "x", np.float32(2)), np.array([1, -1], np.float32), name="y")
    return graph


def text(graph, outputs=OUTPUTS, metadata=None):
    return graph.text("test", INPUTS, outputs, "about", metadata or {})


def test_the_file_computes_what_was_built():
    session = onnxruntime.InferenceSession(text(doubled_and_shifted()), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"x": np.array([[1, 2], [3, 4], [0, 0]], np.float32)})
    assert found.tolist() == [[3, 3], [7, 7], [1, -1]]


def test_an_operation_added_twice_is_there_once():
    graph = Graph()
    assert graph.op("Neg", "x") == graph.op("Neg", "x") != graph.op("Abs", "x")
    assert graph.op("Squeeze", "x", [1]) != graph.op("Squeeze", "x", [0])
    assert graph.op("Concat", "x", "x", axis=0) != graph.op("Concat", "x", "x", axis=1)


def test_equal_constants_are_stored_once_and_types_tell_them_apart():
    graph = Graph()
    assert graph.constant([1, 2]) == graph.constant(np.array([1, 2])) != graph.constant(np.array([1, 2], np.float32))
    assert graph.constant(1) != graph.constant([1])


def test_equal_graphs_are_equal_bytes():
    assert text(doubled_and_shifted()) == text(doubled_and_shifted())


def test_metadata_are_json_in_the_order_of_their_keys():
    model = onnx.load_from_string(text(doubled_and_shifted(), metadata={"b": [1, 2], "a": {"c": None}}))
    found = [(entry.key, json.loads(entry.value)) for entry in model.metadata_props]
    assert found == [("a", {"c": None}), ("b", [1, 2])]
    assert (model.opset_import[0].version, model.ir_version, model.graph.doc_string) == (OPSET, IR_VERSION, "about")


def test_a_graph_that_cannot_run_is_refused():
    graph = Graph()
    graph.op("MatMul", "x", np.ones((3, 2), np.float32), name="y")  # x has two columns
    with pytest.raises(Exception, match="Incompatible dimensions"):
        text(graph)
