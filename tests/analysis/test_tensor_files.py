"""Files of tensors: every bit comes back, and what is wrong with a file is said with the file's name and a way out."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import safetensors.numpy
import torch

from deepsf import tensor_files
from deepsf.tensor_files import TensorFileError, check_layout, check_sizes, weights_of, with_weights
from tests.analysis.tensor_file_damage import spoil

X = np.arange(6, dtype=np.float32).reshape(2, 3)
HEADER = {"format": "kind-2", "names": ["b", "udsg"], "width": 0.1 + 0.2}
TENSORS = {
    "x": X,
    "scalar": np.array(math.pi),
    "bits": np.array([1, 0], bool),
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "some.safetensors"


def content(path, **options):
    return tensor_files.read(path, "kind-2", lambda *both: both, **options)


def test_header_and_tensors_come_back_and_equal_content_gives_equal_bytes(path):
    tensor_files.write(path, HEADER, TENSORS)
    header, tensors = content(path)
    assert header == HEADER
    assert tensors.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert (tensors[name].dtype, tensors[name].shape) == (tensor.dtype, tensor.shape)
        assert np.array_equal(tensors[name], tensor)
    assert tensor_files.to_bytes(HEADER, dict(reversed(TENSORS.items()))) == path.read_bytes()


def test_no_flipped_bit_comes_back(path):
    tensor_files.write(path, HEADER, TENSORS)
    whole = path.read_bytes()
    for position in range(len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << position % 8
        path.write_bytes(damaged)
        with pytest.raises(TensorFileError, match=r"some\.safetensors: "):
            content(path)


def test_a_file_without_a_digest_is_refused(path):
    path.write_bytes(safetensors.numpy.save({"x": X}, {"deepsf": json.dumps(HEADER)}))
    with pytest.raises(TensorFileError, match=r"some\.safetensors: it has no digest; make it anew"):
        content(path)


def test_a_tensor_that_does_not_lie_in_order_is_written_in_order(path):
    """safetensors alone writes the memory as it lies: the transpose would come back as other numbers."""
    tensor_files.write(path, HEADER, {"transposed": X.T, "every_other": X[:, ::2]})
    _, tensors = content(path)
    assert tensors["transposed"].tolist() == [[0, 3], [1, 4], [2, 5]]
    assert tensors["every_other"].tolist() == [[0, 2], [3, 5]]


@pytest.mark.parametrize(
    ("stored", "way_out"),
    [
        ("kind-1", "another version of deepsf wrote it"),
        ("other-2", "it holds something else"),
        (None, "it holds something else"),
    ],
)
def test_another_format_is_refused(path, stored, way_out):
    tensor_files.write(path, HEADER | {"format": stored}, TENSORS)
    with pytest.raises(TensorFileError, match=rf"some\.safetensors: format {stored!r} is not 'kind-2'; {way_out}"):
        content(path)


@pytest.mark.parametrize("header", ["[]", '"kind-2"', "{", ""])
def test_a_header_that_is_none_of_ours_is_refused(path, header):
    import safetensors.numpy

    path.write_bytes(safetensors.numpy.save({}, {"deepsf": header}))
    with pytest.raises(TensorFileError, match=r"some\.safetensors: "):
        content(path)


@pytest.mark.parametrize(
    "make",
    [
        lambda path: None,
        lambda path: path.mkdir(),
        lambda path: path.write_text("a note\nof two lines"),
        lambda path: path.write_bytes(tensor_files.to_bytes(HEADER, TENSORS)[:-1]),
    ],
)
def test_what_is_no_safetensors_file_is_refused(path, make):
    make(path)
    with pytest.raises(TensorFileError, match=r"some\.safetensors: not a readable safetensors file .*; make it anew"):
        content(path)


@pytest.mark.parametrize(
    ("header", "tensors", "message"),
    [
        (HEADER, TENSORS | {"x": np.array([1, np.nan, np.inf])}, "2 of 3 numbers of tensor x are not finite"),
        (HEADER | {"width": math.nan}, TENSORS, "its header holds the number NaN"),
        (HEADER | {"width": [-math.inf]}, TENSORS, "its header holds the number -Infinity"),
    ],
)
def test_numbers_that_are_not_finite_are_refused_unless_asked_for(path, header, tensors, message):
    spoil(path, header, tensors)
    with pytest.raises(TensorFileError, match=message):
        content(path)
    stored, found = content(path, finite=False)
    np.testing.assert_equal((stored, found), (header, tensors))


@pytest.mark.parametrize("error", [KeyError("names"), ValueError("3 of 2"), TypeError("x"), IndexError("y")])
def test_what_a_reader_stumbles_over_is_said_with_the_file(path, error):
    tensor_files.write(path, HEADER, TENSORS)

    def stumble(header, tensors):
        raise error

    with pytest.raises(TensorFileError, match=rf"some\.safetensors: .*{error}.*; .*make it anew"):
        tensor_files.read(path, "kind-2", stumble)


SINGLE = np.dtype(np.float32)


@pytest.mark.parametrize(
    ("expected", "message"),
    [
        ({"x": (SINGLE, (2, 3)), "y": (SINGLE, ())}, "lacks tensors y"),
        ({}, "header announces no tensors x"),
        (
            {"x": (SINGLE, (3, 2))},
            r"x is float32 of shape \(2, 3\), its header announces float32 of shape \(3, 2\)",
        ),
        ({"x": (np.dtype(np.float64), (2, 3))}, "announces float64"),
    ],
)
def test_tensors_are_those_that_the_header_announces(expected, message):
    only = {"x": X}
    check_layout(only, {"x": (SINGLE, (2, 3))})
    with pytest.raises(ValueError, match=message):
        check_layout(only, expected)


def test_no_network_is_built_before_its_tensors_are_known_to_fit():
    """The header of a file of a few bytes may announce a network that no memory holds."""
    built = []

    def build(units):
        network = torch.nn.Linear(3, units)
        built.append(network.weight.device.type)
        return {"a": network}

    tensors = weights_of(build(2))
    with pytest.raises(ValueError, match=r"a/weight is float32 of shape \(2, 3\), its header .* \(1000000000, 3\)"):
        with_weights(lambda: build(1_000_000_000), lambda networks: networks, tensors)
    assert built == ["cpu", "meta"]
    again = with_weights(lambda: build(2), lambda networks: networks, tensors)
    assert {name: value.tolist() for name, value in weights_of(again).items()} == {
        name: value.tolist() for name, value in tensors.items()
    }


def test_sizes_are_at_most_those_of_the_tensors_or_their_number():
    tensors = {"x": X, "empty": np.zeros((0, 1_000_000))}
    check_sizes({"units": 3, "layers": 4}, tensors)
    with pytest.raises(ValueError, match="its header announces layers = 5, its tensors allow 4 at most"):
        check_sizes({"units": 3, "layers": 5}, tensors)
