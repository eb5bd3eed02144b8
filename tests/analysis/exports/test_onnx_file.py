"""An ensemble with its errors as ONNX, against the evaluation in Python."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import onnxruntime
import pytest

from deepsf.errors.cells import ErrorCells
from deepsf.errors.method_errors import MethodErrors, Refits
from deepsf.exports.onnx_file import ensemble_onnx
from deepsf.exports.systematics import systematic_of
from deepsf.networks.scale_factor import EnsembleScaleFactor
from tests.analysis.exports.conftest import CODES, points
from tests.analysis.exports.networks import limited, with_further_input, with_limit, with_mass

HADRON_FLAVOURS = {flavour: (code,) for flavour, code in CODES.items()}


@pytest.fixture(scope="module")
def errors():
    shifted = {name: limited(seed) for seed, name in enumerate(("hf_up", "hf_down", "tagcut_up"), 21)}
    refits = Refits(tuple(limited(seed) for seed in range(10, 14)), limited(20), shifted)
    cells = ErrorCells(
        np.array([60.0, 90.0]), np.array([0.3, 0.8]), np.array([0.05, 0.1, 0.2]), np.arange(-4.0, 5.0).reshape(3, 3)
    )
    ensemble = EnsembleScaleFactor(tuple(limited(seed) for seed in range(3)), HADRON_FLAVOURS)
    return MethodErrors(ensemble, refits, {"b": cells, "udsg": cells}, extrapolation=0.5)


def session_of(errors):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # refused jets would be logged
    return onnxruntime.InferenceSession(ensemble_onnx(errors, "About."), options, providers=["CPUExecutionProvider"])


@pytest.fixture(scope="module")
def session(errors):
    return session_of(errors)


def evaluated(session, jets, codes, **changes):
    given = {"pt_gev": jets.pt_gev, "abseta": jets.abseta, "discriminant": jets.discriminant, **jets.extra}
    given |= {"flavour": np.broadcast_to(codes, len(jets)).astype(np.int64), **changes}
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, given), strict=True))


def test_mean_errors_shifts_and_flag_are_those_of_python(errors, session):
    jets, codes = points(6000), np.arange(6000) % 3
    codes = np.array([5, 4, 0])[codes]
    found = evaluated(session, jets, codes)
    for flavour, code in (("b", 5), ("udsg", 0)):
        chosen = np.flatnonzero(codes == code)
        own = jets[chosen]
        at = errors.at(flavour, own)
        expected = {"mean": at.value, **at.at_each()}
        expected |= {systematic_of(name): np.maximum(at.value + moved, 0) for name, moved in at.shifts.items()}
        assert expected.keys() | {"is_extrapolated"} == found.keys()
        assert {"up_hf", "down_hf", "up_tagcut", "down_tagcut"} < found.keys()
        for name, values in expected.items():
            np.testing.assert_allclose(found[name][chosen], values, rtol=2e-6, atol=1e-6, err_msg=name)
        beyond = errors.ensemble.is_extrapolated(code, own.abseta, own.pt_gev, own.discriminant)
        assert 0.1 < beyond.mean() < 0.9
        assert (found["is_extrapolated"][chosen] == beyond).all()


def test_a_flavour_without_networks_has_one_and_no_errors(session):
    found = evaluated(session, points(10), 4)
    for name, values in found.items():
        assert (values == (0 if name in ("train", "stat", "model", "extrapolation", "is_extrapolated") else 1)).all()


def test_jets_without_a_valid_score_have_one_value_whether_negative_or_nan(errors, session):
    jets = points(3)
    one, other = (evaluated(session, jets, 5, discriminant=np.full(3, s, np.float32)) for s in (-7.0, np.nan))
    expected = errors.ensemble.evaluate(5, jets.abseta, jets.pt_gev, np.full(3, -1.0)).mean
    np.testing.assert_allclose(one["mean"], expected, rtol=1e-6)
    assert all((one[name] == other[name]).all() for name in one)
    assert not one["is_extrapolated"].any()


def test_beyond_the_range_of_the_training_the_values_are_held(errors, session):
    jets = points(4)
    jets = replace(jets, pt_gev=np.array([1.0, 15.0, 3e3, 1e6], np.float32))
    expected = errors.ensemble.evaluate(0, jets.abseta, jets.pt_gev, jets.discriminant).mean
    np.testing.assert_allclose(evaluated(session, jets, 0)["mean"], expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("column", "value"),
    [("flavour", 7), ("pt_gev", 0), ("pt_gev", np.nan), ("pt_gev", np.inf), ("abseta", -1), ("discriminant", np.inf)],
)
def test_bad_numbers_are_errors(session, column, value):
    kind = np.int64 if column == "flavour" else np.float32
    with pytest.raises(Exception, match="out of data bounds"):
        evaluated(session, points(3), 5, **{column: np.full(3, value, kind)})


def test_further_inputs_are_inputs_of_the_file_and_checked(errors):
    members = tuple(with_further_input(seed) for seed in range(2))
    ensemble = EnsembleScaleFactor(members, HADRON_FLAVOURS)
    session = session_of(replace(errors, ensemble=ensemble, refits=Refits()))
    jets = with_mass(500)
    expected = ensemble.evaluate(5, jets.abseta, jets.pt_gev, jets.discriminant, **jets.extra)
    found = evaluated(session, jets, 5)
    np.testing.assert_allclose(found["mean"], expected.mean, rtol=4e-6)
    np.testing.assert_allclose(found["train"], expected.sem, atol=4e-6)
    # no bootstraps: the counting error alone
    assert set(np.round(found["stat"], 6)) == {np.float32(0.05), np.float32(0.1), np.float32(0.2)}
    with pytest.raises(Exception, match="out of data bounds"):
        evaluated(session, jets, 5, mass=np.full(500, -np.inf, np.float32))


def test_invalid_values_of_a_further_input_are_those_of_python_and_may_be_nan(errors):
    ensemble = EnsembleScaleFactor(tuple(with_limit(seed) for seed in range(2)), HADRON_FLAVOURS)
    session = session_of(replace(errors, ensemble=ensemble, refits=Refits()))
    jets = with_mass(500, some_are_nan=True)
    expected = ensemble.evaluate(5, jets.abseta, jets.pt_gev, jets.discriminant, **jets.extra).mean
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(evaluated(session, jets, 5)["mean"], expected, rtol=4e-6)
    infinite = np.full(500, np.inf, np.float32)
    with pytest.raises(Exception, match="out of data bounds"):
        evaluated(session, jets, 5, mass=infinite)
    with pytest.raises(ValueError, match="mass is not finite for 500 of 500 jets"):
        ensemble.evaluate(5, jets.abseta, jets.pt_gev, jets.discriminant, mass=infinite)


def test_one_member_and_cells_without_inner_edges_are_fine(errors):
    cells = ErrorCells(np.empty(0), np.empty(0), np.array([0.05]), np.array([[0.02]]))
    ensemble = EnsembleScaleFactor((limited(1),), HADRON_FLAVOURS)
    session = session_of(MethodErrors(ensemble, Refits(), {"b": cells, "udsg": cells}, 0.5))
    found = evaluated(session, points(5), 5)
    assert not found["train"].any()
    assert found["model"] == pytest.approx(0.02)
    assert len(evaluated(session, points(5)[:0], 5)["mean"]) == 0


def test_the_file_repeats_and_describes_itself(errors, session):
    assert ensemble_onnx(errors, "About.") == ensemble_onnx(errors, "About.")
    about = {key: json.loads(value) for key, value in session.get_modelmeta().custom_metadata_map.items()}
    assert about["description"] == "About."
    assert about["flavours"] == {"b": [5], "c": [4], "udsg": [0]}
    assert (about["n_members"], about["n_bootstraps"], about["measured"]) == (3, 4, ["b", "udsg"])
    assert about["shifts"] == ["up_hf", "down_hf", "up_tagcut", "down_tagcut"]
