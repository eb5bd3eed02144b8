"""Damaged parquet tables: of a skim, of inclusive jets, of an ensemble's values, of events of jets."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest

from deepsf.efficiency.events.events import JetEvents
from deepsf.networks.ensemble import EntryScaleFactors
from deepsf.networks.scale_factor import Estimate
from deepsf.probes.entries import Jets
from deepsf.probes.inclusive import InclusiveJets
from deepsf.skim.cut_flow import read_report
from deepsf.skim.settings import SkimSettings
from deepsf.skim.shifts import read_shift
from deepsf.skim.skim_file import skim_file
from tests.analysis.efficiency.events.random_jets import random_events
from tests.fuzz.gate import failures


def digest(*values) -> str:
    hashed = hashlib.sha256()
    for value in values:
        hashed.update(value.tobytes() if isinstance(value, np.ndarray) else repr(value).encode())
    return hashed.hexdigest()


def skimmed(path) -> str:
    report = read_report(path)
    columns = ["entry", "weight", "channel"]
    return digest(json.loads(report.to_json()), read_shift(path, report, "nominal", columns).to_pydict())


@pytest.mark.parametrize("kind", ["entries", "jets"])
def test_no_damage_of_a_skim_does_harm(tmp_path, make_nanoaod, simulation, tagger, selection, regions, kind):
    settings = SkimSettings(sample_name="ttbar", sample=simulation, tagger=tagger, selection=selection, regions=regions)
    tables = {name: tmp_path / f"{name}.parquet" for name in ("entries", "jets")}
    skim_file(
        make_nanoaod(400), settings, entries_path=tables["entries"], jets_path=tables["jets"], events_per_chunk=200
    )
    assert not failures(skimmed, tables[kind], 150)


def test_no_damage_of_inclusive_jets_does_harm(tmp_path):
    rng = np.random.default_rng(1)

    def inclusive(n) -> InclusiveJets:
        columns = (rng.exponential(40, n), rng.uniform(0, 2.5, n), rng.random(n))
        jets = Jets(*(column.astype(np.float32) for column in columns), rng.choice([0, 1, 2], n).astype(np.int8))
        return InclusiveJets(np.arange(n), rng.normal(1, 0.2, n), jets)

    whole = replace(inclusive(300), others={"jer_up": inclusive(290)})
    whole.write(tmp_path / "inclusive.parquet")

    def read(path) -> str:
        jets = InclusiveJets.read(path, shifts=True)
        parts = (jets, *jets.others.values())
        return digest(
            list(jets.others), *(value for p in parts for value in (p.event, p.weight, *vars(p.jets).values()))
        )

    assert not failures(read, tmp_path / "inclusive.parquet", 100)


def test_no_damage_of_values_at_entries_does_harm(tmp_path):
    rng = np.random.default_rng(2)
    EntryScaleFactors(Estimate(*rng.random((3, 200))), rng.random(200)).write(tmp_path / "entries_hf.parquet")

    def read(path) -> str:
        values = EntryScaleFactors.read(path)
        return digest(*values.probe, values.tag)

    assert not failures(read, tmp_path / "entries_hf.parquet", 100)


def test_no_damage_of_events_of_jets_does_harm(tmp_path):
    random_events(150).write(tmp_path / "events.parquet")

    def read(path) -> str:
        return digest(*vars(JetEvents.read(path)).values())

    assert not failures(read, tmp_path / "events.parquet", 100)
