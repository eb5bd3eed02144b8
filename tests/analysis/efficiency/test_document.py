"""The code of docs/efficiencies.md runs as it is written there, on an exported ensemble and exported maps."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from analysis.efficiency.exports.bundle import write_exports
from analysis.efficiency.maps import EfficiencyMap

from .test_exports_map import SETTINGS, random_jets
from .test_exports_onnx import CODES, ensemble

DOCUMENT = Path(__file__).parents[3] / "docs" / "efficiencies.md"


@pytest.fixture
def namespace(tmp_path, monkeypatch):
    """Run all Python blocks of the document in a folder with the files that it names."""
    members = ensemble()
    members.save(tmp_path / "invariant.safetensors")
    maps = {"efficiency": EfficiencyMap.fit(random_jets(2000, 1), SETTINGS)}
    places = tmp_path / "efficiency_maps.json.gz", tmp_path / "efficiency.onnx"
    write_exports(*places, maps=maps, ensemble=members, hadron_flavours=CODES)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL):
        exec(compile(block, str(DOCUMENT), "exec"), names)
    return names


def test_the_document_runs_and_its_three_ways_agree(namespace):
    medium = namespace["medium"]
    np.testing.assert_allclose(namespace["medium_of_onnx"], medium, atol=1e-6)
    np.testing.assert_allclose(namespace["weight"], [at_least_two(medium[:3]), 0.0], rtol=1e-6)
    assert namespace["v_eff"] > 0
    assert [len(event) for event in namespace["by_event"]] == [3, 1]
    assert (namespace["down"] < namespace["of_map"]).all()
    assert (namespace["of_map"] < namespace["up"]).all()
    sf, eff = namespace["sf"], namespace["of_map"]
    expected = sf * (1 - sf * eff[1]) / (1 - eff[1]) * (1 - sf * eff[2]) / (1 - eff[2])
    assert namespace["wp_weight"][0] == pytest.approx(expected)


def at_least_two(eff):
    a, b, c = (float(value) for value in eff)
    return a * b + a * c + b * c - 2 * a * b * c
