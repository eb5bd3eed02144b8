"""The table of all jets, and tables that cannot be written."""

import awkward as ak
import pyarrow.parquet as pq
import pytest
import uproot

from deepsf.skim.skim_file import skim_file

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
