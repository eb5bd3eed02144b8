"""All files at once: those that are asked for, the same bytes each time, with what is to be said about them."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import onnx

from deepsf.config.exports import DeepSFTable, Exports, Student
from deepsf.corrections.text import read_text
from deepsf.errors.method_errors import Refits
from deepsf.exports.corrections import read_correction
from deepsf.exports.write import ExportedResults, write_exports
from tests.analysis.exports.conftest import FLAVOURS, inclusive_jets
from tests.analysis.exports.test_maps_of_skims import write_jets


def test_the_file_states_its_errors_and_that_of_its_interpolation(errors, binned, label, tmp_path):
    settings = Exports(forms=("deepsf",), deepsf=DeepSFTable(n_pt=4, n_abseta=2, n_discriminant=12, n_jets=500))
    contents = []
    for folder in (tmp_path / "first", tmp_path / "second"):
        folder.mkdir()
        places = {form: folder / name for form, name in settings.files("deepJet").items()}
        results = ExportedResults(binned, FLAVOURS, inclusive_jets(), networks={"deepsf": errors})
        lines = write_exports(places, results, label, settings, [write_jets(folder.parent / "jets.parquet")])
        contents.append(places["deepsf"].read_bytes())
    made = sorted(path.name for path in (tmp_path / "first").iterdir())
    assert made == ["deepJet_deepsf.json.gz", "normalisation_maps.json"]
    assert contents[0] == contents[1]
    tree = read_correction(places["deepsf"])
    assert tree["name"] == "deepJet_deepsf"
    (note,) = (line.removeprefix("deepJet_deepsf: ") for line in lines if "Errors:" in line)
    assert note in tree["description"]
    assert "principal components of 5 bootstraps, carried" in note
    assert "Root mean square of table minus ensemble over inclusive jets: b 0." in note
    # the statistical errors of the binned file are not those of this one
    assert "stats1" not in tree["description"]


def test_a_table_without_systematic_shifts_says_so(errors, binned, label, tmp_path):
    settings = Exports(forms=("deepsf",), deepsf=DeepSFTable(n_pt=2, n_abseta=2, n_discriminant=4, n_jets=100))
    places = {form: tmp_path / name for form, name in settings.files("deepJet").items()}
    networks = {"deepsf": replace(errors, refits=Refits())}
    results = ExportedResults(binned, FLAVOURS, inclusive_jets(), networks=networks)
    write_exports(places, results, label, settings, [write_jets(tmp_path / "jets.parquet")])
    text = read_correction(places["deepsf"])["description"]
    assert "Systematic shifts of the networks were not measured: take those of the binned scale factors." in text
    assert "there are no bootstraps" in text


def test_networks_are_written_without_the_table(errors, binned, label, tmp_path):
    student = Student(layers=1, units=4, steps=2, n_jets=100, largest_error=1e9)
    settings = Exports(forms=("networks", "onnx"), student=student)
    places = {form: tmp_path / name for form, name in settings.files("deepJet").items()}
    jets = inclusive_jets()
    jets = replace(jets, event=np.arange(len(jets.event)) // 3)
    results = ExportedResults(binned, FLAVOURS, jets, abseta_max=2.6, networks={"deepsf": errors})
    lines = write_exports(places, results, label, settings, [write_jets(tmp_path / "jets.parquet")])
    made = sorted(path.name for path in tmp_path.iterdir())
    assert made == ["deepJet_deepsf.onnx", "deepJet_deepsf_networks.json.gz", "jets.parquet", "normalisation_maps.json"]
    tree = read_correction(places["networks"])
    assert tree["name"] == "deepJet_deepsf_networks"
    assert "an error outside of 0 to 2.6" in tree["description"]
    assert json.loads(read_text(places["networks"]))["description"].startswith(
        f"{label.head()} Needs correctionlib 2.9"
    )
    (note,) = (line.removeprefix("deepJet_deepsf_networks: ") for line in lines if "student" in line)
    assert note in tree["description"]
    (about,) = (p.value for p in onnx.load(places["onnx"]).metadata_props if p.key == "description")
    assert json.loads(about).startswith(f"{label.head()} For tests. DeepSF")
