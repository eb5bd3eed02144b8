"""Exported ensembles with onnxruntime: events of any multiplicities, in blocks, flavours by name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from deepsf.efficiency.evaluation import of_ensemble
from deepsf.efficiency.exports.onnx_file import ensemble_onnx
from deepsf.efficiency.exports.onnx_session import OnnxEfficiencies
from deepsf.efficiency.networks.ensemble import EfficiencyEnsemble
from deepsf.efficiency.non_closure.measure import measure
from tests.analysis.efficiency.exports.ensembles import CODES, ensemble, events, padded, session


def test_it_tells_flavours_and_working_points_of_the_file(tmp_path):
    (tmp_path / "efficiency.onnx").write_bytes(ensemble_onnx(ensemble(), CODES))
    efficiencies = OnnxEfficiencies(tmp_path / "efficiency.onnx")
    assert efficiencies.flavours == CODES
    assert efficiencies.working_points == ("L", "M")


def test_blocks_of_events_give_each_event_its_own(monkeypatch):
    sample, efficiencies = events([2, 0, 5, 1, 3, 2, 5] * 20), OnnxEfficiencies(ensemble_onnx(ensemble(), CODES))
    expected = efficiencies.evaluate(sample)
    monkeypatch.setattr("deepsf.efficiency.exports.onnx_session._BLOCK_EVENTS", 3)
    found = efficiencies.evaluate(sample)
    np.testing.assert_allclose(found.mean, expected.mean, atol=1e-6)
    np.testing.assert_allclose(found.spread, expected.spread, atol=1e-6)
    np.testing.assert_array_equal(found.out_of_range, expected.out_of_range)


def test_events_without_jets_have_nothing():
    found = OnnxEfficiencies(ensemble_onnx(ensemble(), CODES)).evaluate(events([0, 0]))
    assert found.mean.shape == found.spread.shape == (0, 2)
    assert found.out_of_range.shape == (0,)


def test_events_are_read_by_the_names_of_their_flavours():
    members = ensemble()
    efficiencies, sample = OnnxEfficiencies(ensemble_onnx(members, CODES)), events([2, 3] * 5)
    renamed = events([2, 3] * 5, flavours=("udsg", "b", "c"))
    turned = EfficiencyEnsemble.evaluate(members, renamed)
    np.testing.assert_allclose(efficiencies.evaluate(renamed).mean, turned.mean, atol=1e-6)
    assert np.abs(turned.mean - members.evaluate(sample).mean).max() > 0.1
    with pytest.raises(ValueError, match="jets of flavour tau: the ensemble was trained on b, c, udsg; train it"):
        efficiencies.evaluate(events([2, 3] * 5, flavours=("b", "tau", "c")))


def test_what_is_no_exported_ensemble_is_refused_by_name(tmp_path):
    whole, path = ensemble_onnx(ensemble(), CODES), tmp_path / "efficiency.onnx"
    for damaged in (b"", b"a note", whole[: len(whole) // 2], whole.replace(b"working_points", b"working_pointz")):
        path.write_bytes(damaged)
        with pytest.raises(
            ValueError, match=r"efficiency\.onnx: no exported ensemble \(.*\); give another file"
        ) as caught:
            OnnxEfficiencies(path)
        assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match=r"none\.onnx: no exported ensemble"):
        OnnxEfficiencies(tmp_path / "none.onnx")


def biased(members):
    """Return the non-closure of an ensemble on events with twice the tags that it predicts."""
    sample = replace(events([1, 2, 3, 5] * 1000, seed=4), working_points=("L", "M"))
    model = of_ensemble(members, sample, keep_members=True)
    # twice as many tags as predicted
    tags = (np.random.default_rng(1).random((len(sample.pt_gev), 1)) < 2 * model.mean).sum(axis=1)
    edges = np.array([20.0, 100.0, 200.0, 300.0]), np.array([0.0, 0.7, 1.5, 3.2])
    return measure(replace(sample, tag_bin=tags.astype(np.int8)), model, *edges)


@pytest.mark.parametrize("counts", [[2, 0, 5, 1, 3, 2, 5] * 20, [1, 1, 1]])
def test_the_non_closure_of_the_file_is_the_one_measured(counts):
    members, sample = ensemble(), events(counts, pt_gev=(10, 600))
    non_closure = biased(members)
    content = ensemble_onnx(members, CODES, non_closure=non_closure)
    file = OnnxEfficiencies(content)
    found, expected = file.evaluate(sample), members.evaluate(sample)
    np.testing.assert_allclose(found.mean, expected.mean, atol=2e-6)
    errors = non_closure.errors(sample, expected.mean)
    np.testing.assert_allclose(found.non_closure, errors, atol=2e-6)
    assert errors.max() > 0.05
    assert file.non_closure.to_json() == non_closure.to_json()
    inputs = padded(sample)
    (cell,) = session(content).run(["non_closure_cell"], inputs)
    assert cell[inputs["mask"]].tolist() == non_closure.cells.of_jets(sample).tolist()
    assert (cell[~inputs["mask"]] == -1).all()


def test_a_file_without_non_closure_has_none():
    file = OnnxEfficiencies(ensemble_onnx(ensemble(), CODES))
    assert file.non_closure is None
    assert file.evaluate(events([2])).non_closure is None


def test_the_non_closure_of_another_ensemble_is_refused():
    with pytest.raises(
        ValueError, match=r"the non-closure has the flavours and working points .*'M'.* the ensemble .*"
    ):
        ensemble_onnx(ensemble(n_points=1), CODES, non_closure=biased(ensemble()))
