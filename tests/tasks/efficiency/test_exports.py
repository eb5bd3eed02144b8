"""Files of efficiencies for analyses: what they are called, and how they are described."""

from __future__ import annotations

from tasks.efficiency.exports import ExportEfficiency
from tests.tasks.conftest import names


def test_exports_say_tagger_branch_and_era(of):
    task = of(ExportEfficiency, "efficiency_nanoaod", exports={"description": "Of a test."})
    assert task.head() == "[tagger: deepJet; branch: btagDeepFlavB; era: toy] Of a test."
    assert of(ExportEfficiency, "efficiency_nanoaod", exports={"era": "2017"}).head().endswith("era: 2017]")
    assert of(ExportEfficiency).head() == ""


def test_maps_and_network_are_one_file_each(of):
    assert names(of(ExportEfficiency)) == ["efficiency.onnx", "efficiency_maps.json.gz"]


def test_the_toy_has_no_tagger_to_depend_on(of):
    assert not any(key.startswith(("tagger", "campaign")) for key in of(ExportEfficiency).config_keys)
    assert {"tagger.name", "campaign.era"} < set(of(ExportEfficiency, "efficiency_nanoaod").config_keys)
