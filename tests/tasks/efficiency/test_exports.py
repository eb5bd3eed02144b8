"""Files of efficiencies for analyses: what they are called, and how they are described."""

from __future__ import annotations

from pathlib import Path

from tasks.efficiency.exports import ExportEfficiency
from tasks.framework.machine import commit
from tests.tasks.conftest import names


def test_exports_say_tagger_branch_and_era(of):
    task = of(ExportEfficiency, "efficiency_nanoaod", exports={"description": "Of a test."})
    made = f"campaign {Path(task.config).stem}, commit {commit()}."
    words = f"For tagger deepJet, branch btagDeepFlavB, era toy, {made}"
    assert task.head() == f"[tagger: deepJet; branch: btagDeepFlavB; era: toy] {words} Of a test."
    assert "era: 2017] For" in of(ExportEfficiency, "efficiency_nanoaod", exports={"era": "2017"}).head()
    toy = of(ExportEfficiency)
    assert toy.head() == f"For campaign {Path(toy.config).stem}, commit {commit()}."


def test_maps_and_network_are_one_file_each(of):
    assert names(of(ExportEfficiency)) == ["efficiency.onnx", "efficiency_maps.json.gz"]


def test_the_toy_has_no_tagger_to_depend_on(of):
    assert not any(key.startswith(("tagger", "campaign")) for key in of(ExportEfficiency).config_keys)
    assert {"tagger.name", "campaign.era"} < set(of(ExportEfficiency, "efficiency_nanoaod").config_keys)
