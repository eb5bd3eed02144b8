"""Shape corrections: what is defined, what happens outside of the range, what they say about themselves."""

from __future__ import annotations

import correctionlib
import pytest

from deepsf.exports.corrections import correction_set_text
from deepsf.exports.shape_correction import safe_correction, shape_correction
from deepsf.exports.shapes import shapes_of, unit_table
from tests.analysis import run3_table
from tests.analysis.exports.conftest import FLAVOURS, measurement

CFERR = {f"{d}_cferr{k}" for d in ("up", "down") for k in (1, 2)}
OTHERS = {f"{d}_{s}" for d in ("up", "down") for s in ("lf", "jes", "lfstats1")}
JET = (1.0, 60.0, 0.4)


def evaluator(label, *, safe=False):
    strict = shape_correction(shapes_of(measurement(), FLAVOURS), label)
    tree = safe_correction(strict, label) if safe else strict
    return correctionlib.CorrectionSet.from_string(correction_set_text([tree], ""))[label.name]


def defined(correction, code):
    names = set()
    for systematic in {"central"} | CFERR | OTHERS:
        try:
            correction.evaluate(systematic, code, *JET)
        except IndexError:
            continue
        names.add(systematic)
    return names


def test_strict_defines_what_the_public_files_define_and_throws_elsewhere(label):
    correction = evaluator(label)
    assert [v.name for v in correction.inputs] == ["systematic", "flavor", "abseta", "pt", "discriminant"]
    assert defined(correction, 5) == {"central"} | OTHERS
    assert defined(correction, 0) == {"central"} | OTHERS
    assert defined(correction, 4) == {"central"} | CFERR


def test_a_flavour_that_a_shift_leaves_alone_has_its_central_value_there(label):
    correction = evaluator(label)
    assert correction.evaluate("up_lfstats1", 5, *JET) == correction.evaluate("central", 5, *JET)
    assert correction.evaluate("up_lfstats1", 0, *JET) != correction.evaluate("central", 0, *JET)


def test_safe_gives_central_for_undefined_combinations_and_the_same_elsewhere(label):
    strict, safe = evaluator(label), evaluator(label, safe=True)
    for code, undefined in ((5, CFERR), (0, CFERR), (4, OTHERS)):
        for systematic in undefined:
            assert safe.evaluate(systematic, code, *JET) == strict.evaluate("central", code, *JET)
        for systematic in ({"central"} | CFERR | OTHERS) - undefined:
            assert safe.evaluate(systematic, code, *JET) == strict.evaluate(systematic, code, *JET)


@pytest.mark.parametrize("safe", [False, True])
def test_a_misspelt_systematic_throws_in_both_forms(label, safe):
    with pytest.raises(IndexError, match="up_lfstat1"):
        evaluator(label, safe=safe).evaluate("up_lfstat1", 5, *JET)


@pytest.mark.parametrize("abseta", [-0.1, 2.5, 4.0])
def test_abseta_outside_of_the_table_throws(label, abseta):
    with pytest.raises(RuntimeError, match="bounds"):
        evaluator(label).evaluate("central", 5, abseta, 60.0, 0.4)


def test_pt_and_score_are_clamped(label):
    correction = evaluator(label)

    def of(pt, score):
        return correction.evaluate("central", 0, 1.0, pt, score)

    assert of(5.0, 0.3) == of(20.0, 0.3) != of(1e3, 0.3)
    assert of(1e9, 0.3) == of(1e3, 0.3)
    assert of(60.0, 7.0) == of(60.0, 0.9999)
    assert of(60.0, -99.0) == of(60.0, -1.0) != of(60.0, 0.0)


def test_the_description_says_era_tagger_range_and_correlations(label):
    text = shape_correction(shapes_of(measurement(), FLAVOURS), label)["description"]
    assert text.startswith("[tagger: deepJet; branch: btagDeepFlavB; era: toy] ")
    assert " For tagger deepJet, branch btagDeepFlavB, era toy. For tests. " in text
    assert "Correlated between eras: lf, cferr1, cferr2; not correlated: jes, lfstats1." in text
    assert "abseta: an error outside" in text


def test_a_correction_of_another_form_has_no_safe_form(label):
    tree = shape_correction({5: {"nominal": unit_table()}}, label)
    tree["data"] = tree["data"]["content"][0]["value"]
    with pytest.raises(ValueError, match="expected a category of systematic, got category of flavor"):
        safe_correction(tree, label)
    with pytest.raises(ValueError, match=r"expected a category of flavor, got 1\.0"):
        safe_correction(run3_table.tree(data=run3_table.category("systematic", {"central": 1.0})), label)
    data = run3_table.category("systematic", {"up_lf": run3_table.category("flavor", {5: 1.0})})
    with pytest.raises(ValueError, match="particleNet_shape has the systematics up_lf, not central"):
        safe_correction(run3_table.tree(data=data), label)
