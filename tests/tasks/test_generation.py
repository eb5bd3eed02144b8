"""Generated input: files by plan, and a disk that is too small."""

from __future__ import annotations

import shutil
from contextlib import nullcontext
from types import SimpleNamespace

import pytest
import uproot

from deepsf.generator.composition import Composition
from deepsf.generator.plan import NotEnoughDiskError
from tasks.framework import settings
from tasks.framework.provenance import write_manifest
from tasks.generation import GenerateNtuples, TuneGenerator
from tests.tasks.conftest import names


def test_files_follow_from_the_plan_one_a_branch(task_of):
    task = task_of(GenerateNtuples)
    files = [name for branch in task.get_branch_tasks().values() for name in names(branch)]
    assert files == [f"{planned.stem}.root" for planned in task.branch_map.values()]
    assert {name.rpartition("_")[0] for name in files} == {"ttbar", "zjets", "data_ttbar", "data_zjets"}
    more = task_of(GenerateNtuples, generator={"events_per_file": 20_000})
    assert len(more.branch_map) > len(task.branch_map)


def test_every_file_is_made_with_the_one_composition(task_of):
    task = task_of(GenerateNtuples)
    composition = task.as_branch(0).requires()
    assert isinstance(composition, TuneGenerator)
    assert names(composition) == ["composition.json"]
    assert task.as_branch(3).requires() is composition is task.workflow_requires()["composition"]


def test_the_true_scale_factors_are_an_input(task_of):
    task = task_of(GenerateNtuples).as_branch(0)
    assert [path.name for path in task.external_files()] == ["toy.json"]
    assert "file:configs/true_sf/toy.json" in task.own_inputs()


def changed_by(task_of, sample, **sections):
    """Return which inputs of the first file of a sample sections change."""

    def inputs(**given):
        task = task_of(GenerateNtuples, **given)
        number = next(n for n, planned in task.branch_map.items() if planned.sample == sample)
        return task.as_branch(number).own_inputs()

    before, after = inputs(), inputs(**sections)
    return {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}


def test_files_depend_on_the_branches_that_the_configuration_names(task_of):
    paths = {"ee": ["HLT_Ele23_Ele12_CaloIdL_TrackIdL_IsoVL", "HLT_Ele30_WPTight_Gsf"]}
    prefiring = {"prefiring": {"nominal": "L1PreFiringWeight_Nom"}}
    for key, value in (("triggers", paths), ("event_filters", ["Flag_goodVertices"]), ("weights", prefiring)):
        assert changed_by(task_of, "ttbar", selection={key: value}) == {f"config:selection.{key}"}
    assert changed_by(task_of, "ttbar", selection={"mll_min_gev": 20.0}) == set()
    other = {"data": {"triggers": {"ee": ["HLT_Ele32_WPTight_Gsf"]}}}
    assert changed_by(task_of, "ttbar", samples=other) == {"config:samples.data.triggers"}


def test_pseudo_data_alone_depend_on_what_is_certified(task_of, tmp_path):
    blocks = tmp_path / "golden.json"
    blocks.write_text('{"355900": [[1, 3]], "400000": [[1, 9]]}')
    campaign = {"certified": str(blocks), "runs": [[355862, 357900]]}
    of_campaign = {"config:campaign.certified", "config:campaign.runs"}
    assert changed_by(task_of, "data", campaign=campaign) == {*of_campaign, f"file:{blocks}", "parameter:part"}
    assert changed_by(task_of, "ttbar", campaign=campaign) == of_campaign
    # a file of pseudo-data with the largest events of all keys
    task = task_of(GenerateNtuples, campaign={**campaign, "luminosity_ifb": 0.01})
    number = next(n for n, planned in task.branch_map.items() if planned.sample == "data")
    composition = task.as_branch(number).requires()
    composition.output().file.parent.mkdir(parents=True)
    composition.output().file.write_text(Composition().to_json())
    write_manifest(composition.output().file, "TuneGenerator", composition.inputs_now())
    task.as_branch(number).run()
    assert task.as_branch(number).complete()
    with uproot.open(task.as_branch(number).output().file) as file:
        found = file["LuminosityBlocks"].arrays(library="np")
    assert set(found["run"].tolist()) == {355900}
    assert found["luminosityBlock"].tolist() == [1, 2, 3]


@pytest.mark.parametrize("workflow", ["local", "htcondor"])
def test_a_disk_that_is_too_small_is_refused_before_anything_runs(task_of, monkeypatch, workflow):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1))
    task = task_of(GenerateNtuples)
    start = nullcontext() if workflow == "local" else task.htcondor_workflow_run_context()
    with pytest.raises(NotEnoughDiskError), start:
        task.local_workflow_pre_run()
    assert not (settings.data() / "v1").exists()
