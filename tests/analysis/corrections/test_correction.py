"""Corrections of files: what is damaged is refused with its name, inputs go by name, and errors name the input."""

from __future__ import annotations

import gzip
import json
import math
import re

import correctionlib
import numpy as np
import pytest

from deepsf.corrections.correction import SHAPE_INPUTS, Correction, CorrectionFileError
from tests.analysis.run3_table import INPUTS, NAME, binning, cubic, tree


def write(path, *trees, version=2):
    text = json.dumps({"schema_version": version, "corrections": list(trees)})
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


@pytest.fixture(params=["sf.json", "sf.json.gz"])
def path(request, tmp_path):
    return write(tmp_path / request.param, tree())


def jets(n=1000, seed=2):
    rng = np.random.default_rng(seed)
    return {
        "systematic": "central",
        "flavor": rng.choice([0, 4, 5], n),
        "abseta": rng.uniform(0, 2.5, n),
        "pt": rng.uniform(15, 400, n),
        "discriminant": rng.uniform(0, 1.0, n),
    }


def test_a_correction_is_read_with_its_values(path):
    correction, columns = Correction.load(path), jets()
    published = correctionlib.CorrectionSet.from_file(str(path))[NAME]
    np.testing.assert_array_equal(correction.evaluate(columns), published.evaluate(*columns.values()))
    one = {**columns, "flavor": 5, "abseta": 0.1, "pt": 50.0, "discriminant": np.array([0.1, 0.5, 0.9, 1.0])}
    np.testing.assert_allclose(correction.evaluate(one), [0.9, cubic(0.5), 1.25, 1.5], rtol=1e-14)


@pytest.mark.parametrize("order", [("systematic", "flavor", "pt", "abseta", "discriminant"), tuple(reversed(INPUTS))])
def test_inputs_go_by_name_in_whatever_order_a_file_has_them(order):
    columns = jets()
    expected = Correction.of_tree(tree()).evaluate(columns)
    np.testing.assert_array_equal(Correction.of_tree(tree(order)).evaluate({**columns, "unused": 1.0}), expected)


def test_jets_without_a_score_have_one_where_it_is_refused_and_their_own_value_elsewhere():
    columns = jets(4) | {"flavor": 5, "pt": 30.0, "abseta": 0.5, "discriminant": np.array([-1.0, 0.1, -3.0, 0.9])}
    np.testing.assert_array_equal(Correction.of_tree(tree()).scale_factor(columns), [1.0, 0.9, 1.0, 1.25])
    data = binning("discriminant", [-15, 0, 1.1], [0.7, 1.2], "clamp")
    np.testing.assert_array_equal(Correction.of_tree(tree(data=data)).scale_factor(columns), [0.7, 1.2, 0.7, 1.2])
    beyond = {**columns, "abseta": np.array([2.6, 0.1, 0.1, 0.1])}
    with pytest.raises(ValueError, match=r"abseta 2\.6 is outside of 0 to 2\.5 \(1 jets\)"):
        Correction.of_tree(tree()).scale_factor(beyond)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"abseta": 2.6}, "particleNet_shape: abseta 2.6 is outside of 0 to 2.5 (3 jets); select jets"),
        ({"discriminant": np.array([0.2, 1.2, 0.3])}, "discriminant 1.2 is outside of 0 to 1.1 (1 jets)"),
        ({"flavor": np.array([5, 21, 5])}, "flavor 21 is none of 0, 4, 5 (1 jets)"),
        ({"systematic": "up_x"}, "systematic up_x is none of central, up_hf, up_cferr1 (3 jets)"),
        ({"abseta": np.array([0.1, np.nan, 0.1])}, "abseta nan is outside of 0 to 2.5 (1 jets)"),
    ],
)
def test_an_error_names_the_input_its_value_and_what_it_may_be(change, message):
    columns = jets(3) | {"flavor": 5} | change
    with pytest.raises(ValueError, match=re.escape(message)):
        Correction.of_tree(tree()).evaluate(columns)


def test_a_value_that_is_not_finite_is_refused():
    log = {"nodetype": "formula", "parser": "TFormula", "variables": ["discriminant"], "expression": "log(x)"}
    correction = Correction.of_tree(tree(data=log))
    columns = jets(3) | {"discriminant": np.array([0.5, 0.0, 1.0])}
    with pytest.raises(ValueError, match="particleNet_shape: gives -inf for 1 jets; take a correct file"):
        correction.evaluate(columns)


DEEP = '{"schema_version": 2, "corrections": ' + "[" * 100_000 + "]" * 100_000 + "}"
FEWER = tree(data={"nodetype": "formularef", "index": 0, "parameters": [1.0]})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a readable correctionlib file (Expecting value"),
        (b"{", "not a readable correctionlib file (Expecting property name"),
        (b"null", "not a readable correctionlib file ("),
        (b"[]", "not a readable correctionlib file ("),
        (b"{}", "not a readable correctionlib file (it lacks 'schema_version')"),
        (b'{"schema_version": 2, "corrections": 3}', "not a readable correctionlib file ("),
        (b'{"schema_version": 2, "corrections": [null]}', "not a readable correctionlib file ("),
        (b'{"schema_version": 2, "corrections": [{}]}', "not a readable correctionlib file (it lacks 'name')"),
        (DEEP.encode(), "not a readable correctionlib file (maximum recursion depth"),
        ("\u00fc".encode("latin-1"), "not a readable correctionlib file (no text: "),
        (gzip.compress(b"{}")[:-5], "not a readable correctionlib file (damaged gzip file: "),
        (json.dumps({"schema_version": 2, "corrections": [tree(data=math.nan)]}).encode(), "the number NaN"),
        (json.dumps({"schema_version": 1, "corrections": []}).encode(), "schema version 1 of correctionlib; version 2"),
        (json.dumps({"schema_version": 2, "corrections": [FEWER]}).encode(), "takes 5 parameters, got 1"),
        (json.dumps({"schema_version": 2, "corrections": [tree(data=1e300)]}).replace("1e+300", "1e999").encode(),
         "cannot be evaluated (Out of range float values"),
        (json.dumps({"schema_version": 2, "corrections": [tree(data="x")]}).encode(), "cannot be evaluated (Invalid"),
        (json.dumps({"schema_version": 2, "corrections": [{"name": "a"}]}).encode(), "cannot be evaluated (it lacks "),
    ],
)  # fmt: skip
def test_a_damaged_file_is_refused_in_one_line_that_names_it(tmp_path, content, message):
    path = tmp_path / "sf.json"
    path.write_bytes(content)
    with pytest.raises(CorrectionFileError) as caught:
        Correction.load(path)
    assert str(caught.value).startswith(f"{path}")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_or_lacks_the_correction_is_refused(tmp_path, path):
    with pytest.raises(CorrectionFileError, match=r"none\.json: not a readable correctionlib file \(No such file"):
        Correction.load(tmp_path / "none.json")
    with pytest.raises(CorrectionFileError, match=rf"no correction 'other'; name one of \['{NAME}'\]"):
        Correction.load(path, "other")
    both = write(tmp_path / "two.json", tree(), {**tree(), "name": "b"})
    with pytest.raises(CorrectionFileError, match="no correction None; name one of"):
        Correction.load(both)


def test_no_file_with_a_byte_changed_gives_anything_but_a_documented_error(tmp_path):
    whole, columns = json.dumps({"schema_version": 2, "corrections": [tree()]}).encode(), jets(20)
    rng, path, taken, refused = np.random.default_rng(3), tmp_path / "sf.json", 0, 0
    for place in rng.integers(0, len(whole), 300):
        changed = bytearray(whole)
        changed[place] = rng.integers(32, 127)
        path.write_bytes(bytes(changed))
        try:
            correction = Correction.load(path, NAME)
            correction.require_inputs(SHAPE_INPUTS)
            taken += np.isfinite(correction.scale_factor(columns)).all()
        except ValueError as error:
            refused += str(error).startswith((str(path), NAME))
    assert taken + refused == 300
    assert min(taken, refused) > 5


def test_inputs_that_are_others_are_refused(tmp_path):
    correction = Correction.load(
        write(tmp_path / "sf.json", tree(("flavor", "abseta", "pt", "discriminant"), data=1.0))
    )
    correction.require_inputs(SHAPE_INPUTS, optional=("systematic",))
    with pytest.raises(CorrectionFileError, match=rf"sf\.json, correction {NAME}: its inputs are flavor \(int"):
        correction.require_inputs(SHAPE_INPUTS)
    with pytest.raises(CorrectionFileError, match=r"take a correction of flavor \(real\)"):
        correction.require_inputs({"flavor": "real", "abseta": "real", "pt": "real", "discriminant": "real"})


def test_what_the_schema_alone_forbids_is_found_by_it(path):
    correction = Correction.load(path)
    assert correction.validated() is correction
    odd = Correction.of_tree({**tree(), "colour": "red"}, "sf.json")
    with pytest.raises(CorrectionFileError, match=rf"sf\.json, correction {NAME}: against .* \(colour: Extra"):
        odd.validated()
