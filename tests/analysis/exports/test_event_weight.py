"""Event weights: products worked out by hand, shifts of one flavour among others, bad input."""

from __future__ import annotations

import json

import awkward as ak
import numpy as np
import pytest

from deepsf import ShapeCorrection, event_weight
from deepsf.exports.corrections import Label, correction_set_text
from deepsf.exports.formula import Polynomial
from deepsf.exports.shape_correction import safe_correction, shape_correction
from deepsf.exports.shapes import Curve, ShapeTable
from tests.analysis import run3_table

LABEL = Label("deepJet_shape", "deepJet", "btagDeepFlavB", "2017_UL")


def table(invalid, low, high):
    """Return a table with one value for invalid scores, one below 0.5 and one above; below 50 GeV a half of it."""
    curve = Curve((-15.0, 0.0, 0.5, 1.1), tuple(Polynomial((v,)) for v in (invalid, low, high)))
    return ShapeTable((0.0, 2.5), (20.0, 50.0, 10000.0), ((curve, curve),), ((0.5, 1.0),))


SHAPES = {
    5: {"nominal": table(3.0, 0.9, 1.1), "lf_up": table(3.0, 0.95, 1.2), "jesTotal_up": table(3.0, 0.8, 1.3)},
    4: {"nominal": table(1.0, 1.0, 1.0), "cferr1_up": table(1.5, 1.25, 0.75)},
    0: {"nominal": table(2.0, 1.05, 0.7), "lf_up": table(2.0, 1.15, 0.6), "jesTotal_up": table(2.0, 1.0, 0.65)},
}


def jet(flavour, score, pt=60.0, eta=-1.0):
    return {"pt": pt, "eta": eta, "hadronFlavour": flavour, "btagDeepFlavB": score}


EVENTS = ak.Array([[jet(5, 0.9), jet(4, 0.2), jet(0, 0.1)], [], [jet(0, -1.0), jet(5, 0.3)], [jet(4, 0.8)]])
EXPECTED = {
    "central": [1.1 * 1.0 * 1.05, 1.0, 2.0 * 0.9, 1.0],
    # b and light shifted, c central
    "lf_up": [1.2 * 1.0 * 1.15, 1.0, 2.0 * 0.95, 1.0],
    # c shifted, b and light central
    "cferr1_up": [1.1 * 1.25 * 1.05, 1.0, 2.0 * 0.9, 0.75],
}


@pytest.fixture(params=[False, True], ids=["strict", "safe"])
def correction(request):
    return corrections(safe=request.param)


def corrections(*, safe=False):
    tree = shape_correction(SHAPES, LABEL)
    return ShapeCorrection.of_tree(safe_correction(tree, LABEL) if safe else tree)


def test_files_have_shifts_and_no_replicas(correction):
    with pytest.raises(ValueError, match="deepJet_shape has no replicas: files hold the statistical error as shifts"):
        event_weight(correction, EVENTS, replica=0)


@pytest.mark.parametrize("shift", EXPECTED)
def test_the_product_over_jets_by_hand(correction, shift):
    result = event_weight(correction, EVENTS, shift)
    assert isinstance(result, ak.Array)
    np.testing.assert_allclose(ak.to_numpy(result), EXPECTED[shift], rtol=1e-15)


@pytest.mark.parametrize(("ours", "theirs"), [("lf_up", "up_lf"), ("nominal", "central"), ("jesTotal_up", "up_jes")])
def test_shifts_are_named_in_either_form(correction, ours, theirs):
    of = [ak.to_list(event_weight(correction, EVENTS, name)) for name in (ours, theirs)]
    assert of[0] == of[1]


def test_varied_jets_take_the_shifted_value_and_charm_the_central_one(correction):
    nominal = ak.Array([[jet(5, 0.9, pt=49.0), jet(4, 0.9, pt=49.0), jet(0, 0.1, pt=80.0)]])
    varied = ak.Array([[jet(5, 0.9, pt=51.0), jet(4, 0.9, pt=51.0), jet(0, 0.1, pt=83.0)]])
    assert event_weight(correction, nominal)[0] == pytest.approx(0.55 * 0.5 * 1.05)
    assert event_weight(correction, varied, "jesTotal_up")[0] == pytest.approx(1.3 * 1.0 * 1.0)


def test_an_invalid_score_is_negative_or_nan_and_has_its_own_value(correction):
    jets = ak.Array([[jet(5, -1.0)], [jet(5, -10.0)], [jet(5, np.nan)], [jet(5, 0.0)]])
    np.testing.assert_allclose(event_weight(correction, jets), [3.0, 3.0, 3.0, 0.9])


def test_numpy_rectangles_flat_arrays_and_awkward_arrays_agree(correction):
    flat = {name: ak.to_numpy(ak.flatten(EVENTS[name])) for name in EVENTS.fields}
    np.testing.assert_allclose(event_weight(correction, flat, "cferr1_up", counts=[3, 0, 2, 1]), EXPECTED["cferr1_up"])
    padded = {name: ak.to_numpy(ak.pad_none(EVENTS[name], 3)) for name in EVENTS.fields}
    result = event_weight(correction, padded, "cferr1_up")
    assert type(result) is np.ndarray
    np.testing.assert_allclose(result, EXPECTED["cferr1_up"])


def test_abseta_is_taken_where_there_is_no_eta(correction):
    jets = {"pt": [[60.0]], "abseta": [[1.0]], "hadronFlavour": [[5]], "score": [[0.9]]}
    arrays = {name: np.array(values) for name, values in jets.items()}
    np.testing.assert_allclose(event_weight(correction, arrays, discriminant="score"), [1.1])
    arrays["abseta"] = -arrays["abseta"]
    with pytest.raises(ValueError, match=r"abseta must be the absolute value of eta, got -1"):
        event_weight(correction, arrays, discriminant="score")


@pytest.mark.parametrize("shift", ["lfstats1_up", "up_hf", "lf", "upper_lf"])
def test_an_unknown_shift_is_refused_with_the_list_of_those_known(correction, shift):
    with pytest.raises(ValueError, match=f"no shift '{shift}'; it has nominal, lf_up, jesTotal_up, cferr1_up"):
        event_weight(correction, EVENTS, shift)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (jet(21, 0.5), r"no hadron flavours \[21\], only \[0, 4, 5\]; hadronFlavour is meant"),
        (jet(5, 0.5, pt=np.nan), "pT is not finite for 1 of 7 jets"),
        (jet(5, 0.5, eta=np.nan), r"\|eta\| is not finite for 1 of 7 jets"),
        (jet(5, 0.5, eta=-2.6), r"deepJet_shape: abseta 2\.6 is outside of 0 to 2\.5 \(1 jets\)"),
    ],
)
def test_jets_that_have_no_scale_factor_are_refused(correction, bad, message):
    jets = ak.concatenate([EVENTS, ak.Array([[bad]])])
    with pytest.raises(ValueError, match=message):
        event_weight(correction, jets)


def test_jets_without_events_or_columns_are_refused(correction):
    flat = {name: ak.to_numpy(ak.flatten(EVENTS[name])) for name in EVENTS.fields}
    with pytest.raises(ValueError, match=r"must have the shape \(n_events, n_jets\); of flat ones give counts"):
        event_weight(correction, flat)
    with pytest.raises(ValueError, match="jets must be one list an event"):
        event_weight(correction, ak.flatten(EVENTS))
    with pytest.raises(ValueError, match=r"jets have no column btagDeepFlavB; they have \["):
        event_weight(correction, EVENTS[["pt", "eta", "hadronFlavour"]])
    with pytest.raises(ValueError, match=r"jets have no column eta; they have \["):
        event_weight(correction, EVENTS[["pt", "btagDeepFlavB", "hadronFlavour"]])


def test_a_file_for_another_era_or_tagger_is_refused(tmp_path):
    path = tmp_path / "sf.json"
    path.write_text(correction_set_text([shape_correction(SHAPES, LABEL)], ""))
    loaded = ShapeCorrection.load(path, era="2017_UL", branch="btagDeepFlavB")
    assert (loaded.tagger, loaded.branch, loaded.era) == ("deepJet", "btagDeepFlavB", "2017_UL")
    with pytest.raises(ValueError, match=r"sf\.json: made for era 2017_UL, not for 2018_UL"):
        ShapeCorrection.load(path, era="2018_UL")
    with pytest.raises(ValueError, match="made for branch btagDeepFlavB, not for btagPNetB"):
        ShapeCorrection.load(path, branch="btagPNetB")
    with pytest.raises(ValueError, match=r"no correction 'other'; name one of \['deepJet_shape'\]"):
        ShapeCorrection.load(path, "other")


def test_a_file_that_does_not_name_its_discriminant_needs_it_named():
    tree = {**shape_correction(SHAPES, LABEL), "description": "of somebody"}
    correction = ShapeCorrection.of_tree(tree)
    with pytest.raises(ValueError, match="does not say which discriminant it is for; give its column"):
        event_weight(correction, EVENTS)
    weights = event_weight(correction, EVENTS, discriminant="btagDeepFlavB")
    np.testing.assert_allclose(weights, EXPECTED["central"])


@pytest.mark.parametrize("order", [run3_table.INPUTS, ("systematic", "flavor", "pt", "abseta", "discriminant")])
def test_tables_of_run_3_give_one_to_jets_without_a_score(order):
    correction = ShapeCorrection.of_tree(run3_table.tree(tuple(order)))
    assert correction.shifts == ("nominal", "hf_up", "cferr1_up")
    codes, scores = [5, 5, 4, 0, 0, 5], [0.1, -1.0, -3.0, np.nan, 0.9, 0.5]
    values = correction.evaluate(codes, [0.1] * 6, [30.0, 30, 30, 30, 30, 100], scores, "hf_up")
    expected = [1.1 * 0.9, 1.0, 1.0, 1.0, 0.8 * 1.25, 2.2 * run3_table.cubic(0.5)]
    np.testing.assert_allclose(values, expected, rtol=1e-14)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"score": 1.2}, r"particleNet_shape: discriminant 1\.2 is outside of 0 to 1\.1 \(1 jets\)"),
        ({"abseta": 2.5}, r"particleNet_shape: abseta 2\.5 is outside of 0 to 2\.5 \(1 jets\)"),
        ({"score": np.inf}, "a score is not finite for 1 of 1 jets"),
        ({"pt": np.inf}, "pT is not finite for 1 of 1 jets"),
        ({"flavour": 4.5}, "hadron flavours must be whole numbers"),
        ({"flavour": np.nan}, "hadron flavours must be whole numbers"),
    ],
)
def test_the_message_names_what_is_out_of_range(change, message):
    correction = ShapeCorrection.of_tree(run3_table.tree())
    jet = {"flavour": 5, "abseta": 0.5, "pt": 30.0, "score": 0.5} | change
    with pytest.raises(ValueError, match=message):
        correction.evaluate(*([value] for value in jet.values()))


def test_categories_may_be_nested_the_other_way_round():
    by_flavour = {
        code: run3_table.category("systematic", {"central": value, "up_lf": 2.0 * value})
        for code, value in ((5, 0.75), (0, 0.5))
    }
    tree = run3_table.tree(data=run3_table.category("flavor", {**by_flavour, 4: 1.0}))
    correction = ShapeCorrection.of_tree(tree)
    assert correction.defined == {"central": {0, 4, 5}, "up_lf": {0, 4, 5}}
    assert correction.evaluate([5, 0, 4], [0.1] * 3, [30.0] * 3, [0.5] * 3, "lf_up").tolist() == [1.5, 1.0, 1.0]


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        (run3_table.tree(("flavor", "abseta", "pt", "discriminant"), data=1.0), "its inputs are flavor"),
        (run3_table.tree(data=run3_table.category("systematic", {"nominal": 1.0})),
         r"has the systematics nominal, not central; take a correction that has it"),
        (run3_table.tree(data=1.0), r"has the systematics \(none\), not central"),
        (run3_table.tree() | {"data": "x"}, "cannot be evaluated"),
    ],
)  # fmt: skip
def test_a_correction_that_is_no_scale_factor_of_shapes_is_refused(tmp_path, tree, message):
    path = tmp_path / "sf.json"
    path.write_text(json.dumps({"schema_version": 2, "corrections": [tree]}))
    with pytest.raises(ValueError, match=rf"sf\.json, correction particleNet_shape: .*{message}"):
        ShapeCorrection.load(path)
