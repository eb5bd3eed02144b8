"""Ensembles as ONNX: the ensemble's own numbers for any number of events and jets, padding, flags, errors, bytes."""

from __future__ import annotations

import json

import numpy as np
import onnx
import pytest
import torch

import deepsf
from deepsf.config.efficiency.networks import NETWORKS
from deepsf.efficiency.events.from_jets import events_of_jets
from deepsf.efficiency.exports.onnx_file import ensemble_onnx
from deepsf.efficiency.exports.onnx_session import OnnxEfficiencies
from deepsf.efficiency.networks.ensemble import EfficiencyEnsemble
from tests.analysis.efficiency.exports.dense_forms import DenseEnsemble, dense_inputs, torch_export
from tests.analysis.efficiency.exports.ensembles import (
    CODES,
    COLUMNS,
    TRAINED_ON,
    ensemble,
    events,
    padded,
    run,
    session,
)


@pytest.mark.parametrize("model", NETWORKS)
def test_the_file_is_what_the_exporter_of_torch_makes_of_the_dense_form(model):
    """Two ONNX files that share no code, the dense form in torch, and the ensemble itself."""
    members = ensemble(model, n_members=2, untagged_weight=(1.0, 0.5, 0.1))
    dense, by_hand = DenseEnsemble(members).eval(), ensemble_onnx(members, CODES)
    exported = session(torch_export(dense, dense_inputs(padded(events([3, 2])))))
    padding = np.random.default_rng(1).permuted(np.arange(9) < np.array([1, 6, 0, 2, 4, 3, 1] * 6)[:, None], axis=1)
    for counts, places in (([1, 6, 0, 2, 4, 3, 1] * 6, padding), ([1, 1, 1], None), ([1], None), ([5] * 7, None)):
        sample = events(counts, seed=3)
        inputs = padded(sample, places)
        arguments, mask = dense_inputs(inputs), inputs["mask"]
        expected = members.evaluate(sample).mean
        with torch.no_grad():
            of_torch = dense(*arguments).numpy()
        named = {value.name: tensor.numpy() for value, tensor in zip(exported.get_inputs(), arguments, strict=True)}
        for found in (of_torch, exported.run(None, named)[0], run(by_hand, inputs)["efficiency"]):
            np.testing.assert_allclose(found[mask], expected, rtol=0, atol=1e-6)
            assert not found[~mask].any()
    assert expected.std() > 0.1


@pytest.mark.parametrize("n_points", [1, 3])
@pytest.mark.parametrize("model", NETWORKS)
def test_the_file_gives_what_the_ensemble_gives_for_any_number_of_jets(model, n_points):
    members = ensemble(model, n_points=n_points)
    sample = events([1, 2, 3, 6, 9, 0, 1, 4] * 10)
    expected = members.evaluate(sample)
    found = OnnxEfficiencies(ensemble_onnx(members, CODES)).evaluate(sample)
    assert expected.mean.min() < 0.05 < 0.5 < expected.mean.max()
    np.testing.assert_allclose(found.mean, expected.mean, rtol=1e-5, atol=2e-6)
    np.testing.assert_allclose(found.spread, expected.spread, atol=5e-6)
    np.testing.assert_array_equal(found.out_of_range, expected.out_of_range)


@pytest.mark.parametrize("n_jets", [1, 2, 5])
def test_one_event_is_enough(n_jets):
    members, sample = ensemble(), events([n_jets])
    found = run(ensemble_onnx(members, CODES), padded(sample))
    np.testing.assert_allclose(found["efficiency"][0], members.evaluate(sample).mean, atol=1e-6)


@pytest.mark.parametrize("model", NETWORKS)
def test_empty_places_change_nothing_wherever_they_are_and_have_efficiency_zero(model):
    members, sample = ensemble(model), events([1, 3, 2, 4, 5])
    expected = members.evaluate(sample)
    places = np.random.default_rng(1).permuted(np.arange(8) < sample.n_jets[:, None], axis=1)
    found = run(ensemble_onnx(members, CODES), padded(sample, places))
    np.testing.assert_allclose(found["efficiency"][places], expected.mean, atol=1e-6)
    np.testing.assert_allclose(found["spread"][places], expected.spread, atol=1e-6)
    np.testing.assert_array_equal(found["out_of_range"][places], expected.out_of_range)
    for values in found.values():
        assert not values[~places].any()


def test_an_event_of_empty_places_alone_is_allowed():
    sample = events([2, 1])
    inputs = padded(sample)
    inputs["mask"][1] = False
    found = run(ensemble_onnx(ensemble(), CODES), inputs)
    assert not found["efficiency"][1].any()
    assert (found["efficiency"][0] > 0).all()


def test_jets_in_another_order_have_the_same_efficiencies():
    content, inputs = ensemble_onnx(ensemble(), CODES), padded(events([5] * 20))
    order = np.array([3, 0, 4, 1, 2])
    found = run(content, inputs)["efficiency"]
    shuffled = run(content, {name: values[:, order] for name, values in inputs.items()})["efficiency"]
    np.testing.assert_allclose(shuffled, found[:, order], atol=1e-6)


@pytest.mark.parametrize("n_members", [1, 6, 11])
def test_every_member_counts_whatever_their_number(n_members):
    members, sample = ensemble(n_members=n_members, n_points=1), events([2, 4] * 5)
    found, expected = run(ensemble_onnx(members, CODES), padded(sample)), members.evaluate(sample)
    mask = padded(sample)["mask"]
    np.testing.assert_allclose(found["efficiency"][mask], expected.mean, atol=1e-6)
    np.testing.assert_allclose(found["spread"][mask], expected.spread, atol=1e-6)
    assert np.isnan(expected.spread).all() == (n_members == 1)


@pytest.mark.parametrize("model", NETWORKS)
def test_the_weight_of_untagged_jets_in_the_training_is_undone(model):
    members, sample = ensemble(model, untagged_weight=(1.0, 0.5, 0.1)), events([2, 3, 4] * 10)
    found = OnnxEfficiencies(ensemble_onnx(members, CODES)).evaluate(sample)
    np.testing.assert_allclose(found.mean, members.evaluate(sample).mean, rtol=2e-5, atol=1e-6)


def test_small_efficiencies_keep_their_relative_precision():
    members = ensemble(n_points=1, untagged_weight=(1e-3, 1e-3, 1e-3))
    sample = events([2, 3] * 20)
    expected = members.evaluate(sample).mean
    assert expected.min() < 1e-4
    np.testing.assert_allclose(
        OnnxEfficiencies(ensemble_onnx(members, CODES)).evaluate(sample).mean, expected, rtol=2e-6
    )


def test_jets_out_of_range_are_flagged_and_evaluated_at_its_end():
    members, content = ensemble(), ensemble_onnx(ensemble(), CODES)
    sample = events([2, 6, 3, 4] * 30, pt_gev=(5, 800), abseta=3.5)
    found, inputs = run(content, padded(sample)), padded(sample)
    expected = members.evaluate(sample)
    assert 0.2 < expected.out_of_range.mean() < 0.95
    np.testing.assert_array_equal(found["out_of_range"][inputs["mask"]], expected.out_of_range)
    np.testing.assert_allclose(found["efficiency"][inputs["mask"]], expected.mean, atol=2e-6)
    # the very ends of the ranges are inside
    ends = run(content, padded(TRAINED_ON))
    assert not ends["out_of_range"].any()


@pytest.mark.parametrize("model", NETWORKS)
def test_phi_just_beyond_pi_is_the_same_direction_for_the_file_and_the_ensemble(model):
    """NanoAOD's largest phi is 3.1416016; pi in single precision is above pi, too, and is left as it is."""
    single = np.float32(np.pi)
    beyond = np.array([3.1416016, -3.1416016, single, -single, np.nextafter(single, np.float32(4)), 3.5, -6.2])
    sample, members = events([3] * 7, seed=5), ensemble(model)
    inputs = padded(sample)
    inputs["phi"][:, 1] = beyond
    columns = {"pt": sample.pt_gev, "eta": sample.eta, "hadronFlavour": inputs["hadron_flavour"].ravel()}
    jets = {**columns, "phi": inputs["phi"].ravel()}
    expected = members.evaluate(events_of_jets(jets, CODES, counts=sample.n_jets)).mean
    found = run(ensemble_onnx(members, CODES), inputs)["efficiency"][inputs["mask"]]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_all_codes_of_a_flavour_are_this_flavour_and_unknown_ones_are_an_error():
    content, inputs = ensemble_onnx(ensemble(), CODES), padded(events([3], seed=3))
    inputs["hadron_flavour"][0] = [5, 0, 4]
    other = {**inputs, "hadron_flavour": np.array([[5, 3, 4]])}
    np.testing.assert_array_equal(run(content, inputs)["efficiency"], run(content, other)["efficiency"])
    for unknown in (21, -1):
        with pytest.raises(Exception, match="out of data bounds"):
            run(content, {**inputs, "hadron_flavour": np.array([[5, unknown, 4]])})


def test_equal_ensembles_give_equal_bytes_that_tell_what_they_are(tmp_path):
    members = ensemble()
    members.save(tmp_path / "ensemble.safetensors")
    content = ensemble_onnx(members, CODES)
    assert content == ensemble_onnx(EfficiencyEnsemble.load(tmp_path / "ensemble.safetensors"), CODES)
    model = onnx.load_from_string(content)
    assert (model.producer_name, model.opset_import[0].version) == ("deepsf", 17)
    about = {entry.key: json.loads(entry.value) for entry in model.metadata_props}
    assert about["flavours"] == CODES
    assert about["working_points"] == ["L", "M"]
    assert (about["model"], about["n_members"]) == ("gnn", 3)
    assert about["ranges"]["n_jets"] == [2.0, 5.0]
    assert about["deepsf_version"] == model.producer_version == deepsf.__version__
    dimensions = {
        value.name: [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]
        for value in (*model.graph.input, *model.graph.output)
    }
    per_jet = ["n_events", "n_jets"]
    assert dimensions == {
        **dict.fromkeys((*COLUMNS, "hadron_flavour", "mask", "out_of_range"), per_jet),
        **{name: [*per_jet, 2] for name in ("efficiency", "spread")},
    }


def test_the_file_has_operations_of_the_standard_alone():
    for model in NETWORKS:
        graph = onnx.load_from_string(ensemble_onnx(ensemble(model), CODES)).graph
        assert {node.domain for node in graph.node} == {""}


def test_ensembles_that_cannot_be_exported_are_refused():
    with pytest.raises(
        ValueError, match=r"no hadron flavours of the ensemble's \['c'\]; there are those of \['b', 'udsg'\]"
    ):
        ensemble_onnx(ensemble(), {"b": [5], "udsg": [0]})
    with pytest.raises(ValueError, match=r"hadron flavours \[0\] belong to more than one flavour of"):
        ensemble_onnx(ensemble(), {"b": [5], "c": [4, 0], "udsg": [0]})
    mixed = EfficiencyEnsemble.of([*ensemble().networks, *ensemble(sample=events([2, 3] * 50)).networks])
    with pytest.raises(
        ValueError, match="scaled differently: they were trained on different events; export those of one"
    ):
        ensemble_onnx(mixed, CODES)
