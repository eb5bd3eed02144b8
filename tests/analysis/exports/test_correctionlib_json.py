"""The correctionlib files: what is defined, what happens outside of the range, what they say about themselves."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace

import correctionlib
import numpy as np
import pydantic
import pytest
from correctionlib import schemav2

from deepsf.exports.correctionlib_json import (
    correction_set_text,
    read_correction,
    read_shapes,
    shape_correction,
    write_corrections,
)
from deepsf.exports.shapes import completed, shapes_of, unit_table
from tests.analysis.exports.conftest import FLAVOURS, measurement, points

CFERR = {f"{d}_cferr{k}" for d in ("up", "down") for k in (1, 2)}
OTHERS = {f"{d}_{s}" for d in ("up", "down") for s in ("lf", "jes", "lfstats1")}
JET = (1.0, 60.0, 0.4)


def evaluator(label, *, safe=False):
    tree = shape_correction(shapes_of(measurement(), FLAVOURS), label, safe=safe)
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
    assert text.startswith("[tagger: deepJet; branch: btagDeepFlavB; era: toy] For tests. ")
    assert "Correlated between eras: lf, cferr1, cferr2; not correlated: jes, lfstats1." in text
    assert "abseta: an error outside" in text


def test_files_comply_with_the_schema_are_deterministic_and_small(label, tmp_path):
    contents = []
    for name in ("a", "b"):
        tree = shape_correction(shapes_of(measurement(), FLAVOURS), label)
        write_corrections(tmp_path / f"{name}.json.gz", [tree], "x")
        contents.append((tmp_path / f"{name}.json.gz").read_bytes())
    assert contents[0] == contents[1]
    assert len(contents[0]) < 50_000
    schemav2.CorrectionSet.model_validate_json(gzip.decompress(contents[0]))


def test_what_violates_the_schema_is_not_written(label, tmp_path):
    tree = shape_correction({5: {"nominal": unit_table()}}, label)
    tree["data"]["input"] = "sistematic"
    with pytest.raises(pydantic.ValidationError, match="sistematic"):
        write_corrections(tmp_path / "a.json", [tree], "")
    assert not list(tmp_path.iterdir())


def test_a_correction_that_is_not_in_the_file_is_named_with_those_that_are(label, tmp_path):
    trees = [
        shape_correction({5: {"nominal": unit_table()}}, replace(label, name=name)) for name in ("a_shape", "b_shape")
    ]
    write_corrections(tmp_path / "two.json", trees, "", compress=False)
    with pytest.raises(ValueError, match=r"two\.json: no correction 'c'; name one of \['a_shape', 'b_shape'\]"):
        read_correction(tmp_path / "two.json", "c")
    with pytest.raises(ValueError, match="no correction None"):
        read_correction(tmp_path / "two.json")


def test_a_correction_of_another_form_is_not_read(label):
    tree = shape_correction({5: {"nominal": unit_table()}}, label)
    tree["data"]["content"][0]["value"]["content"][0]["value"] = 1.0
    with pytest.raises(ValueError, match=r"expected a binning in abseta, got 1\.0"):
        read_shapes(json.loads(json.dumps(tree)))


def test_a_measured_flavour_without_a_table_is_refused():
    with pytest.raises(ValueError, match="flavour udsg is measured, but has no nominal scale factor"):
        completed({"b": {"nominal": unit_table()}}, FLAVOURS)


def test_measured_charm_has_the_shifts_of_all_measured_flavours():
    flavours = {**FLAVOURS, "c": FLAVOURS["c"].model_copy(update={"scale_factor": "measured"})}
    table = unit_table()
    shapes = completed(
        {"b": {"nominal": table, "lf_up": table}, "c": {"nominal": table}, "udsg": {"nominal": table}}, flavours
    )
    assert set(shapes[4]) == set(shapes[5]) == {"nominal", "lf_up"}


def test_a_constant_curve_is_one_number():
    np.testing.assert_array_equal(unit_table().evaluate([0.0, 2.4], [1.0, 1e5], [-1.0, 0.5]), 1.0)
    with pytest.raises(ValueError, match=r"\|eta\| from 0 to 2.5 leaves the table, 0 to 2.5"):
        unit_table().evaluate([0.0, 2.5], [50.0, 50.0], [0.5, 0.5])


def test_the_last_bin_stays_open_beyond_its_edge():
    binned = measurement()
    jets = points(1000)
    jets.abseta[:] = np.linspace(2.4, 2.69, 1000)
    table = shapes_of(binned, FLAVOURS, abseta_max=2.7)[0]["nominal"]
    assert table.abseta == (0.0, 0.8, 1.618034, 2.7)
    measured = binned.evaluate("udsg", jets, "binned_smooth")
    np.testing.assert_allclose(table.evaluate(jets.abseta, jets.pt_gev, jets.discriminant), measured, atol=1e-6)
