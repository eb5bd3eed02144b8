"""All files at once: those that are asked for, the same bytes each time, with what is to be said about them."""

from __future__ import annotations

from dataclasses import replace

from deepsf.config.exports import DeepSFTable, Exports
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
