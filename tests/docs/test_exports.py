"""The code of docs/exports.md runs as it is written there, and what the page says of the files holds."""

from __future__ import annotations

import re
from pathlib import Path

import correctionlib
import pytest

from deepsf.config.exports import Exports
from deepsf.corrections.text import read_text
from tests.docs.documents import ROOT, run, write_networks, write_scale_factors

PAGE = ROOT / "docs" / "exports.md"


def test_the_files_of_the_page_are_those_that_are_written(tmp_path):
    rows = re.findall(r"^\| `([^`]+\.[^`]+)` \| (.*?) \|", PAGE.read_text().replace("<tagger>", "deepJet"), re.M)
    corrections = {name: re.findall(r"`([^`]+)`", cell) for name, cell in rows}
    assert corrections.keys() == set(Exports().files("deepJet").values())
    write_scale_factors(tmp_path)
    write_networks(tmp_path)
    written = [path for path in tmp_path.iterdir() if path.name in corrections and ".json" in path.name]
    assert len(written) == 4
    for path in written:
        assert set(correctionlib.CorrectionSet.from_file(str(path))) <= set(corrections[path.name])


@pytest.fixture
def namespace(tmp_path, monkeypatch):
    """What the code of the page leaves, in the folder where it ran."""
    write_scale_factors(tmp_path)
    monkeypatch.chdir(tmp_path)
    return run(PAGE)


def test_a_public_file_is_written_in_the_safe_form(namespace):
    assert namespace["public"]["name"] == "deepJet_shape"
    strict = correctionlib.CorrectionSet.from_file("btagging.json.gz")["deepJet_shape"]
    safe = correctionlib.CorrectionSet.from_file("btagging_safe.json.gz")["deepJet_shape_safe"]
    jet = 1.0, 60.0, 0.4
    assert safe.evaluate("up_lf", 5, *jet) == strict.evaluate("up_lf", 5, *jet)
    assert safe.evaluate("up_lf", 4, *jet) == strict.evaluate("central", 4, *jet)
    with pytest.raises(IndexError):
        strict.evaluate("up_lf", 4, *jet)


def test_public_tables_go_from_csv_to_json_and_back(namespace):
    assert (namespace["tagger"], sorted(namespace["shapes"])) == ("", [0, 4, 5])
    strict = correctionlib.CorrectionSet.from_file("btagging.json.gz")["deepJet_shape"]
    of_csv = correctionlib.CorrectionSet.from_file("deepjet_2018.json.gz")["deepJet_shape"]
    jet = 1.0, 60.0, 0.4
    assert of_csv.evaluate("up_lf", 5, *jet) == pytest.approx(strict.evaluate("up_lf", 5, *jet), rel=1e-12)
    assert of_csv.description.startswith("[tagger: deepJet; branch: btagDeepFlavB; era: 2018]")
    assert read_text(Path("btagging.csv.gz")).startswith("deepJet;OperatingPoint, ")
