"""Exported ensembles with onnxruntime: events of any multiplicities, in blocks, flavours by name."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.efficiency.exports.onnx_file import ensemble_onnx
from deepsf.efficiency.exports.onnx_session import OnnxEfficiencies
from deepsf.efficiency.networks.ensemble import EfficiencyEnsemble
from tests.analysis.efficiency.exports.ensembles import CODES, ensemble, events


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
