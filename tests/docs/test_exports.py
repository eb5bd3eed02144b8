"""The code of docs/exports.md runs as it is written there, and what the page says of the files holds."""

from __future__ import annotations

import correctionlib
import pytest

from tests.docs.documents import ROOT, run, write_scale_factors


def test_a_public_file_is_written_in_the_safe_form(tmp_path, monkeypatch):
    write_scale_factors(tmp_path)
    monkeypatch.chdir(tmp_path)
    namespace = run(ROOT / "docs" / "exports.md")
    assert namespace["public"]["name"] == "deepJet_shape"
    strict = correctionlib.CorrectionSet.from_file("btagging.json.gz")["deepJet_shape"]
    safe = correctionlib.CorrectionSet.from_file("btagging_safe.json.gz")["deepJet_shape_safe"]
    jet = 1.0, 60.0, 0.4
    assert safe.evaluate("up_lf", 5, *jet) == strict.evaluate("up_lf", 5, *jet)
    assert safe.evaluate("up_lf", 4, *jet) == strict.evaluate("central", 4, *jet)
    with pytest.raises(IndexError):
        strict.evaluate("up_lf", 4, *jet)
