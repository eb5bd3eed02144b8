"""The table of all jets, and tables that cannot be written."""

import awkward as ak
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uproot

from deepsf.skim.skim_file import skim_file
from deepsf.skim.tables import open_tables

JET_TYPES = {
    "entry": "int64",
    "shift": "int8",
    "run": "uint32",
    "luminosity_block": "uint32",
    "event": "uint64",
    "rank": "int8",
    "channel": "int8",
    "weight": "double",
    **dict.fromkeys(("pt_gev", "eta", "phi", "discriminant"), "float"),
    "hadron_flavour": "int8",
    "n_jets": "int8",
    "ht_gev": "float",
    "quark_likelihood": "float",
}


def test_the_table_of_jets_has_the_columns_of_the_contract(make_nanoaod, skim):
    schema = pq.read_schema(skim(make_nanoaod())[2])
    assert {field.name: str(field.type) for field in schema} == JET_TYPES


def test_jets_table_holds_all_selected_jets_of_events_with_enough_of_them(make_nanoaod, skim, selection):
    path = make_nanoaod(2000)
    report, _, jets_path = skim(path)
    jets = pq.read_table(jets_path).to_pandas()
    assert len(jets) == report.jets["selected"]
    for _, event in jets.groupby("entry"):
        assert event["rank"].tolist() == list(range(event.n_jets.iloc[0]))
        assert event.pt_gev.is_monotonic_decreasing
        assert event.ht_gev.iloc[0] == pytest.approx(event.pt_gev.sum(), rel=1e-6)
    assert jets.entry.nunique() == sum(report.cut_flow["two_jets"].values())
    assert jets[jets.n_jets == 2].entry.nunique() == sum(report.cut_flow["exactly_two_jets"].values())
    three = selection.model_copy(update={"n_jets_min": 3})
    _, _, jets_path = skim(path, selection=three)
    assert pq.read_table(jets_path).to_pandas().equals(jets[jets.n_jets >= 3].reset_index(drop=True))


def test_jets_keep_the_directions_of_the_file(make_nanoaod, skim):
    path = make_nanoaod(800)
    jets = pq.read_table(skim(path)[2]).to_pandas()
    with uproot.open(path) as file:
        arrays = file["Events"].arrays(["Jet_pt", "Jet_eta", "Jet_phi"])
    stored = set(zip(*(ak.to_numpy(ak.flatten(arrays[name])) for name in arrays.fields), strict=True))
    assert len(jets) > 100
    assert set(zip(jets.pt_gev, jets.eta, jets.phi, strict=True)) <= stored


def test_tables_that_cannot_be_written_are_named_and_removed(make_nanoaod, skim, tmp_path):
    path = make_nanoaod()
    with pytest.raises(OSError, match="table cannot be written"):
        skim(path, name="no_such_folder/skim")
    assert list(tmp_path.rglob("*.parquet")) == []


@pytest.mark.parametrize("full", ["entries_path", "jets_path"])
def test_a_full_disk_is_named_with_the_table_and_leaves_none(make_nanoaod, skim_settings, tmp_path, full):
    paths = {"entries_path": tmp_path / "entries.parquet", "jets_path": tmp_path / "jets.parquet", full: "/dev/full"}
    with pytest.raises(OSError, match=r"No space left on device; free disk space.*'/dev/full'"):
        skim_file(make_nanoaod(), skim_settings(), **paths)
    assert list(tmp_path.glob("*.parquet")) == []


def test_every_number_of_every_type_is_stored_as_it_is(tmp_path):
    edges = {
        "float": np.array([np.nan, -0.0, np.inf, -np.inf, 1e-45, 3.4e38, 0.1], np.float32),
        "double": np.array([np.nan, -0.0, np.inf, -np.inf, 5e-324, 1.7e308, 0.1]),
        "int8": np.array([-128, 127, 0, 1, -1, 2, 3], np.int8),
        "int16": np.array([-(2**15), 2**15 - 1, 0, 1, -1, 2, 3], np.int16),
        "int64": np.array([-(2**63), 2**63 - 1, 0, 1, -1, 2, 3]),
        "uint32": np.array([0, 2**32 - 1, 0, 1, 2, 3, 4], np.uint32),
        "uint64": np.array([0, 2**64 - 1, 0, 1, 2, 3, 4], np.uint64),
        "bool": np.array([True, False, True, True, False, False, True]),
    }
    schema = pa.schema([("shift", pa.int8()), *((name, pa.type_for_alias(name)) for name in edges)])
    columns = {"shift": np.zeros(7, np.int8), **edges}
    with open_tables((tmp_path / "table.parquet", schema)) as (table,):
        table.write(columns)
        table.write({name: values[::-1] for name, values in columns.items()})  # not contiguous
        table.close("{}")
    stored = pq.read_table(tmp_path / "table.parquet")
    for name, values in columns.items():
        found = stored[name].to_numpy()
        assert found.dtype == values.dtype, name
        assert found.tobytes() == np.concatenate([values, values[::-1]]).tobytes(), name


def test_numbers_that_a_column_cannot_hold_are_never_cut_to_fit(tmp_path):
    path, schema = tmp_path / "table.parquet", pa.schema([("shift", pa.int8())])
    with pytest.raises(TypeError, match=r"int64.*int8"), open_tables((path, schema)) as (table,):
        table.write({"shift": np.array([300])})
    assert not path.exists()
