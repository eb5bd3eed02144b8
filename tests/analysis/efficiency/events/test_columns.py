"""Columns of parquet and of ROOT files: flat numbers and lists, and in words what they are instead."""

from __future__ import annotations

import awkward as ak
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uproot

from deepsf.efficiency.events.columns import read_columns

PT = [[50.0, 30.0], [], [20.0]]
NAMES = {"pt_gev": "jet_pt", "event": "number"}


@pytest.fixture
def write(tmp_path):
    """Write columns as one kind of file."""

    def of(suffix, columns=None, tree="Events"):
        path = tmp_path / f"events{suffix}"
        columns = {"jet_pt": PT, "number": [3, 4, 5]} if columns is None else columns
        if suffix == ".root":
            arrays = {name: ak.Array(values) for name, values in columns.items()}
            with uproot.recreate(path) as file:
                file.mktree(tree, {name: array.type.content for name, array in arrays.items()}).extend(arrays)
        else:
            pq.write_table(pa.table(columns), path)
        return path

    return of


@pytest.mark.parametrize("suffix", [".parquet", ".root"])
def test_lists_and_numbers_come_flat_with_lengths(write, suffix):
    found = read_columns(write(suffix), NAMES, "Events", "here")
    assert found["pt_gev"].values.tolist() == [50.0, 30.0, 20.0]
    assert found["pt_gev"].counts.tolist() == [2, 0, 1]
    assert (found["event"].values.tolist(), found["event"].counts) == ([3, 4, 5], None)


@pytest.mark.parametrize(
    "kind", [pa.large_list(pa.float32()), pa.list_(pa.float64()), pa.list_(pa.int32()), pa.list_(pa.float32(), 2)]
)
def test_every_kind_of_list_is_one(write, kind):
    lists = [[50, 30], [40, 20]]
    found = read_columns(write(".parquet", {"jet_pt": pa.array(lists, kind)}), {"pt": "jet_pt"}, "", "here")["pt"]
    assert (found.values.tolist(), found.counts.tolist()) == ([50, 30, 40, 20], [2, 2])


def test_records_as_awkward_writes_them_have_fields(tmp_path):
    path = tmp_path / "events.parquet"
    ak.to_parquet(ak.Array({"jets": [[{"pt": 3.0, "eta": 1.0}], []]}), path)
    found = read_columns(path, {"eta": "jets.eta"}, "", "here")["eta"]
    assert (found.values.tolist(), found.counts.tolist()) == ([1.0], [1, 0])
    with pytest.raises(ValueError, match=r"events\.parquet: has no column jets\.phi; jets has the fields pt, eta$"):
        read_columns(path, {"phi": "jets.phi"}, "", "here")


@pytest.mark.parametrize("suffix", [".parquet", ".root"])
def test_columns_that_there_are_not_are_named_with_their_key(write, suffix):
    with pytest.raises(
        ValueError, match=r": has no column Jet_phi \(here\.columns\.phi\); it has (njet_pt, )?jet_pt, number$"
    ):
        read_columns(write(suffix, {"jet_pt": [[1.0]], "number": [1]}), {"phi": "Jet_phi"}, "Events", "here")


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ([[1.0, None], []], "jet_pt is null for 1 values; fill these"),
        ([[1.0], None], "jet_pt is null for 1 events; fill these"),
        (
            [[[1.0]], []],
            r"jet_pt is of type list<.*list<.*not a number or a list of numbers in each event; name another",
        ),
        (["a", "b"], "jet_pt is of type string, not a number"),
    ],
)
def test_other_content_than_numbers_is_refused(write, column, message):
    with pytest.raises(ValueError, match=rf"events\.parquet: {message}"):
        read_columns(write(".parquet", {"jet_pt": column}), {"pt": "jet_pt"}, "", "here")


def test_files_of_another_kind_and_other_trees_are_refused(write, tmp_path):
    with pytest.raises(ValueError, match=r"x\.csv: events are read from parquet \(.*\) and \.root files; convert it$"):
        read_columns(tmp_path / "x.csv", NAMES, "Events", "here")
    with pytest.raises(ValueError, match=r"has no tree 'Events', its trees are nominal; name one in here\.tree$"):
        read_columns(write(".root", tree="nominal"), NAMES, "Events", "here")
    damaged = tmp_path / "damaged.root"
    damaged.write_bytes(np.arange(100).tobytes())
    with pytest.raises(ValueError, match=r"damaged\.root: unreadable, not a ROOT file"):
        read_columns(damaged, NAMES, "Events", "here")
