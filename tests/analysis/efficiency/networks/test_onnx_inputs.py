"""Inputs of networks in operations of ONNX are those of `JetScaling.tensors`, wherever the jets stand."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest

from deepsf.efficiency.events.from_jets import wrapped
from deepsf.efficiency.networks.jet_tensors import JetScaling
from deepsf.efficiency.networks.onnx_inputs import INPUTS, JetInputs
from deepsf.efficiency.networks.pairs import pair_offsets
from deepsf.networks.onnx_graph import Graph, Value
from tests.analysis.efficiency.events.random_jets import random_events
from tests.analysis.efficiency.exports.ensembles import CODES, padded

TRAINED_ON, EVENTS = random_events(300, multiplicities=(2, 3, 4)), random_events(60, 2, multiplicities=(1, 2, 3, 6))
SCALING = JetScaling.fit(TRAINED_ON)
EXPECTED = SCALING.tensors(EVENTS, EVENTS.flavour, 3, ("pairs", "separations", "closest", "angles"))
# jets by falling pT with empty places between them
PLACES = np.sort(np.random.default_rng(1).permuted(np.tile(np.arange(8), (len(EVENTS), 1)), axis=1)[:, :6], axis=1)
MASK = np.zeros((len(EVENTS), 8), bool)
for _row, _n in enumerate(EVENTS.n_jets):
    MASK[_row, PLACES[_row, :_n]] = True


def evaluated(choose, kind="float", n_dimensions=3):
    """Return a value of the graph, ``(n_events, n_places, ...)``."""
    graph = Graph()
    graph.op("Identity", choose(JetInputs(graph, SCALING, CODES)), name="value")
    outputs = [Value("value", kind, tuple(f"d{k}" for k in range(n_dimensions)))]
    content = graph.text("inputs", INPUTS, outputs, "", {})
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    inputs = padded(EVENTS, MASK)
    return session.run(None, {value.name: inputs[value.name] for value in session.get_inputs()})[0]


def test_inputs_of_jets_are_scaled_and_those_of_empty_places_zero():
    x = evaluated(lambda jets: jets.x)
    np.testing.assert_allclose(x[MASK], EXPECTED.x.numpy(), atol=2e-6)
    assert not x[~MASK].any()


def test_flavours_are_one_hot():
    one_hot = evaluated(lambda jets: jets.one_hot)
    np.testing.assert_array_equal(one_hot[MASK], np.eye(3)[EVENTS.flavour])
    assert not one_hot[~MASK].any()


def test_angles_are_eta_within_its_range_and_scaled_phi():
    np.testing.assert_allclose(evaluated(lambda jets: jets.angles)[MASK], EXPECTED.angles.numpy(), atol=1e-6)


def test_phi_is_wrapped_bit_for_bit_as_that_of_arrays():
    rng = np.random.default_rng(3)
    single = np.float32(np.pi)
    ends = [3.1416016, -3.1416016, single, -single, np.nextafter(single, np.float32(4)), 0.0, 2 * np.pi, -3 * np.pi]
    phi = np.concatenate([ends, rng.uniform(-12, 12, 1000)]).astype(np.float32)[None]
    graph = Graph()
    graph.op("Identity", JetInputs(graph, SCALING, CODES).phi, name="value")
    content = graph.text("inputs", INPUTS, [Value("value", "float", ("d0", "d1"))], "", {})
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    ones = {"pt_gev": np.ones_like(phi), "eta": np.ones_like(phi), "hadron_flavour": np.full(phi.shape, 5)}
    found = session.run(None, {**ones, "phi": phi, "mask": np.ones(phi.shape, bool)})[0]
    np.testing.assert_array_equal(found, wrapped(phi))
    np.testing.assert_array_equal(wrapped(phi[:, 2:4]), phi[:, 2:4])


@pytest.mark.parametrize("part", ["pairs", "separations"])
def test_pairs_have_the_features_of_pairs_in_both_directions_and_empty_ones_zeros(part):
    pairs = evaluated(lambda jets: getattr(jets, part))
    first, offsets = pair_offsets(EVENTS.offsets), EVENTS.n_jets
    is_pair = pairs.reshape(len(EVENTS), 8, 7, 3).any(axis=3)
    np.testing.assert_array_equal(is_pair.sum(axis=(1, 2)), offsets * (offsets - 1))
    for event in np.flatnonzero(EVENTS.n_jets > 1):
        places = np.flatnonzero(MASK[event])
        number = first[event]
        for i, one in enumerate(places):
            for other in places[i + 1 :]:
                expected = EXPECTED.of(part)[number].numpy()
                # neighbours of a place are numbered without itself
                np.testing.assert_allclose(pairs[event].reshape(8, 7, 3)[one, other - 1], expected, atol=2e-6)
                np.testing.assert_allclose(pairs[event].reshape(8, 7, 3)[other, one], expected, atol=2e-6)
                number += 1


def test_the_closest_jet_has_its_distance_and_flavour_and_a_lone_jet_none():
    distance, flavour = EXPECTED.closest
    found = evaluated(lambda jets: jets.closest[0])[MASK][:, 0]
    np.testing.assert_allclose(found, distance.numpy(), atol=1e-6)
    np.testing.assert_array_equal(evaluated(lambda jets: jets.closest[1])[MASK], np.eye(4)[flavour])
    assert (flavour == 3).sum() == (EVENTS.n_jets == 1).sum() > 0


def test_jets_beyond_the_ranges_are_flagged():
    found = evaluated(lambda jets: jets.out_of_range, "bool", 2)
    np.testing.assert_array_equal(found[MASK], SCALING.out_of_range(EVENTS))
    assert 0 < found[MASK].mean() < 1
    assert not found[~MASK].any()


@pytest.mark.parametrize("n_jets", [1, 2, 5])
def test_a_sum_over_neighbours_leaves_out_the_jet_itself(n_jets):
    """Of ones: as many as there are other places, as a pair of a lone jet counts once."""
    graph = Graph()
    jets = JetInputs(graph, SCALING, CODES)
    graph.op("Identity", jets.over_neighbours(jets.is_pair), name="value")
    content = graph.text("sum", INPUTS, [Value("value", "float", ("b", "n", 1))], "", {})
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    inputs = padded(random_events(4, multiplicities=(n_jets,)))
    found = session.run(None, {value.name: inputs[value.name] for value in session.get_inputs()})[0]
    assert (found == n_jets - 1).all()
