"""Agreement of exported files with what they were made from, and disagreement with anything else."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.efficiency.audit import export_rows
from deepsf.efficiency.audit.export_rows import agreement_rows
from deepsf.efficiency.exports.write import write_exports
from deepsf.efficiency.maps.maps import EfficiencyMap
from tests.analysis.efficiency.exports.ensembles import CODES, ensemble
from tests.analysis.efficiency.exports.test_map_correction import SETTINGS, random_jets
from tests.analysis.efficiency.exports.test_onnx_session import biased

SAMPLE = random_jets(1000, 1)
MAPS = {name: EfficiencyMap.fit(SAMPLE, SETTINGS, delta_r=name.endswith("r")) for name in ("eff", "eff_delta_r")}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exports")
    paths = folder / "maps.json.gz", folder / "efficiency.onnx"
    write_exports(*paths, maps=MAPS, ensemble=ensemble(), hadron_flavours=CODES)
    return paths


def agreement(files, maps=MAPS, members=None, events=SAMPLE):
    members = members or ensemble()
    rows = agreement_rows(*files, maps=maps, ensemble=members, hadron_flavours=CODES, events=events)
    return {name: row.value for name, row in rows.items()}


def test_files_agree_with_their_sources(files):
    rows = agreement(files)
    assert rows.keys() == {"export.onnx", "export.correctionlib"}
    assert max(rows.values()) < 1e-5


def test_another_map_or_ensemble_is_found(files):
    other = {**MAPS, "eff_delta_r": EfficiencyMap.fit(random_jets(1000, 2), SETTINGS, delta_r=True)}
    assert agreement(files, maps=other)["export.correctionlib"] > 0.01
    rows = agreement(files, members=ensemble(n_members=2))
    assert rows["export.onnx"] > 0.01
    assert rows["export.correctionlib"] < 1e-5


def test_no_more_than_the_first_events_are_compared(files, monkeypatch):
    monkeypatch.setattr(export_rows, "_EVENTS_MAX", 3)
    first = SAMPLE.select(np.arange(len(SAMPLE)) < 3)
    assert agreement(files) == agreement(files, events=first)


def test_a_file_that_lacks_the_non_closure_agrees_with_none(files, tmp_path):
    non_closure = biased(ensemble())
    rows = agreement_rows(
        *files, maps=MAPS, ensemble=ensemble(), hadron_flavours=CODES, events=SAMPLE, non_closure=non_closure
    )
    assert rows["export.onnx"].value == np.inf
    paths = tmp_path / "maps.json.gz", tmp_path / "efficiency.onnx"
    write_exports(*paths, maps=MAPS, ensemble=ensemble(), hadron_flavours=CODES, non_closure=non_closure)
    rows = agreement_rows(
        *paths, maps=MAPS, ensemble=ensemble(), hadron_flavours=CODES, events=SAMPLE, non_closure=non_closure
    )
    assert rows["export.onnx"].value < 1e-5
