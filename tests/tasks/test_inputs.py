"""What many tasks start from: tables of the skims, and the jets to normalise on."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from deepsf.probes import composition
from deepsf.skim.shifts import NOMINAL
from tasks import inputs
from tasks.binned import MeasureBinnedSF
from tasks.inputs import MEASUREMENT_KEYS, SampleInclusiveJets, measurement_inputs, skimmed
from tasks.skim import SkimNtuples
from tests.tasks.conftest import names


def test_tables_of_a_kind_come_from_all_branches_of_the_skim(task_of):
    skims = task_of(SkimNtuples)
    entries, jets = (skimmed(skims.output(), kind) for kind in ("entries", "jets"))
    stems = [file.name.removesuffix(".root") for file in skims.branch_map.values()]
    assert [path.name for path in entries] == [f"{stem}_entries.parquet" for stem in stems]
    assert [path.name for path in jets] == [f"{stem}_jets.parquet" for stem in stems]


def test_a_measurement_needs_all_skims_and_the_inclusive_jets(task_of):
    required = measurement_inputs(task_of(SampleInclusiveJets))
    assert required["skims"].is_workflow()
    assert isinstance(required["inclusive"], SampleInclusiveJets)
    assert {"regions", "event_weight", "normalisation"} < set(MEASUREMENT_KEYS)


def test_all_that_measures_has_the_factors_of_the_contamination(task_of, monkeypatch):
    seen = []
    monkeypatch.setattr(inputs, "load_entries", lambda task, requirement, shift=NOMINAL: {"hf": shift})
    monkeypatch.setattr(composition, "with_contamination", lambda *arguments: seen.append(arguments) or "weighted")
    monkeypatch.setattr(inputs, "load_inclusive", lambda *_, **__: SimpleNamespace(shifted=None))
    monkeypatch.setattr(inputs, "skim_tables", lambda *_: SimpleNamespace(shifts=((NOMINAL, "jer_up"), ())))
    task = task_of(MeasureBinnedSF, event_weight={"contamination": {"hf": 1.1}})
    monkeypatch.setattr(task, "input", lambda: {"skims": None, "inclusive": None})
    assert inputs.load_measurement(task).entries == "weighted"
    assert inputs.load_shifts(task).entries("jer_up") == "weighted"
    assert seen == [
        ({"hf": shift}, {"hf": "b", "lf": "udsg"}, ("b", "c", "udsg"), {"hf": 1.1}) for shift in (NOMINAL, "jer_up")
    ]


@pytest.mark.parametrize(
    ("edit", "keys"),
    [
        ({"normalisation": {"max_jets": 10}}, {"config:normalisation.max_jets"}),
        ({"normalisation": {"n_pt": 7}}, set()),
        ({"regions": {"hf": {"tag_above": "L"}}}, set()),
    ],
)
def test_inclusive_jets_know_no_region_and_no_bins(changed, task_of, edit, keys):
    assert names(task_of(SampleInclusiveJets)) == ["inclusive.parquet"]
    assert changed(SampleInclusiveJets, **edit) == keys
