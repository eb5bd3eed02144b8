"""Acceptance: certified luminosity blocks, runs of the era, and events that count in an earlier data set."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from deepsf.skim.cut_flow import SkimError

N = 2000


@pytest.fixture
def skim_data(skim, make_nanoaod, data):
    """Skim data of run 300000, a hundred events a block; the first half may be of another run."""

    def run(first_half=300_000, **settings):
        runs = np.where(np.arange(N) < N // 2, first_half, 300_000).astype("u4")
        return skim(make_nanoaod(N, data=True, replace={"run": runs}), sample_name="data", sample=data, **settings)

    return run


@pytest.fixture
def certified(tmp_path):
    """Return the JSON that certifies the blocks 1, 2, 3 and 20 of run 300000."""
    path = tmp_path / "golden.json"
    path.write_text(json.dumps({"300000": [[1, 3], [20, 20]]}))
    return str(path)


def test_events_of_other_blocks_are_dropped_and_counted(skim_data, certified):
    everything, entries, jets = skim_data()
    assert "certified" not in everything.cut_flow
    expected = [pq.read_table(path).to_pandas().query("luminosity_block in (1, 2, 3, 20)") for path in (entries, jets)]
    report, *tables = skim_data(certified=certified)
    assert list(report.cut_flow)[:3] == ["all", "certified", "filters"]
    assert report.cut_flow["all"] == {"all": N}
    assert report.cut_flow["certified"] == {"all": 400}
    for path, table in zip(tables, expected, strict=True):
        assert pq.read_table(path).to_pandas().equals(table.reset_index(drop=True))
        assert len(table)
    assert report.n_events == N
    assert report.luminosity_blocks == {"300000": [[1, 3], [20, 20]]}
    assert everything.luminosity_blocks == {"300000": [[1, 20]]}


def test_simulation_needs_no_certificate(skim, make_nanoaod, certified):
    report, *_ = skim(make_nanoaod(400), certified=certified, runs=((5, 6),))
    assert "certified" not in report.cut_flow
    assert report.luminosity_blocks == {}
    assert report.cut_flow["filters"]["all"] > 350


def test_a_file_of_another_year_is_refused_by_its_runs(skim_data, certified):
    year = ((297_046, 302_029), (302_030, 306_462))
    assert sum(skim_data(runs=year)[0].cut_flow["two_jets"].values()) > 50
    with pytest.raises(SkimError) as error:
        skim_data(320_000, runs=year)
    assert str(error.value).endswith(
        "nano.root: 1000 of 2000 events are outside of the era's runs 297046-302029, 302030-306462, first in run "
        "320000; take the file off the sample, or correct runs in the config"
    )
    # what is not certified is dropped, so that it may be of any run
    report, *_ = skim_data(320_000, runs=year, certified=certified)
    assert report.cut_flow["certified"] == {"all": 100}
    with pytest.raises(SkimError, match=r"100 of 100 certified events are outside of the era's runs 1-2, first in run"):
        skim_data(320_000, runs=((1, 2),), certified=certified)


def test_an_event_counts_in_the_first_data_set_that_takes_its_channel(skim, make_nanoaod, data):
    isolated = np.arange(N) % 3 == 0
    path = make_nanoaod(N, data=True, replace={"HLT_IsoMu": isolated})
    whole, *tables = skim(path, sample=data)
    report, *later = skim(path, "later", sample=data, earlier={"mumu": ("HLT_IsoMu",)})
    steps = list(report.cut_flow)
    assert steps[steps.index("data_order") - 1 :][:3] == ["delta_r_ll", "data_order", "two_jets"]
    before, after = whole.cut_flow["delta_r_ll"], report.cut_flow["data_order"]
    assert (after["ee"], after["emu"]) == (before["ee"], before["emu"])  # no earlier data set takes these channels
    assert 0 < after["mumu"] < before["mumu"]
    for all_rows, rows in zip(tables, later, strict=True):
        expected = pq.read_table(all_rows).to_pandas()
        kept = (expected.channel != 2) | ~isolated[expected.entry]
        assert 0 < kept.sum() < len(kept)
        assert pq.read_table(rows).to_pandas().equals(expected[kept].reset_index(drop=True))
