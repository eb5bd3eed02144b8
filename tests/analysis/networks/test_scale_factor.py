"""The ensemble's file and its evaluation for numpy and awkward arrays."""

from __future__ import annotations

import math

import awkward as ak
import numpy as np
import pytest

import deepsf
from deepsf.networks.scale_factor import (
    EnsembleScaleFactor,
    load_member,
    save_member,
    summarise,
)
from deepsf.tensor_files import TensorFileError
from tests.analysis.networks.random_members import CODES, LIMITS, jets, member
from tests.analysis.tensor_file_damage import accepted, content, spoil


@pytest.fixture
def ensemble(tmp_path):
    sf = EnsembleScaleFactor(tuple(member(seed) for seed in range(3)), CODES)
    sf.save(tmp_path / "ensemble.safetensors")
    return EnsembleScaleFactor.load(tmp_path / "ensemble.safetensors")


def test_a_file_gives_back_the_same_numbers_and_equal_content_equal_bytes(ensemble, tmp_path):
    original = EnsembleScaleFactor(tuple(member(seed) for seed in range(3)), CODES)
    sample = jets([30, 60, 90], [0.1, 0.5, -1])
    np.testing.assert_array_equal(ensemble.member_values("b", sample), original.member_values("b", sample))
    ensemble.save(tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == (tmp_path / "ensemble.safetensors").read_bytes()


def test_ensembles_say_which_version_made_them_and_members_do_not(ensemble, tmp_path):
    header, _ = content(tmp_path / "ensemble.safetensors")
    assert header["deepsf_version"] == deepsf.__version__
    save_member(tmp_path / "member.safetensors", member(4), CODES)
    assert "deepsf_version" not in content(tmp_path / "member.safetensors")[0]  # trainings outlive versions


def test_mean_error_and_spread_of_four_numbers():
    # 1, 1, 2, 4: mean 2, standard deviation sqrt(6/3), error of the mean half of that
    estimate = summarise(np.array([[1.0], [1.0], [2.0], [4.0]]))
    np.testing.assert_allclose(np.ravel(estimate), [2.0, np.sqrt(2) / 2, np.sqrt(2)])


def test_the_normalisation_divides_by_what_lies_between_its_nodes(tmp_path):
    # nodes at 30 and 100 GeV
    sample = jets([25, 100, np.sqrt(3000)], [0.4, 0.4, 0.4])
    raw = member(0).evaluate("b", sample, normalised=False)
    np.testing.assert_allclose(member(0, 1.25).evaluate("b", sample), raw / [1.25, 2.5, 1.875], rtol=1e-6)


def test_scores_beyond_a_limit_have_the_scale_factor_at_it():
    held = member(0, limits={"b": LIMITS})
    free, scores = member(0), [0.1, 0.5, 0.9, 0.99, -1.0]
    at = held.evaluate("b", jets([60] * 5, scores))
    expected = free.evaluate("b", jets([60] * 5, [0.1, 0.5, 0.6, 0.6, -1.0]))
    np.testing.assert_allclose(at, expected, rtol=1e-6)
    light = jets([60], [0.9])
    np.testing.assert_allclose(held.evaluate("udsg", light), free.evaluate("udsg", light), rtol=1e-6)


def test_jets_beyond_a_limit_are_flagged_in_the_form_they_come_in():
    held = EnsembleScaleFactor((member(0, limits={"b": LIMITS}),) * 2, CODES)
    events = ak.Array([[{"f": 5, "d": 0.7}, {"f": 0, "d": 0.7}], [], [{"f": 5, "d": 0.5}, {"f": 5, "d": -1.0}]])
    assert held.is_extrapolated(events.f, 0.5, 60.0, events.d).tolist() == [[True, False], [], [False, False]]
    np.testing.assert_array_equal(held.is_extrapolated("b", 0.5, 60.0, np.array([0.59, 0.61])), [False, True])
    assert not EnsembleScaleFactor((member(0),), CODES).is_extrapolated("b", 0.5, 60.0, np.array([0.99])).any()


def test_members_of_other_limits_have_their_own_inputs():
    mixed = EnsembleScaleFactor((member(0), member(0, limits={"b": LIMITS}), member(0)), CODES)
    values = mixed.member_values("b", jets([60], [0.9]))[:, 0]
    assert values[0] == pytest.approx(values[2], rel=1e-6)
    assert abs(values[0] - values[1]) > 1e-3


def test_evaluate_takes_nested_arrays_and_keeps_their_form(ensemble):
    events = ak.Array(
        [[{"pt": 30.0, "eta": -0.5, "d": 0.3, "f": 5}, {"pt": 60.0, "eta": 0.5, "d": -0.3, "f": 4}], [],
         [{"pt": 90.0, "eta": 0.5, "d": 0.3, "f": 0}]]
    )  # fmt: skip
    result = ensemble.evaluate(events.f, abs(events.eta), events.pt, events.d)
    assert ak.num(result.mean).tolist() == [2, 0, 1]
    b = ensemble.member_values("b", jets([30], [0.3]))
    udsg = ensemble.member_values("udsg", jets([90], [0.3], 2))
    np.testing.assert_allclose(ak.flatten(result.mean), [b.mean(), 1.0, udsg.mean()], rtol=1e-12)
    np.testing.assert_allclose(ak.flatten(result.spread), [b.std(ddof=1), 0.0, udsg.std(ddof=1)], rtol=1e-9)
    np.testing.assert_allclose(ak.flatten(result.sem) * np.sqrt(3), ak.flatten(result.spread))


def test_a_flavour_by_name_holds_for_all_jets_and_numpy_shapes_are_kept(ensemble):
    pt = np.array([[30.0, 60.0], [90.0, 20.0]])
    result = ensemble.evaluate("b", 0.5, pt, 0.3)
    assert result.mean.shape == (2, 2)
    np.testing.assert_allclose(result.mean[1, 0], ensemble.evaluate(5, 0.5, 90.0, 0.3).mean)


def test_nan_and_negative_scores_are_the_same_invalid_score(ensemble):
    result = ensemble.evaluate("b", 0.5, 30.0, np.array([np.nan, -1.0, -2.0])).mean
    assert np.ptp(result) == 0
    assert np.isfinite(result).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("top", 0.5, 30.0, 0.3), "flavour 'top' is none of"),
        ((np.array([5, 6]), 0.5, 30.0, 0.3), r"jets: hadron flavours 6 \(1 jets\) belong to none of the flavours"),
        (("b", -0.5, 30.0, 0.3), "abseta must be the absolute value"),
        (("b", math.nan, 30.0, 0.3), "abseta is not finite for 1 of 1 jets"),
        (("b", 0.5, [30.0, math.inf], 0.3), "pt is not finite for 1 of 2 jets"),
        (("b", 0.5, 30.0, math.inf), "discriminant is not finite for 1 of 1 jets"),
        (("b", 0.5, 0.0, 0.3), "pt must be above 0"),
    ],
)
def test_jets_that_cannot_be_evaluated_are_refused(ensemble, arguments, message):
    with pytest.raises(ValueError, match=message):
        ensemble.evaluate(*arguments)


def test_a_further_input_that_was_not_trained_with_is_refused(ensemble):
    with pytest.raises(ValueError, match=r"take the extra inputs \[\], got \['n_pv'\]"):
        ensemble.evaluate("b", 0.5, 30.0, 0.3, n_pv=3.0)


def test_a_file_of_something_else_is_refused_by_name(tmp_path):
    (tmp_path / "other.safetensors").write_bytes(b"nothing of ours")
    with pytest.raises(ValueError, match=r"other\.safetensors: not a readable safetensors file"):
        EnsembleScaleFactor.load(tmp_path / "other.safetensors")


def test_a_single_member_survives_its_file(tmp_path):
    save_member(tmp_path / "member.safetensors", member(4), CODES)
    sample = jets([30, 60], [0.1, 0.9])
    np.testing.assert_array_equal(
        load_member(tmp_path / "member.safetensors").evaluate("udsg", sample), member(4).evaluate("udsg", sample)
    )


def test_a_file_of_several_members_is_none_of_a_single_one(ensemble, tmp_path):
    with pytest.raises(ValueError, match="holds 3 members, not one"):
        load_member(tmp_path / "ensemble.safetensors")


def test_a_spoilt_file_is_refused_whatever_is_wrong_with_it(ensemble, tmp_path):
    path = tmp_path / "ensemble.safetensors"
    assert accepted(path, EnsembleScaleFactor.load) == ["header without deepsf_version"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda header: header["members"].pop(), "header announces no tensors 2/b/first_bias"),
        (lambda header: header["members"].clear(), "holds no members"),
        (lambda header: header["measured"].clear(), "holds no measured flavours"),
        (lambda header: header["hadron_flavours"].pop("b"), "has no hadron flavours of b"),
        (lambda header: header["hadron_flavours"].update(c=[5]), "whole numbers that belong to one flavour each"),
        (lambda header: header["hadron_flavours"].update(c=[4.5]), "whole numbers that belong to one flavour each"),
        (lambda header: header["architecture"].update(units=100_000), "announces units = 100000, its tensors allow 37"),
        (lambda header: header["architecture"].update(layers=0), "announces layers = 0, its tensors allow"),
        (lambda header: header["architecture"].update(units=8.0), "float"),
        (lambda header: header["architecture"].update(log_sf_max=1e9), "log_sf_max must be above 0 and at most 80"),
        (lambda header: header["architecture"].update(log_sf_max=-1.5), "log_sf_max must be above 0 and at most 80"),
        (
            lambda header: header["members"][2]["scalings"]["b"].update(width=[0.5, 0.0, 3.0]),
            "width that is not above",
        ),
        (lambda header: header["members"][2]["scalings"]["b"].update(low=[7.0, 0.0, -9.0]), "has an empty range"),
        (lambda header: header["members"][2]["scalings"]["b"]["transforms"].insert(0, "evil"), "one number for each"),
        (lambda header: header["members"][2]["scalings"]["b"].update(transforms=["evil"] * 3), "transformation 'evil'"),
        (
            lambda header: header["members"][2]["scalings"]["b"].update(names=["pt", "abseta", "n_pv"]),
            "different inputs",
        ),
        (
            lambda header: header["members"][2]["normalisation"]["b"].update(at_node=[[0.0], [1.0]]),
            "divisors that are not above 0",
        ),
        (lambda header: header["members"][2]["normalisation"]["b"].update(pt_gev=[]), "at 0 x 1 nodes"),
        (
            lambda header: header["members"][2]["normalisation"]["b"].update(pt_gev=[50.0, 40.0]),
            "nodes of pT or .* that do not increase",
        ),
        (
            lambda header: header["members"][2]["limits"].update(b={**LIMITS.to_json(), "low": [0.9, 0.0]}),
            "low limits below high ones",
        ),
        (lambda header: header["measured"].append("c"), "lacks 'c'"),
        (lambda header: header["measured"].append("tau"), "has no hadron flavours of tau"),
        (lambda header: header["architecture"].update(units=9), "its header announces float32 of shape"),
        (lambda header: header["architecture"].update(heads=2), "heads"),
        (lambda header: header["members"][1]["scalings"]["b"]["low"].pop(), "scaling of the inputs pt, abseta"),
        (lambda header: header["members"][1]["normalisation"]["b"]["at_node"].pop(), r"\(1, 1\) at 2 x 1 nodes"),
        (lambda header: header["members"][1]["scalings"]["b"].update(low=[math.nan] * 3), "not finite"),
    ],
)
def test_a_header_that_does_not_fit_is_refused(ensemble, tmp_path, change, message):
    path = tmp_path / "ensemble.safetensors"
    header, tensors = content(path)
    change(header)
    spoil(path, header, tensors)
    with pytest.raises(TensorFileError, match=message):
        EnsembleScaleFactor.load(path)
