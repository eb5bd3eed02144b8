"""Damaged texts: configurations, corrections, scale factors of bins, certified blocks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from deepsf.binned.scale_factor import BinnedScaleFactor
from deepsf.config import load
from deepsf.exports.btv_csv import read_csv, write_csv
from deepsf.exports.corrections import Label, write_corrections
from deepsf.exports.event_weight import ShapeCorrection
from deepsf.exports.network_correction import network_correction
from deepsf.exports.shape_correction import shape_correction
from deepsf.exports.shapes import shapes_of
from deepsf.generator import true_sf
from deepsf.generator.composition import Composition
from deepsf.nanoaod.luminosity_blocks import LuminosityBlocks
from deepsf.reading import read_json
from tests.analysis.exports.conftest import FLAVOURS, measurement, member, points
from tests.fuzz.gate import failures
from tests.fuzz.test_tables import digest

ROOT = Path(__file__).parents[2]
LABEL = Label("deepJet_shape", "deepJet", "btagDeepFlavB", "toy")
JETS = points(200)


def evaluated(path) -> str:
    correction = ShapeCorrection.load(path)
    values = []
    for shift in correction.shifts:
        try:
            codes = np.resize([0, 4, 5], len(JETS.pt_gev))
            values.append(correction.evaluate(codes, JETS.abseta, JETS.pt_gev, JETS.discriminant, shift))
        except ValueError as error:  # jets outside of tables whose edges have changed
            values.append(str(error))
    return digest(*values)


@pytest.fixture
def shapes():
    return shapes_of(measurement(), FLAVOURS)


def test_no_damage_of_a_correction_does_harm(tmp_path, shapes):
    path = tmp_path / "shape.json"
    write_corrections(path, [shape_correction(shapes, LABEL)], "For tests.", compress=False)
    assert not failures(evaluated, path, 300, is_text=True, has_checksum=False)


def test_no_damage_of_a_compressed_correction_does_harm(tmp_path, shapes):
    path = tmp_path / "shape.json.gz"
    write_corrections(path, [shape_correction(shapes, LABEL)], "For tests.")
    assert not failures(evaluated, path, 100)


def test_no_damage_of_a_correction_with_networks_does_harm(tmp_path):
    path = tmp_path / "networks.json"
    correction = network_correction(member(1), FLAVOURS, LABEL, "One member.")
    write_corrections(path, [correction], "For tests.", compress=False)
    assert not failures(evaluated, path, 300, is_text=True, has_checksum=False)


@pytest.mark.parametrize("is_compressed", [False, True])
def test_no_damage_of_a_csv_file_does_harm(tmp_path, shapes, is_compressed):
    path = tmp_path / ("shape.csv.gz" if is_compressed else "shape.csv")
    write_csv(path, shapes, "deepJet", compress=is_compressed)
    options = {"is_text": not is_compressed, "has_checksum": is_compressed}
    assert not failures(lambda case: digest(read_csv(case)), path, 100, **options)


def test_no_damage_of_scale_factors_of_bins_does_harm(tmp_path):
    """The task that reads them digests them before: here is what a reader makes of them that does not."""
    path = tmp_path / "binned.json"
    path.write_text(measurement().to_json())

    def read(case) -> str:
        loaded = BinnedScaleFactor.load(case)
        return digest(*(table.sf for table in loaded.tables.values()))

    assert not failures(read, path, 150, is_text=True, has_checksum=False)


def test_no_damage_of_small_json_files_does_harm(tmp_path):
    blocks, composition, injected = (tmp_path / f"{name}.json" for name in ("certified", "composition", "true_sf"))
    blocks.write_text(json.dumps({str(300000 + run): [[1, 50], [60, 90 + run]] for run in range(20)}))
    composition.write_text(Composition().to_json())
    injected.write_bytes((ROOT / "configs" / "true_sf" / "toy.json").read_bytes())
    readers = {
        blocks: lambda case: digest(*vars(LuminosityBlocks.load(case)).values()),
        composition: lambda case: digest(read_json(case, Composition.from_json)),
        injected: lambda case: digest(true_sf.load(case, "toy_shape").ceilings),
    }
    for path, read in readers.items():
        assert not failures(read, path, 60, is_text=True, has_checksum=False)


@pytest.mark.parametrize("name", ["toy", "efficiency_toy"])
def test_no_damage_of_a_configuration_does_harm(tmp_path, name):
    path = tmp_path / "mine.yaml"
    path.write_bytes((ROOT / "configs" / f"{name}.yaml").read_bytes())
    assert not failures(lambda case: digest(load(case).model_dump()), path, 200, is_text=True, has_checksum=False)
