"""Files of corrections: they comply with the schema, are deterministic, and say which version made them."""

from __future__ import annotations

import gzip
from argparse import Namespace
from dataclasses import replace
from io import StringIO

import correctionlib
import pydantic
import pytest
from correctionlib import cli, schemav2
from rich.console import Console

import deepsf
from deepsf.exports.corrections import Label, correction_set_text, read_correction, write_corrections
from deepsf.exports.shape_correction import shape_correction
from deepsf.exports.shapes import shapes_of, unit_table
from tests.analysis.exports.conftest import FLAVOURS, measurement

LABEL = Label("a_shape", "", "", "")


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


def test_correctionlib_shows_what_a_file_is_for_and_was_made_with(label, tmp_path):
    made = replace(label, campaign="toy_small", commit="0123456789ab")
    trees = [shape_correction({5: {"nominal": unit_table()}}, made)]
    write_corrections(tmp_path / "a.json.gz", trees, made.head())
    console = Console(file=StringIO(), width=1000)
    cli.summary(console, Namespace(files=[str(tmp_path / "a.json.gz")], ignore_float_inf=False))
    shown = console.file.getvalue()
    words = "For tagger deepJet, branch btagDeepFlavB, era toy, campaign toy_small, commit 0123456789ab."
    version = f"Made by deepsf {deepsf.__version__}."
    # of the file, and of the correction
    assert (shown.count(words), shown.count(version)) == (2, 2)


def test_what_is_not_known_is_left_out():
    assert replace(LABEL, campaign="toy").head() == "For campaign toy."
    assert LABEL.head() == ""


def test_the_file_and_each_correction_say_which_version_made_them(label):
    names = "a_shape", "b_shape"
    trees = [shape_correction({5: {"nominal": unit_table()}}, replace(label, name=name)) for name in names]
    text = correction_set_text(trees, label.head())
    made = schemav2.CorrectionSet.model_validate_json(text)
    assert made.description == f"{label.head()} Made by deepsf {deepsf.__version__}."
    corrections = correctionlib.CorrectionSet.from_string(text)
    for name in names:
        assert corrections[name].description.endswith(f"before. Made by deepsf {deepsf.__version__}.")
