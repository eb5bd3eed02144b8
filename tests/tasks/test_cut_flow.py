"""The gate between skims and measurements: its text, its lists of luminosity blocks, and what it stops."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from deepsf.skim.cut_flow import SkimError, read_report
from tasks.cut_flow import ReportCutFlow
from tasks.skim import SkimNtuples
from tests.conftest import FILTER, TRIGGERS

N = 20_000


@pytest.fixture
def sections(make_nanoaod):
    """Return a campaign of one file of simulation and one of data, a hundred events a block of run 300000."""
    paths = {
        name: str(make_nanoaod(N, seed, name=f"{name}.root", data=name == "data"))
        for seed, name in enumerate(("ttbar", "data"), 1)
    }
    return {
        "generator": None,
        "campaign": {"certified": None},
        "samples": {"zjets": None, **{name: {"files": [path], "generate": []} for name, path in paths.items()}},
        "selection": {"triggers": {c: [path] for c, path in TRIGGERS.items()}, "event_filters": [FILTER]},
        "pileup": None,
        "jet_corrections": None,
    }


@pytest.fixture
def reported(task_of):
    """Run the skims and the gate; return its task."""

    def run(sections):
        for branch in task_of(SkimNtuples, **sections).get_branch_tasks().values():
            branch.run()
        report = task_of(ReportCutFlow, **sections)
        report.run()
        return report

    return run


def flow(task, sample):
    """Return the lines of a sample in the text, by their first word."""
    text = task.output()["cut_flow"].file.read_text()
    (part,) = [part for part in text.split("\n\n") if part.startswith(f"{sample} (")]
    return {line.split()[0]: line.split()[1:] for line in part.splitlines()}


def test_certified_blocks_are_kept_counted_and_listed(sections, reported, tmp_path):
    golden = tmp_path / "golden.json"
    golden.write_text(json.dumps({"300000": [[1, 50], [190, 300]], "300001": [[1, 10]]}))
    sections["campaign"] = {"certified": str(golden), "runs": [[300_000, 300_000]]}
    task = reported(sections)
    assert flow(task, "data")["all"][0] == str(N)
    assert flow(task, "data")["certified"] == [str(100 * (50 + 11)), "-", "-", "-"]
    assert "certified" not in flow(task, "ttbar")
    processed = task.output()["luminosity"]["data"].file
    assert json.loads(processed.read_text()) == {"300000": [[1, 50], [190, 200]]}
    text = task.output()["cut_flow"].file.read_text()
    assert "luminosity blocks of data: 61 of 161 certified ones processed" in text.splitlines()


def test_a_data_sample_may_have_a_json_of_its_own(sections, reported, tmp_path):
    golden = tmp_path / "golden.json"
    golden.write_text(json.dumps({"300000": [[1, 150]]}))
    sections["samples"]["data"]["certified"] = str(golden)
    assert flow(reported(sections), "data")["certified"][0] == "15000"


def test_overlapping_data_sets_count_an_event_once(sections, reported, make_nanoaod):
    # a second data set with half of the events of the first one, and half of its own
    event = np.arange(N, dtype=np.uint64) + np.uint64(2**40)
    event[N // 2 :] += np.uint64(N)
    isolated = np.arange(N) < N // 2
    second = make_nanoaod(N, 2, name="second.root", data=True, replace={"event": event, TRIGGERS["mumu"]: isolated})
    sections["samples"]["second"] = {"kind": "data", "files": [str(second)], "channels": ["mumu", "ee"]}
    with pytest.raises(
        SkimError, match=r"\d+ selected events of data are twice in data\.root \(data\) and second\.root"
    ):
        reported(sections)
    sections["samples"]["data"]["channels"] = ["mumu"]
    sections["campaign"]["data_order"] = ["data", "second"]
    task = reported(sections)
    first, later = flow(task, "data"), flow(task, "second")
    assert "data_order" not in first
    # every event of the second one that fired its path of muons is taken by the first one, electrons by none
    assert [int(n) for n in later["data_order"][1:]] == [int(later["delta_r_ll"][1]), 0, 0]
    assert int(later["delta_r_ll"][3]) > 0
    entries = [table["entries"].file for table in task.requires().output()["collection"].targets.values()]
    events = [pq.read_table(path)["event"].to_pylist() for path in entries if read_report(path).kind == "data"]
    assert not set(events[0]) & set(events[1])


def test_a_change_of_the_order_concerns_the_data_sets_in_it(sections, task_of):
    sections["samples"]["second"] = {**sections["samples"]["data"], "kind": "data"}

    def inputs(**campaign):
        changed = {**sections, "campaign": {"certified": None, **campaign}}
        return [branch.own_inputs() for branch in task_of(SkimNtuples, **changed).get_branch_tasks().values()]

    plain, ordered = inputs(), inputs(data_order=["data", "second"])
    differ = [{key for key in one if one[key] != other[key]} for one, other in zip(plain, ordered, strict=True)]
    assert [len(keys) for keys in differ] == [0, 0, 1]


def test_a_copy_of_a_file_stops_the_measurement(sections, reported, make_nanoaod):
    copy = make_nanoaod(N, 1, name="copy.root", basket=999)
    sections["samples"]["ttbar"]["files"].append(str(copy))
    with pytest.raises(SkimError, match=rf"^ttbar\.root \(ttbar\) and copy\.root \(ttbar\) hold the same {N} events"):
        reported(sections)


def test_a_sum_of_weights_as_a_number_is_that_of_all_files(sections, reported, make_nanoaod):
    sections["samples"]["ttbar"]["files"].append(str(make_nanoaod(N, 5, name="more.root", runs=False)))
    sections["samples"]["ttbar"] |= {"sum_weights": 1000.0, "cross_section_pb": 3.0}
    sections["campaign"]["luminosity_ifb"] = 2.0
    task = reported(sections)
    text = task.output()["cut_flow"].file.read_text()
    assert f"ttbar (simulation): {2 * N} events, sum of weights as given" in text.splitlines()
    weights = float(flow(task, "ttbar")["hf"][2])
    (row,) = [line.split() for line in text.splitlines() if line.startswith("hf  ") and " emu " in line]
    assert float(row[3]) == pytest.approx(weights * 3.0 * 2000.0 / 1000.0, rel=1e-5)
