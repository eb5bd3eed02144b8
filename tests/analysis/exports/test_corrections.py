"""Files of corrections: they comply with the schema, are deterministic, and say which version made them."""

from __future__ import annotations

import gzip
from dataclasses import replace

import correctionlib
import pydantic
import pytest
from correctionlib import schemav2

import deepsf
from deepsf.exports.corrections import correction_set_text, read_correction, write_corrections
from deepsf.exports.shape_correction import shape_correction
from deepsf.exports.shapes import shapes_of, unit_table
from tests.analysis.exports.conftest import FLAVOURS, measurement


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


def test_the_file_and_each_correction_say_which_version_made_them(label):
    names = "a_shape", "b_shape"
    trees = [shape_correction({5: {"nominal": unit_table()}}, replace(label, name=name)) for name in names]
    text = correction_set_text(trees, label.head())
    made = schemav2.CorrectionSet.model_validate_json(text)
    assert made.description == f"{label.head()} Made by deepsf {deepsf.__version__}."
    corrections = correctionlib.CorrectionSet.from_string(text)
    for name in names:
        assert corrections[name].description.endswith(f"before. Made by deepsf {deepsf.__version__}.")
