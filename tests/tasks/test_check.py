"""`CheckCampaign`: nothing to say about a sound campaign, and each thing that is wrong with another is named."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress

import awkward as ak
import numpy as np
import pytest

from tasks.check import CampaignError, CheckCampaign
from tests.analysis.skim.test_pileup import pileup_file
from tests.conftest import FILTER, TRIGGERS, nanoaod_branches

N = 3000
CROSS_SECTION_PB = (2 * N + 5) / 1.2 / 1e3  # of Runs and of the mean weight: at 1/fb simulation has the events of data


@pytest.fixture
def sections(make_nanoaod):
    """Return the sections of a campaign on two files, in which nothing is wrong."""
    simulation, data = make_nanoaod(N, 1, name="mc.root"), make_nanoaod(N, 2, name="data.root", data=True)
    return {
        "generator": None,
        "campaign": {"certified": None, "luminosity_ifb": 1.0},
        "samples": {
            "ttbar": {"files": [str(simulation)], "generate": [], "cross_section_pb": CROSS_SECTION_PB},
            "zjets": None,
            "data": {"files": [str(data)], "generate": []},
        },
        "selection": {"triggers": {c: [path] for c, path in TRIGGERS.items()}, "event_filters": [FILTER]},
        "pileup": None,
        "jet_corrections": None,
    }


@pytest.fixture
def problems(task_of, sections):
    """Return the problems of the campaign as it is then."""

    def found(**parameters):
        task = task_of(CheckCampaign, **sections)
        task = CheckCampaign(version=task.version, config=task.config, **parameters)
        with suppress(CampaignError):
            task.run()
        written = json.loads((task.folder() / "check.json").read_text())["problems"]
        assert task.complete() is (written == [])
        return written

    return found


def test_a_sound_campaign_has_no_problem(problems, capsys):
    assert problems() == []
    printed = capsys.readouterr().out
    assert "no problem found" in printed
    assert "CPU time [h]" in printed


def plant_trigger(sections, tmp_path):
    sections["selection"]["triggers"]["ee"] = ["HLT_DoubleEl"]


def plant_filter(sections, tmp_path):
    sections["selection"]["event_filters"] = ["Flag_goodVertice"]


def plant_tagger(sections, tmp_path):
    sections["tagger"] = {"branch": "btagDeepB"}


def plant_copy(sections, tmp_path):
    copy = shutil.copy(sections["samples"]["data"]["files"][0], tmp_path / "copy.root")
    sections["samples"]["other"] = {"kind": "data", "files": [str(copy)]}


def plant_kind(sections, tmp_path):
    sections["samples"]["other"] = {"kind": "data", "files": list(sections["samples"]["ttbar"]["files"])}


def plant_truncated(sections, tmp_path):
    whole = (tmp_path / "mc.root").read_bytes()
    (tmp_path / "mc.root").write_bytes(whole[: len(whole) // 2])


def plant_luminosity(sections, tmp_path):
    sections["campaign"]["luminosity_ifb"] = 1000.0


def plant_uncertified(sections, tmp_path):
    (tmp_path / "certified.json").write_text('{"123": [[1, 5]]}')
    sections["campaign"]["certified"] = str(tmp_path / "certified.json")


def plant_missing_blocks(sections, tmp_path):
    (tmp_path / "certified.json").write_text('{"300000": [[1, 300]]}')
    sections["campaign"]["certified"] = str(tmp_path / "certified.json")


def plant_other_run(sections, tmp_path):
    sections["campaign"]["runs"] = [[310000, 319999]]


def plant_pattern(sections, tmp_path):
    sections["samples"]["data"]["files"] = [str(tmp_path / "nowhere" / "*.root")]


def plant_correction(sections, tmp_path):
    sections["pileup"] = {"file": str(tmp_path / "absent.json"), "name": "pu"}


def plant_pileup(sections, tmp_path):
    file = pileup_file(tmp_path / "pu.json", high=6.0)
    sections["pileup"] = {"file": file, "name": "pu", "weights": "up", "shifts": None}


def plant_shift(sections, tmp_path):
    sections["pileup"] = {"file": pileup_file(tmp_path / "pu.json"), "name": "pu", "shifts": ["up", "nominal"]}


def plant_variable(sections, tmp_path):
    sections["pileup"] = {"file": "$NOWHERE_AT_ALL/pu.json", "name": "pu"}


def plant_broken_json(sections, tmp_path):
    (tmp_path / "certified.json").write_text('{"300000": [[9, 5]]}')
    sections["campaign"]["certified"] = str(tmp_path / "certified.json")


@pytest.fixture
def remade(make_nanoaod, sections, tmp_path):
    """Return a function that makes the simulated file of the campaign, or that of the data, in another way."""

    def make(sample, **changes):
        is_data = sample == "data"
        (path,) = sections["samples"][sample]["files"]
        made = make_nanoaod(N, 2 if is_data else 1, name="remade.root", data=is_data, **changes)
        shutil.move(made, path)

    return make


REMADE = {
    "data of another version of NanoAOD": (
        {"sample": "data", "run3": True},
        "missing pT is not the same in all files: MET in mc.root (ttbar); PuppiMET in data.root (data)",
    ),
    "no pile-up id in data": (
        {"sample": "data", "drop": ["Jet_puId"]},
        "pile-up id is not the same in all files: Jet_puId in mc.root (ttbar); none in data.root (data)",
    ),
    "no jet id": ({"sample": "ttbar", "drop": ["Jet_jetId"]}, "branch Jet_jetId is missing and required"),
    "one weight that is not finite": (
        {"sample": "ttbar", "replace": {"genWeight": np.where(np.arange(N) == 7, np.nan, 1.0).astype("f4")}},
        "branch genWeight is not finite for 1 of 3000 values",
    ),
    "few events that weigh all": (
        {"sample": "ttbar", "replace": {"genWeight": np.where(np.arange(N) % 300 == 0, 1e6, 1.0).astype("f4")}},
        "of the sum of absolute weights",
    ),
    "no sum of weights": ({"sample": "ttbar", "runs": False}, "branch Runs/genEventSumw is missing"),
    "every event twice": (
        {"sample": "data", "replace": {"event": (np.arange(N) // 2).astype(np.uint64)}},
        "selected events of data are twice in data.root (data)",
    ),
    "a tagger that was not run": (
        {"sample": "ttbar", "scores": -3000.0},
        "the tagger was not run when the file was produced",
    ),
}


@pytest.mark.parametrize(("changes", "expected"), REMADE.values(), ids=REMADE)
def test_what_is_wrong_in_a_file_is_named(problems, remade, changes, expected):
    changes = dict(changes)
    if "scores" in changes:
        jets = nanoaod_branches(N, 1)["Jet"]
        changes["replace"] = {"Jet_btagDeepFlavB": ak.full_like(jets.pt, changes.pop("scores"))}
    remade(**changes)
    found = problems()
    assert any(expected in problem["what"] for problem in found), found


PLANTED = {
    "a misspelt trigger path": (plant_trigger, "HLT_DoubleEl (close: HLT_DoubleEle"),
    "a misspelt filter": (plant_filter, "branch Flag_goodVertice (close: Flag_goodVertices) is missing"),
    "another tagger": (plant_tagger, "branch Jet_btagDeepB "),
    "a copy of a file": (plant_copy, "data.root (data) and copy.root (other) hold the same 3000 events"),
    "simulation as data": (plant_kind, "exists only in simulation, but the sample is data"),
    "a truncated file": (plant_truncated, "unreadable, not a ROOT file, truncated or corrupt"),
    "luminosity in 1/pb": (plant_luminosity, "data over simulation in emu, region hf"),
    "a JSON of other runs": (plant_uncertified, "no certified luminosity block in the files"),
    "missing luminosity blocks": (plant_missing_blocks, "certified luminosity blocks that no file of the sample holds"),
    "runs of another era": (plant_other_run, "events are outside of the era's runs 310000-319999"),
    "a pattern that matches nothing": (plant_pattern, "matches no file"),
    "a correction that is not there": (plant_correction, "not a readable correctionlib file"),
    "a shift that is none": (plant_shift, "shift(s) pileup_down (pileup.shifts: nominal of pu) change nothing"),
    "pile-up of another era": (plant_pileup, "sample ttbar: the mean pile-up weight is "),
    "a variable that is not set": (plant_variable, "variable NOWHERE_AT_ALL is not set"),
    "a damaged JSON of certified blocks": (plant_broken_json, "not a range [first block, last block]"),
}


@pytest.mark.parametrize(("plant", "expected"), PLANTED.values(), ids=PLANTED)
def test_what_is_wrong_is_named(problems, sections, tmp_path, plant, expected, capsys):
    plant(sections, tmp_path)
    found = problems()
    assert any(expected in problem["what"] for problem in found), found
    assert all(set(problem) == {"what", "sample", "file", "value", "rule", "way_out"} for problem in found)
    assert expected in capsys.readouterr().out


def test_all_problems_of_all_samples_come_at_once(problems, sections, tmp_path):
    plant_trigger(sections, tmp_path)
    plant_correction(sections, tmp_path)
    found = problems()
    assert {problem["sample"] for problem in found} == {"ttbar", "data"}
    assert all(problem["way_out"] for problem in found)


def test_few_files_of_many_are_judged_roughly(problems, sections, make_nanoaod):
    events = np.arange(N, dtype=np.uint64)
    sections["samples"]["data"]["files"] = [
        str(make_nanoaod(N, seed, name=f"data{seed}.root", data=True, replace={"event": events + np.uint64(N * seed)}))
        for seed in (2, 3, 4)
    ]  # three times the events of simulation
    (found,) = (problem for problem in problems() if "emu" in problem["what"])
    assert 2.0 < float(found["value"].split()[-1]) < 4.0
    assert problems(n_files=2) == []
