"""Code in the documents, and the files that it reads.

A block is marked behind ``python``: ``client`` needs deepsf with its plain dependencies alone, ``onnx`` the extra of
that name besides, and one without a mark everything. The blocks of a document share their names, client blocks among
themselves.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import awkward as ak
import numpy as np

from deepsf.config.exports import Exports, Student
from deepsf.corrections.text import read_text
from deepsf.efficiency.exports.write import write_exports as write_efficiencies
from deepsf.efficiency.maps.maps import EfficiencyMap
from deepsf.exports.corrections import Label, write_corrections
from deepsf.exports.network_file import student_correction
from deepsf.exports.onnx_file import ensemble_onnx
from deepsf.exports.write import ExportedResults, write_exports
from tests.analysis.efficiency.exports.ensembles import CODES, ensemble
from tests.analysis.efficiency.exports.test_map_correction import SETTINGS, random_jets
from tests.analysis.exports.conftest import FLAVOURS, inclusive_jets, measurement, method_errors
from tests.analysis.exports.test_maps_of_skims import write_jets

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
MARKS = ("", "client", "onnx")
LABEL = Label("deepJet_shape", "deepJet", "btagDeepFlavB", "toy", "For tests.", ("hf", "lf", "cferr1", "cferr2"))


class Block(NamedTuple):
    """A block of code of a document, and what it needs."""

    mark: str
    code: str


def blocks(document: Path, *marks: str) -> list[Block]:
    """Return the blocks with one of the marks, in order; all of them without any."""
    every = [Block(*found) for found in re.findall(r"^```python *(\w*)\n(.*?)^```$", document.read_text(), re.M | re.S)]
    for block in every:
        assert block.mark in MARKS, f"{document.name}: a block is marked {block.mark!r}, which is none of {MARKS}"
    return [block for block in every if block.mark in marks or not marks]


def run(document: Path, *marks: str) -> dict[str, object]:
    """Run blocks in the current folder; return their names."""
    names: dict[str, object] = {}
    for block in blocks(document, *marks):
        exec(compile(block.code, str(document), "exec"), names)
    return names


def write_scale_factors(folder: Path) -> list[str]:
    """Write the scale factors that pages read; return the notes about them."""
    settings = Exports(forms=("strict", "safe", "csv"))
    places = {form: folder / name for form, name in settings.files("deepJet").items()}
    jets = [write_jets(folder / "jets.parquet")]
    lines = write_exports(places, ExportedResults(measurement(), FLAVOURS, inclusive_jets()), LABEL, settings, jets)
    shutil.copy(places["strict"], folder / "btagging.json.gz")  # stands for a public file, as the next one
    (folder / "DeepJet_102XSF_V1.csv").write_text(read_text(places["csv"]).removeprefix("deepJet;"))
    return lines


def write_networks(folder: Path) -> None:
    """Write the files of networks that pages read; the student has learnt next to nothing."""
    settings = Student(layers=1, units=4, steps=50, n_jets=500, learning_rate=1e-3, largest_error=1e9)
    jets = inclusive_jets()
    jets = replace(jets, event=np.arange(len(jets.event)) // 3)
    label = replace(LABEL, name="deepJet_deepsf_networks")
    tree, _ = student_correction(method_errors(), jets, FLAVOURS, label, settings)
    write_corrections(folder / "deepJet_deepsf_networks.json.gz", [tree], label.head())
    (folder / "deepJet_deepsf.onnx").write_bytes(ensemble_onnx(method_errors(), label.head()))


def write_efficiency_files(folder: Path) -> None:
    """Write the efficiencies that pages read."""
    members = ensemble()
    members.save(folder / "gnn.safetensors")
    maps = {
        "efficiency": EfficiencyMap.fit(random_jets(2000, 1), SETTINGS),
        "efficiency_delta_r": EfficiencyMap.fit(random_jets(2000, 1), SETTINGS, delta_r=True),
    }
    places = folder / "efficiency_maps.json.gz", folder / "efficiency.onnx"
    write_efficiencies(*places, maps=maps, ensemble=members, hadron_flavours=CODES)


def simulated(n_events: int) -> ak.Array:
    """Return events as an analysis has them: scores above and below all cuts for jets of every flavour."""
    rng = np.random.default_rng(3)
    counts = rng.integers(1, 5, n_events)
    n = int(counts.sum())
    columns = {"pt": rng.uniform(20, 300, n), "eta": rng.uniform(-2.5, 2.5, n), "phi": rng.uniform(-3, 3, n)}
    jets = ak.unflatten(ak.zip(columns), counts)
    jets = jets[ak.argsort(jets.pt, ascending=False)]
    jets["hadronFlavour"] = ak.unflatten(rng.choice([0, 4, 5], n), counts)
    jets["btagDeepFlavB"] = ak.unflatten(rng.uniform(0, 1, n), counts)
    return ak.zip({"genWeight": rng.choice([1.0, -1.0], n_events, p=[0.9, 0.1]), "jets": jets}, depth_limit=1)
