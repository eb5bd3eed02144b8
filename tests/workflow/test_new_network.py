"""A network of efficiencies is one file and one line: added so to a copy of the code, the whole chain runs with it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import onnx
import pytest
import yaml

from tests.workflow.campaign import ROOT

LINE = '    "lone_jet": NetworkSpec(f"{_ROOM}.lone_jet:LoneJetNetwork", NetworkTraining, "Lone jet", "#b9ac70", "p"),\n'
CONFIG = {
    "extends": str(ROOT / "tests" / "workflow" / "tiny_efficiency.yaml"),
    "efficiency": {
        "models": {"lone_jet": {"passes": 1, "steps_min": 10}},
        "ensemble": {"model": "lone_jet", "n_members": 2},
        "comparisons": {"closest_jet": None, "pairwise": 1},
        "ratio": None,
        "experiments": None,
    },
}


def code_with_the_network(folder: Path) -> None:
    """Copy the code and add the network as CONTRIBUTING.md says."""
    for name in ("analysis", "tasks"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "law.cfg", folder)
    package = folder / "analysis" / "deepsf"
    shutil.copy(Path(__file__).with_name("lone_jet.py"), package / "efficiency" / "networks")
    registry = package / "config" / "efficiency" / "networks.py"
    before, after = registry.read_text().split('}\n"""By name.')
    registry.write_text(before + LINE + '}\n"""By name.' + after)


@pytest.fixture(scope="module")
def outputs(tmp_path_factory) -> Path:
    """Return the outputs of the main job on the copy, the new network being that of the ensemble."""
    folder = tmp_path_factory.mktemp("new_network")
    code_with_the_network(folder / "code")
    (folder / "new.yaml").write_text(yaml.safe_dump(CONFIG))
    code = str(folder / "code")
    environment = os.environ | {
        "DEEPSF_BASE": code,
        "DEEPSF_DATA": str(folder / "data"),
        "LAW_HOME": str(folder / "law"),
        "LAW_CONFIG_FILE": f"{code}/law.cfg",
        "PYTHONPATH": f"{code}/analysis:{code}",
    }
    task = "tasks.efficiency.produce.ProduceEfficiencyEnsemble"
    command = ["law", "run", task, "--version", "v1", "--config", str(folder / "new.yaml")]
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    return folder / "data" / "v1" / "new"


def test_it_is_trained_and_evaluated(outputs):
    members = {path.name for path in (outputs / "TrainEfficiency").glob("*.safetensors")}
    assert members == {"member_lone_jet_0.safetensors", "member_lone_jet_1.safetensors"}
    rows = json.loads((outputs / "AuditEfficiency" / "audit.json").read_text())["samples"]["test"]["mad"]["lone_jet"]
    assert all(0.0 < rows[flavour][0] < 0.5 for flavour in ("b", "c"))


def test_its_export_gives_what_the_ensemble_gives(outputs):
    model = onnx.load(outputs / "ExportEfficiency" / "efficiency.onnx")
    assert json.loads({entry.key: entry.value for entry in model.metadata_props}["model"]) == "lone_jet"
    agreement = json.loads((outputs / "AuditEfficiency" / "audit.json").read_text())["rows"]["export.onnx"]
    assert agreement["value"] < 1e-6


@pytest.mark.parametrize("figure", ["correlation", "jet_efficiency_pt_test", "reliability", "training"])
def test_it_is_drawn(outputs, figure):
    assert (outputs / "PlotEfficiency" / f"{figure}.png").stat().st_size > 5000
