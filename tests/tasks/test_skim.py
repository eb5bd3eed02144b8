"""Skims: one file a branch, generated or from patterns, and what a file's tables depend on."""

from __future__ import annotations

import pytest

from deepsf.config import ConfigError
from tasks.cut_flow import ReportCutFlow
from tasks.generation import GenerateNtuples
from tasks.skim import SkimNtuples
from tests.tasks.conftest import names


def on_files(tmp_path, **data):
    """Return sections of a campaign on files instead of generated input."""
    for name in ("a/one.root", "a/two.root", "b/one.root"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    simulation = {"files": [f"{tmp_path}/a/*.root"], "generate": []}
    return {
        "generator": None,
        "campaign": {"certified": None},
        "samples": {
            "ttbar": simulation,
            "zjets": {**simulation, "files": [f"{tmp_path}/a/one.root"]},
            "data": {"files": [f"{tmp_path}/b/*.root"], "generate": [], **data},
        },
    }


def test_generated_files_are_skimmed_by_their_plan_before_there_are_any(task_of):
    task = task_of(SkimNtuples)
    planned = task_of(GenerateNtuples).branch_map.values()
    assert [file.path.stem for file in task.branch_map.values()] == [file.stem for file in planned]
    first = task.as_branch(0)
    assert isinstance(first.requires(), GenerateNtuples)
    assert first.requires().output().file == first.branch_data.path
    assert names(first) == ["ttbar/ttbar_0_entries.parquet", "ttbar/ttbar_0_jets.parquet"]


def test_files_are_found_by_patterns_and_are_inputs(task_of, tmp_path):
    task = task_of(SkimNtuples, **on_files(tmp_path))
    assert [(file.sample, file.path.name) for file in task.branch_map.values()] == [
        ("ttbar", "one.root"),
        ("ttbar", "two.root"),
        ("zjets", "one.root"),
        ("data", "one.root"),
    ]
    assert task.as_branch(0).requires() == []
    assert tmp_path / "a" / "one.root" in task.as_branch(0).external_files()


def test_every_file_of_the_corrections_is_an_input(task_of, tmp_path):
    files = [tmp_path / "jerc.json", tmp_path / "smear.json"]
    jer = {"resolution": "r", "scale_factor": "s", "smearing": {"file": str(files[1])}}
    task = task_of(SkimNtuples, jet_corrections={"file": str(files[0]), "jer": jer}).as_branch(0)
    assert set(files) < set(task.external_files())


def test_files_of_one_name_in_two_folders_do_not_meet(task_of, tmp_path):
    task = task_of(SkimNtuples, **on_files(tmp_path, files=[f"{tmp_path}/a/one.root", f"{tmp_path}/b/one.root"]))
    outputs = [name for branch in task.get_branch_tasks().values() for name in names(branch)]
    assert len(outputs) == len(set(outputs)) == 10


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (["{}/c/*.root"], r"samples\.data\.files: '.*/c/\*\.root' matches no file"),
        (["{}/b/*.root", "{}/*/one.root"], r"samples\.data\.files: .*/b/one\.root is matched by more than one pattern"),
    ],
)
def test_patterns_that_match_nothing_or_twice_are_named(task_of, tmp_path, files, message):
    task = task_of(SkimNtuples, **on_files(tmp_path, files=[pattern.format(tmp_path) for pattern in files]))
    with pytest.raises(ConfigError, match=message):
        task.get_branch_map()


@pytest.mark.parametrize(
    ("edit", "keys"),
    [
        ({"selection": {"n_jets_min": 3}}, {"config:selection"}),
        ({"samples": {"ttbar": {"cross_section_pb": 1.0}}}, set()),
        ({"campaign": {"luminosity_ifb": 1.0}}, set()),
        ({"training": {"learning_rate": 5e-4}}, set()),
    ],
)
def test_tables_depend_on_the_selection_and_on_no_weight_that_comes_later(task_of, edit, keys):
    before, after = (task_of(SkimNtuples, **sections).as_branch(0).own_inputs() for sections in ({}, edit))
    assert {key for key in before if before[key] != after[key]} == keys


def test_a_table_depends_on_its_own_sample_alone(task_of):
    inputs = task_of(SkimNtuples).as_branch(0).own_inputs()
    assert {key.split(".")[1] for key in inputs if key.startswith("config:samples.")} == {"ttbar"}


def test_the_cut_flow_is_of_all_skims(task_of):
    task = task_of(ReportCutFlow)
    assert names(task) == ["cut_flow.txt", "processed_luminosity/data.json"]
    assert task.requires().is_workflow()
