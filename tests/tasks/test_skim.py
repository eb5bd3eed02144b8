"""Skims: one file a branch, generated or from patterns, and what a file's tables depend on."""

from __future__ import annotations

from pathlib import Path

import pytest

from deepsf.config import ConfigError
from deepsf.nanoaod import attempts
from deepsf.nanoaod.root_file import UnreachableError, UnreadableError
from deepsf.skim.cut_flow import read_report
from tasks.cut_flow import ReportCutFlow
from tasks.framework import remote_files
from tasks.generation import GenerateNtuples
from tasks.skim import SkimNtuples
from tests.conftest import FILTER, TRIGGERS
from tests.tasks.conftest import names
from tests.tasks.framework.chain import why


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
    assert [file.name for file in task.branch_map.values()] == [f"{file.stem}.root" for file in planned]
    first = task.as_branch(0)
    assert isinstance(first.requires(), GenerateNtuples)
    assert first.requires().output().place == first.branch_data.location
    assert names(first) == ["ttbar/ttbar_0_entries.parquet", "ttbar/ttbar_0_jets.parquet"]


def test_files_are_found_by_patterns_and_are_inputs(task_of, tmp_path):
    task = task_of(SkimNtuples, **on_files(tmp_path))
    assert [(file.sample, file.name) for file in task.branch_map.values()] == [
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


# --- files that cannot be read


def with_a_cut_file(make_nanoaod, n_events):
    """Return the sections of a campaign of three files, one of which is cut off."""
    names = {"ttbar": ("mc.root", "cut.root"), "data": ("data.root",)}
    paths = {
        sample: [str(make_nanoaod(n_events, seed, name=n, data=sample == "data")) for seed, n in enumerate(of_sample)]
        for sample, of_sample in names.items()
    }
    cut = Path(paths["ttbar"][1])
    cut.write_bytes(cut.read_bytes()[:15_000])
    return {
        "generator": None,
        "campaign": {"certified": None},
        "samples": {
            "ttbar": {"files": paths["ttbar"], "generate": []},
            "zjets": None,
            "data": {"files": paths["data"], "generate": []},
        },
        "selection": {"triggers": {c: [path] for c, path in TRIGGERS.items()}, "event_filters": [FILTER]},
        "pileup": None,
        "jet_corrections": None,
    }


def whys(task):
    """Return by file why its tables are not up to date."""
    return {branch.branch_data.name: why(branch)[0] for branch in task.get_branch_tasks().values()}


def test_a_file_that_cannot_be_read_is_an_error_or_by_choice_a_file_less(task_of, said, make_nanoaod):
    sections = with_a_cut_file(make_nanoaod, 20_000)
    task = task_of(SkimNtuples, **sections)
    with pytest.raises(UnreadableError, match=r"cut\.root: unreadable, not a ROOT file, truncated or corrupt"):
        task.as_branch(1).run()
    assert not any(target.is_written() for target in task.as_branch(1).output().values())

    sections["samples"]["ttbar"]["on_bad_file"] = "skip"
    task = task_of(SkimNtuples, **sections)
    for branch in task.get_branch_tasks().values():
        branch.run()
    assert any(line.startswith("cut.root: skipped: ") for line in said)
    assert whys(task) == {"mc.root": None, "cut.root": None, "data.root": None}

    report = task_of(ReportCutFlow, **sections)
    report.run()
    first, second = report.output()["cut_flow"].file.read_text().splitlines()[:2]
    assert first == (
        "sample ttbar: 1 of 2 files skipped, their sum of weights is left out; on_bad_file: fail tries them again"
    )
    assert second.startswith("  cut.root: ")


def test_a_choice_to_fail_concerns_skipped_files_alone_and_a_whole_file_is_read_again(task_of, make_nanoaod):
    sections = with_a_cut_file(make_nanoaod, 600)
    sections["campaign"]["on_bad_file"] = "skip"
    for branch in task_of(SkimNtuples, **sections).get_branch_tasks().values():
        branch.run()
    sections["campaign"]["on_bad_file"] = "fail"
    assert whys(task_of(SkimNtuples, **sections)) == {
        "mc.root": None,
        "cut.root": "the file was skipped, and on_bad_file is fail",
        "data.root": None,
    }
    sections["campaign"]["on_bad_file"] = "skip"
    cut = make_nanoaod(600, 1, name="cut.root")
    task = task_of(SkimNtuples, **sections)
    assert whys(task)["cut.root"] == f"{cut} changed"
    task.as_branch(1).run()
    assert read_report(task.as_branch(1).output()["entries"].file).n_events == 600


URL = "root://a.cern.ch//store/data/x.root?token=1"


def test_files_on_servers_are_inputs_by_size_and_uuid(task_of, tmp_path, monkeypatch):
    monkeypatch.setattr(remote_files, "identity", lambda location, redirectors: f"10-uuid {redirectors}")
    sections = on_files(tmp_path, files=[URL])
    sections["campaign"] |= {"redirectors": ["root://b.cern.ch"]}
    branch = task_of(SkimNtuples, **sections).as_branch(3)
    assert branch.branch_data.name == "x.root"
    assert branch.external_files()[0] == URL
    assert branch.own_inputs()[f"file:{URL}"] == "10-uuid ('root://b.cern.ch',)"
    assert all(name.startswith("data/x_") for name in names(branch))


def test_a_file_that_is_another_one_than_planned_is_forgotten_for_the_next_run(task_of, tmp_path, monkeypatch):
    forgotten = []
    monkeypatch.setattr(remote_files, "identity", lambda *_: "10-uuid")
    monkeypatch.setattr(remote_files, "forget", forgotten.append)
    monkeypatch.setattr(attempts, "_identity_at", lambda _: "11-other")
    branch = task_of(SkimNtuples, **on_files(tmp_path, files=[URL])).as_branch(3)
    with pytest.raises(attempts.ChangedFileError, match="are 11-other, were 10-uuid"):
        branch.run()
    assert forgotten == [URL]


def test_a_skipped_file_is_asked_for_again_only_if_it_may_not_be_skipped(task_of, tmp_path, monkeypatch):
    asked = []

    def fail(location, _):
        asked.append(location)
        raise UnreachableError(f"{location}: unreachable")

    monkeypatch.setattr(remote_files, "identity", fail)
    sections = on_files(tmp_path, files=[URL], on_bad_file="skip")
    task_of(SkimNtuples, **sections).as_branch(3).run()
    n_asked = len(asked)
    assert why(task_of(SkimNtuples, **sections).as_branch(3)) == [None, None]
    assert len(asked) == n_asked
    sections["samples"]["data"]["on_bad_file"] = "fail"
    with pytest.raises(UnreachableError):
        task_of(SkimNtuples, **sections).as_branch(3).run()
    assert len(asked) > n_asked
