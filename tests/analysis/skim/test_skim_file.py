"""One file to two tables: chunks, names, samples, and what a failure leaves behind."""

import numpy as np
import pyarrow.parquet as pq
import pytest
import uproot

from deepsf.config.selection import CHANNELS
from deepsf.nanoaod.root_file import NtupleError
from deepsf.skim.cut_flow import SkimError, read_report
from tests.analysis.skim.test_probe_entries import ENTRY_TYPES
from tests.analysis.skim.test_tables import JET_TYPES


def test_chunks_change_row_groups_but_no_value_and_no_count(make_nanoaod, skim):
    path = make_nanoaod(1500)
    whole, *tables = skim(path, "whole")
    parts, *pieces = skim(path, "parts", events_per_chunk=400)
    assert whole == parts
    for one, other in zip(tables, pieces, strict=True):
        assert pq.read_table(one).equals(pq.read_table(other))
    assert [pq.ParquetFile(table).num_row_groups for table in (tables[0], pieces[0])] == [1, 4]


@pytest.mark.parametrize("is_data", [False, True])
def test_a_file_is_opened_once(make_nanoaod, skim, data, simulation, monkeypatch, is_data):
    path, opened, stored_open = make_nanoaod(data=is_data), [], uproot.open

    def counting(*files, **options):
        opened.append(files)
        return stored_open(*files, **options)

    monkeypatch.setattr(uproot, "open", counting)
    skim(path, sample=data if is_data else simulation)
    assert len(opened) == 1


def test_the_same_input_gives_the_same_bytes(make_nanoaod, skim):
    path = make_nanoaod(800)
    _, *first = skim(path, "first")
    _, *second = skim(path, "second")
    assert [table.read_bytes() for table in first] == [table.read_bytes() for table in second]


def test_a_copy_of_another_name_gives_the_same_tables(make_nanoaod, skim):
    _, *tables = skim(make_nanoaod(), "first")
    _, *copies = skim(make_nanoaod(name="0_nano.root"), "second", file_name="nano.root")
    assert [table.read_bytes() for table in tables] == [table.read_bytes() for table in copies]


@pytest.mark.parametrize("n_events", [0, 1])
def test_files_without_selected_events_give_empty_tables_of_full_schema(make_nanoaod, skim, n_events):
    report, entries, jets = skim(make_nanoaod(n_events, seed=4))
    assert report.n_events == n_events
    for path, types in ((entries, ENTRY_TYPES), (jets, JET_TYPES)):
        table = pq.read_table(path)
        assert table.num_rows == 0
        assert {field.name: str(field.type) for field in table.schema} == types
        assert read_report(path).n_events == n_events


def test_a_data_set_fills_only_its_channels(make_nanoaod, skim, data):
    report, entries, _ = skim(make_nanoaod(2000, data=True), sample=data.model_copy(update={"channels": ("ee",)}))
    assert set(pq.read_table(entries)["channel"].to_pylist()) == {CHANNELS.index("ee")}
    assert report.cut_flow["lead_lepton_pt"]["emu"] > 0
    assert report.cut_flow["trigger"]["emu"] == report.cut_flow["trigger"]["mumu"] == 0


def test_too_many_invalid_scores_are_an_error_with_numbers_and_leave_no_table(with_scores, skim, tmp_path):
    with pytest.raises(
        SkimError, match=r"Jet_btagDeepFlavB is invalid for \d+ of \d+ selected jets \(.*NaN or inf.*max_"
    ):
        skim(with_scores(np.nan, 0.2))
    assert list(tmp_path.glob("*.parquet")) == []


def test_a_file_that_breaks_in_the_middle_leaves_no_table(make_nanoaod, skim, tmp_path):
    path = make_nanoaod(2000, basket=500)
    with uproot.open(path) as file:
        key = file["Events/Jet_eta"].basket_key(3)
    content = bytearray(path.read_bytes())
    content[key.fSeekKey + 100 : key.fSeekKey + 600] = bytes(500)
    path.write_bytes(content)
    with pytest.raises(NtupleError, match="reading events from number 1500 on"):
        skim(path, events_per_chunk=500)
    assert list(tmp_path.glob("*.parquet")) == []
