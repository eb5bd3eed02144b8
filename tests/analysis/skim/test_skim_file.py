"""One file to two tables: columns and values, counts, weights, invalid scores, and what a failure leaves behind."""

import json

import awkward as ak
import correctionlib.schemav2 as cs
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uproot

from deepsf.config.samples import Pileup
from deepsf.config.selection import CHANNELS
from deepsf.nanoaod.events import NtupleError, inspect, iterate
from deepsf.skim.dileptons import event_variables
from deepsf.skim.pileup import PileupError, PileupWeights, load_pileup, pileup_weights
from deepsf.skim.skim_file import (
    SkimError,
    SkimReport,
    format_cut_flow,
    merge_cut_flows,
    read_metadata,
    require_selected,
    require_valid_scores,
    skim_file,
)
from tests.oracles.awkward_selection import select

ENTRY_TYPES = {
    "entry": "int64",
    "shift": "int8",
    "run": "uint32",
    "luminosity_block": "uint32",
    "event": "uint64",
    "permutation": "int8",
    "channel": "int8",
    "in_hf": "bool",
    "in_lf": "bool",
    "weight": "double",
    **{
        f"{jet}_{name}": kind
        for jet in ("tag", "probe")
        for name, kind in {
            "pt_gev": "float",
            "eta": "float",
            "discriminant": "float",
            "hadron_flavour": "int8",
            "quark_likelihood": "float",
        }.items()
    },
    **dict.fromkeys(("mll_gev", "pt_ll_gev", "met_gev", "ht_gev"), "float"),
    "n_pv": "int16",
}
JET_TYPES = {
    "entry": "int64",
    "shift": "int8",
    "rank": "int8",
    "channel": "int8",
    "weight": "double",
    **dict.fromkeys(("pt_gev", "eta", "phi", "discriminant"), "float"),
    "hadron_flavour": "int8",
    "n_jets": "int8",
    "ht_gev": "float",
    "quark_likelihood": "float",
}


@pytest.fixture
def selection(selection):
    """Return the preselection with an extra jet column."""
    return selection.model_copy(update={"jet_columns": {"quark_likelihood": "qgl"}})


@pytest.fixture
def skim(tmp_path, simulation, tagger, selection, regions):
    """Run the skim on a file with the fixtures' config, which keywords override."""

    def run(path, name="skim", sample_name="ttbar", sample=simulation, **changes):
        tables = tmp_path / f"{name}_entries.parquet", tmp_path / f"{name}_jets.parquet"
        config = {"tagger": tagger, "selection": selection, "regions": regions, **changes}
        report = skim_file(path, sample_name, sample, entries_path=tables[0], jets_path=tables[1], **config)
        return report, *tables

    return run


def test_tables_have_the_columns_of_the_contract(make_nanoaod, skim):
    _, entries, jets = skim(make_nanoaod())
    for path, types in ((entries, ENTRY_TYPES), (jets, JET_TYPES)):
        schema = pq.read_schema(path)
        assert {field.name: str(field.type) for field in schema} == types


def test_entries_are_both_permutations_of_two_jet_events_in_a_region(
    make_nanoaod, skim, simulation, tagger, selection, regions
):
    path = make_nanoaod(20_000, basket=20_000)
    loose = regions["lf"].same_flavour.model_copy(update={"met_max_gev": 90.0})
    regions["lf"] = regions["lf"].model_copy(update={"tag_below": "T", "same_flavour": loose})
    _, entries_path, _ = skim(path, chunk_entries=6000)
    rows = pq.read_table(entries_path).to_pandas()
    (events,) = iterate(inspect(path, simulation, tagger=tagger, selection=selection))
    dileptons = select(events, selection)
    variables = event_variables(dileptons, events.jets)
    # One event after the other, the cuts of both regions written out
    expected = []
    for n in np.flatnonzero(dileptons.n_jets == 2):
        pair = dileptons.jet_index[dileptons.jet_offsets[n] : dileptons.jet_offsets[n + 1]]
        k = dileptons.position[n]
        mll, mht, met = variables.mll_gev[n], variables.mht_gev[n], events.met_gev[k]
        emu = CHANNELS[dileptons.channel[n]] == "emu"
        hf = emu or (abs(mll - 91.1876) > 10 and met > 30)
        out = mll < 65.5 + 3 / 8 * mht or mll > 108 - mht / 4 or mll < 79 - 3 / 4 * mht or mll > 99 + mht / 2
        lf = not emu and abs(mll - 91.1876) < 10 and met < 90 and not out and variables.pt_ll_gev[n] > 10
        for permutation, (tag, probe) in enumerate((pair, pair[::-1])):
            score = events.jets.columns["discriminant"][tag]
            flags = hf and score > 0.304, lf and score < 0.7476
            if any(flags):
                jet = events.jets.columns["pt"][probe], events.jet_columns["quark_likelihood"][tag]
                expected.append((k, permutation, *flags, *jet, np.float32(mll), events.n_pv[k]))
    columns = ["entry", "permutation", "in_hf", "in_lf", "probe_pt_gev", "tag_quark_likelihood", "mll_gev", "n_pv"]
    assert len(expected) > 200
    assert rows.in_lf.sum() >= 3
    assert [tuple(row) for row in rows[columns].itertuples(index=False)] == expected
    np.testing.assert_array_equal(rows.event, events.event[rows.entry])
    np.testing.assert_array_equal(rows.weight, events.generator_weight[rows.entry])
    assert (rows.weight < 0).any()


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


def test_chunks_change_row_groups_but_no_value_and_no_count(make_nanoaod, skim):
    path = make_nanoaod(1500)
    whole, *tables = skim(path, "whole")
    parts, *pieces = skim(path, "parts", chunk_entries=400)
    assert whole == parts
    for one, other in zip(tables, pieces, strict=True):
        assert pq.read_table(one).equals(pq.read_table(other))
    assert [pq.ParquetFile(table).num_row_groups for table in (tables[0], pieces[0])] == [1, 4]


def test_the_same_input_gives_the_same_bytes(make_nanoaod, skim):
    path = make_nanoaod(800)
    _, *first = skim(path, "first")
    _, *second = skim(path, "second")
    assert [table.read_bytes() for table in first] == [table.read_bytes() for table in second]


def test_cut_flow_falls_and_ends_at_the_entries(make_nanoaod, skim):
    report, entries_path, _ = skim(make_nanoaod(3000, basket=3000))
    common = [step for step in report.cut_flow if not step.startswith("region_")]
    assert common[:3] == ["all", "filters", "two_leptons"]
    assert common[-2:] == ["two_jets", "exactly_two_jets"]
    totals = [sum(report.cut_flow[step].values()) for step in common]
    assert totals[0] == 3000
    assert totals == sorted(totals, reverse=True)
    rows = pq.read_table(entries_path).to_pandas()
    for region in ("hf", "lf"):
        tagged = rows[rows[f"in_{region}"]]
        for number, channel in enumerate(CHANNELS):
            n_events = tagged[tagged.channel == number].entry.nunique()
            assert report.cut_flow[f"region_{region}"][channel] == n_events
            assert report.region_yields[region][channel]["n"] >= n_events
    assert report.cut_flow["region_lf"]["emu"] == 0


def test_region_yields_are_events_of_at_least_two_jets_without_the_tag_cut(make_nanoaod, skim, regions):
    path = make_nanoaod(3000, basket=3000)
    report, _, jets_path = skim(path)
    # hf takes emu events without further cuts: all of the jets' table
    jets = pq.read_table(jets_path).to_pandas()
    emu = jets[(jets["rank"] == 0) & (jets.channel == CHANNELS.index("emu"))]
    assert report.region_yields["hf"]["emu"] == {"n": len(emu), "sum_weights": pytest.approx(emu.weight.sum())}
    assert (emu.n_jets > 2).any()
    untaggable = {"hf": regions["hf"].model_copy(update={"tag_above": 2.0})}
    assert skim(path, regions=untaggable)[0].region_yields["hf"] == report.region_yields["hf"]


def test_metadata_of_both_tables_are_the_report(make_nanoaod, skim):
    report, *tables = skim(make_nanoaod())
    for table in tables:
        metadata = read_metadata(table)
        assert SkimReport.from_metadata(metadata) == report
        assert list(metadata["cut_flow"])[:2] == ["all", "filters"]  # in the order of the cuts
        text = pq.read_schema(table).metadata[b"deepsf"].decode()
        assert text == json.dumps(json.loads(text), sort_keys=True)
    assert metadata["sum_weights"] == 805.0
    assert metadata["file"] == "nano.root"
    assert {"sample", "kind", "n_events", "sum_weights", "cut_flow", "region_yields", "jets"} <= set(metadata)


def test_a_copy_of_another_name_gives_the_same_tables(make_nanoaod, skim):
    _, *tables = skim(make_nanoaod(), "first")
    _, *copies = skim(make_nanoaod(name="0_nano.root"), "second", file_name="nano.root")
    assert [table.read_bytes() for table in tables] == [table.read_bytes() for table in copies]


def test_metadata_of_a_foreign_file_are_refused(tmp_path):
    pq.write_table(pa.table({"a": [1]}), tmp_path / "other.parquet")
    with pytest.raises(SkimError, match=r"other\.parquet: parquet file without the metadata of a skim"):
        read_metadata(tmp_path / "other.parquet")


@pytest.mark.parametrize("n_events", [0, 1])
def test_files_without_selected_events_give_empty_tables_of_full_schema(make_nanoaod, skim, n_events):
    report, entries, jets = skim(make_nanoaod(n_events, seed=4))
    assert report.n_events == n_events
    for path, types in ((entries, ENTRY_TYPES), (jets, JET_TYPES)):
        table = pq.read_table(path)
        assert table.num_rows == 0
        assert {field.name: str(field.type) for field in table.schema} == types
        assert read_metadata(path)["n_events"] == n_events


def test_data_have_unit_weights_and_flavour_minus_one(make_nanoaod, skim, data):
    report, entries, jets = skim(make_nanoaod(2000, data=True), sample=data)
    assert report.sum_weights == 2000.0
    rows, jets = pq.read_table(entries).to_pandas(), pq.read_table(jets).to_pandas()
    assert set(rows.weight) == set(jets.weight) == {1.0}
    assert set(rows.tag_hadron_flavour) == set(rows.probe_hadron_flavour) == set(jets.hadron_flavour) == {-1}


def test_a_data_set_fills_only_its_channels(make_nanoaod, skim, data):
    report, entries, _ = skim(make_nanoaod(2000, data=True), sample=data.model_copy(update={"channels": ("ee",)}))
    assert set(pq.read_table(entries)["channel"].to_pylist()) == {CHANNELS.index("ee")}
    assert report.cut_flow["lead_lepton_pt"]["emu"] > 0
    assert report.cut_flow["trigger"]["emu"] == report.cut_flow["trigger"]["mumu"] == 0


@pytest.fixture
def with_scores(make_nanoaod):
    """Return a file of 2000 events in which the given fraction of jets has the given score."""

    def make(value, fraction, n_events=2000):
        with uproot.open(make_nanoaod(n_events)) as file:
            scores = file["Events/Jet_btagDeepFlavB"].array()
        flat = ak.to_numpy(ak.flatten(scores)).copy()
        flat[np.random.default_rng(5).random(len(flat)) < fraction] = value
        return make_nanoaod(n_events, replace={"Jet_btagDeepFlavB": ak.unflatten(flat, ak.num(scores))})

    return make


@pytest.mark.parametrize(("value", "is_nan"), [(np.nan, True), (np.inf, True), (-2.0, False)])
def test_invalid_scores_are_counted_and_stored_as_minus_one(with_scores, skim, tagger, value, is_nan):
    tolerant = tagger.model_copy(update={"max_invalid_fraction": 0.5})
    report, entries, jets = skim(with_scores(value, 0.2), tagger=tolerant)
    stored = pq.read_table(jets)["discriminant"].to_numpy()
    n_invalid = np.count_nonzero(stored == -1)
    assert stored.min() == -1
    assert np.isfinite(stored).all()
    assert report.jets == {"selected": len(stored), "invalid": n_invalid, "nan": n_invalid * is_nan}
    assert 0.1 < n_invalid / len(stored) < 0.3
    probe = pq.read_table(entries)["probe_discriminant"].to_numpy()
    assert (probe == -1).any()
    assert np.isfinite(probe).all()


def test_too_many_invalid_scores_are_an_error_with_numbers_and_leave_no_table(with_scores, skim, tmp_path):
    with pytest.raises(
        SkimError, match=r"Jet_btagDeepFlavB is invalid for \d+ of \d+ selected jets \(.*NaN or inf.*max_"
    ):
        skim(with_scores(np.nan, 0.2))
    assert list(tmp_path.glob("*.parquet")) == []


def test_limit_of_invalid_scores_allows_for_fluctuations_in_small_files_only():
    def check(selected, invalid, limit=0.05):
        require_valid_scores("file", {"selected": selected, "invalid": invalid, "nan": 0}, "b", limit)

    check(0, 0)
    check(1000, 50)
    with pytest.raises(SkimError, match=r"51 of 1000 selected jets \(5\.1%: 0 NaN or infinite, 51 negative\)"):
        check(1000, 51)
    # 10 jets: 0.5 expected, five deviations of sqrt(10 * 0.05 * 0.95) = 0.69 on top: 3.9
    check(10, 3)
    with pytest.raises(SkimError):
        check(10, 4)
    with pytest.raises(SkimError):
        check(10, 1, limit=0.0)


def test_tables_that_cannot_be_written_are_named_and_removed(make_nanoaod, skim, tmp_path):
    path = make_nanoaod()
    with pytest.raises(OSError, match="table cannot be written"):
        skim(path, name="no_such_folder/skim")
    assert list(tmp_path.rglob("*.parquet")) == []


@pytest.mark.parametrize("full", ["entries_path", "jets_path"])
def test_a_full_disk_is_named_with_the_table_and_leaves_none(
    make_nanoaod, simulation, tagger, selection, regions, tmp_path, full
):
    paths = {"entries_path": tmp_path / "entries.parquet", "jets_path": tmp_path / "jets.parquet", full: "/dev/full"}
    with pytest.raises(OSError, match=r"No space left on device; free disk space.*'/dev/full'"):
        skim_file(make_nanoaod(), "s", simulation, tagger=tagger, selection=selection, regions=regions, **paths)
    assert list(tmp_path.glob("*.parquet")) == []


def test_a_file_that_breaks_in_the_middle_leaves_no_table(make_nanoaod, skim, tmp_path):
    path = make_nanoaod(2000, basket=500)
    with uproot.open(path) as file:
        key = file["Events/Jet_eta"].basket_key(3)
    content = bytearray(path.read_bytes())
    content[key.fSeekKey + 100 : key.fSeekKey + 600] = bytes(500)
    path.write_bytes(content)
    with pytest.raises(NtupleError, match="reading events from entry 1500"):
        skim(path, chunk_entries=500)
    assert list(tmp_path.glob("*.parquet")) == []


def pileup_file(path, flow="clamp", high=3.0):
    """Write a correction with weight 0.5 below 40 interactions and ``high`` above; 'up' doubles, 'down' halves both."""

    def binning(scale):
        return cs.Binning(
            nodetype="binning",
            input="NumTrueInteractions",
            edges=[0.0, 40.0, 60.0],
            content=[0.5 * scale, high * scale],
            flow=flow,
        )

    items = [
        cs.CategoryItem(key=key, value=binning(scale)) for key, scale in (("nominal", 1.0), ("up", 2.0), ("down", 0.5))
    ]
    correction = cs.Correction(
        name="pu",
        version=1,
        inputs=[cs.Variable(name="NumTrueInteractions", type="real"), cs.Variable(name="weights", type="string")],
        output=cs.Variable(name="weight", type="real"),
        data=cs.Category(nodetype="category", input="weights", content=items),
    )
    path.write_text(cs.CorrectionSet(schema_version=2, corrections=[correction]).model_dump_json())
    return path


def test_pileup_weight_multiplies_the_generator_weight(make_nanoaod, skim, tmp_path):
    path = make_nanoaod(2000)
    plain, *_ = skim(path, "plain")
    pileup = Pileup(file="pu.json", name="pu", weights="up")
    weighted, entries, jets = skim(path, "pu", pileup=pileup, pileup_path=pileup_file(tmp_path / "pu.json"))
    with uproot.open(path) as file:
        n_true = file["Events/Pileup_nTrueInt"].array(library="np")
    for table in (entries, jets):
        rows = pq.read_table(table).to_pandas()
        factor = np.where(n_true[rows.entry] < 40.0, 1.0, 6.0)
        np.testing.assert_array_equal(np.abs(rows.weight), 1.5 * factor)
    assert plain.cut_flow == weighted.cut_flow
    assert plain.region_yields != weighted.region_yields
    assert plain.sum_weights == weighted.sum_weights


def test_pileup_shifts_are_ratios_to_the_nominal_weight(make_nanoaod, skim, tmp_path):
    path, file = make_nanoaod(), pileup_file(tmp_path / "pu.json")
    for shifts, expected in ((("up", "down"), (2.0, 0.5)), (("down", "nominal"), (0.5, 1.0))):
        report, *tables = skim(path, pileup=Pileup(file="", name="pu", shifts=shifts), pileup_path=file)
        assert report.weight_shifts == ("pileup_up", "pileup_down")
        for table in tables:
            rows = pq.read_table(table)
            assert rows.num_rows > 0
            for name, ratio in zip(report.weight_shifts, expected, strict=True):
                assert set(rows[f"weight_{name}"].to_pylist()) == {ratio}
    report, entries, _ = skim(path, pileup=Pileup(file="", name="pu", shifts=None), pileup_path=file)
    assert report.weight_shifts == ()
    assert not [name for name in pq.read_schema(entries).names if name.startswith("weight_")]


def test_an_event_of_no_pileup_weight_has_the_ratio_one(tmp_path):
    weights = PileupWeights(
        load_pileup(Pileup(file="", name="pu"), pileup_file(tmp_path / "pu.json", high=0.0)), Pileup(file="", name="pu")
    )
    nominal, ratios = weights.evaluate(np.array([10.0, 50.0]))
    assert nominal.tolist() == [0.5, 0.0]
    assert ratios["pileup_up"].tolist() == [2.0, 1.0]


@pytest.mark.parametrize("length", [8, 9])
def test_scale_and_shower_weights_are_those_of_the_file(make_nanoaod, skim, length):
    n = 4000
    scales = np.random.default_rng(8).uniform(0.5, 1.5, (n, length)).astype("f4")
    path = make_nanoaod(n, energy=True, replace={"LHEScaleWeight": ak.from_regular(ak.Array(scales))}, basket=n)
    report, *tables = skim(path)
    with uproot.open(path) as file:
        shower = ak.to_numpy(file["Events/PSWeight"].array())
    # both scales doubled come last, halved first; more radiation from the initial and final state, then less
    expected = {"genscale_up": scales[:, -1], "genscale_down": scales[:, 0]}
    expected |= dict(zip(("psisr_up", "psfsr_up", "psisr_down", "psfsr_down"), shower.T, strict=True))
    assert set(report.weight_shifts) == set(expected)
    for table in tables:
        rows = pq.read_table(table).to_pandas()
        assert len(rows) > 20
        for name, values in expected.items():
            np.testing.assert_array_equal(rows[f"weight_{name}"], values[rows.entry])


def test_events_without_weights_keep_theirs_and_lists_of_other_lengths_are_no_shifts(make_nanoaod, skim):
    lists = ak.Array([[0.5] * 9 if k % 2 == 0 else [] for k in range(400)])
    path = make_nanoaod(energy=True, replace={"LHEScaleWeight": ak.values_astype(lists, np.float32)}, drop=["PSWeight"])
    report, _, jets = skim(path)
    assert report.weight_shifts == ("genscale_up", "genscale_down")
    rows = pq.read_table(jets).to_pandas()
    assert set(rows.entry % 2) == {0, 1}
    np.testing.assert_array_equal(rows.weight_genscale_up, np.where(rows.entry % 2 == 0, 0.5, 1.0))
    one = ak.from_regular(ak.Array(np.ones((400, 1), np.float32)))  # what v9 has if there are none
    assert skim(make_nanoaod(energy=True, replace={"PSWeight": one}, drop=["LHEScaleWeight"]))[0].weight_shifts == ()


def test_weights_that_are_not_finite_are_an_error(make_nanoaod, skim):
    shower = np.ones((400, 4), np.float32)
    shower[7, 1] = np.nan
    with pytest.raises(NtupleError, match=r"branch PSWeight is not finite for 1 of 400 events \(psfsr_up\)"):
        skim(make_nanoaod(energy=True, replace={"PSWeight": ak.from_regular(ak.Array(shower))}))


def test_pileup_leaves_data_alone(make_nanoaod, skim, data):
    pileup = Pileup(file="absent.json", name="pu")
    _, entries, _ = skim(make_nanoaod(data=True), sample=data, pileup=pileup, pileup_path="absent.json")
    assert set(pq.read_table(entries)["weight"].to_pylist()) == {1.0}


def test_pileup_files_that_do_not_fit_are_refused(tmp_path):
    path = pileup_file(tmp_path / "pu.json", flow="error", high=-1.0)
    with pytest.raises(PileupError, match=r"pu\.json: no correction 'other'; set pileup\.name to one of \['pu'\]"):
        load_pileup(Pileup(file="", name="other"), path)
    with pytest.raises(PileupError, match=r"absent\.json: not a readable correctionlib file"):
        load_pileup(Pileup(file="", name="pu"), tmp_path / "absent.json")
    correction = load_pileup(Pileup(file="", name="pu"), path)
    with pytest.raises(PileupError, match=r"not defined for weights 'sideways'.*pileup\.shifts"):
        pileup_weights(correction, "sideways", np.array([10.0]))
    with pytest.raises(PileupError, match="Pileup_nTrueInt from 10 to 70"):
        pileup_weights(correction, "nominal", np.array([10.0, 70.0]))
    with pytest.raises(PileupError, match=r"gives the weight -1 at Pileup_nTrueInt 50 \(1 of 2 events\)"):
        pileup_weights(correction, "nominal", np.array([10.0, 50.0]))


def test_cut_flows_of_files_add_up_by_sample_and_print(make_nanoaod, skim, data):
    tables = [skim(make_nanoaod(500, seed, name=f"{seed}.root"), f"mc{seed}")[1] for seed in (1, 2)]
    tables.append(skim(make_nanoaod(300, 3, data=True), "d", "dielectron", data)[1])
    metadata = [read_metadata(table) for table in tables]
    merged = merge_cut_flows(metadata)
    assert list(merged) == ["ttbar", "dielectron"]
    assert merged["ttbar"].n_events == 1000
    assert merged["ttbar"].sum_weights == 2010.0
    for step, counts in merged["ttbar"].cut_flow.items():
        for channel, n in counts.items():
            assert n == sum(entry["cut_flow"][step][channel] for entry in metadata[:2])
    lines = format_cut_flow(merged["ttbar"]).splitlines()
    assert lines[0] == "ttbar (simulation): 1000 events, sum of weights 2010"
    assert lines[2].split() == ["all", "1000", "-", "-", "-"]
    emu = merged["ttbar"].cut_flow["two_jets"]["emu"]
    (two_jets,) = [line.split() for line in lines if line.startswith("two_jets")]
    assert int(two_jets[3]) == emu


def test_a_region_without_events_names_kind_last_step_and_way_out(make_nanoaod, skim, data, regions):
    impossible = {"hf": regions["hf"].model_copy(update={"tag_above": 2.0}), "any": regions["hf"]}
    simulated = skim(make_nanoaod(3000, basket=3000), "mc", regions=impossible)[1]
    observed = skim(make_nanoaod(3000, data=True, basket=3000), "data", "muons", data, regions=impossible)[1]
    metadata = [read_metadata(path) for path in (simulated, observed)]
    require_selected(metadata, ["any"])
    n = sum(metadata[1]["cut_flow"]["exactly_two_jets"].values())
    with pytest.raises(
        SkimError,
        match=rf"region hf: no data event is selected \(samples: muons\); the last step with events is "
        rf"exactly_two_jets \({n}\); check the cuts of regions\.hf in the config",
    ):
        require_selected(metadata, impossible)
    with pytest.raises(
        SkimError, match=r"region any: no data event is selected \(samples: none\); there are no events"
    ):
        require_selected(metadata[:1], ["any"])


def test_no_selected_event_at_all_names_the_step_that_took_the_last(make_nanoaod, skim, selection):
    strict = selection.model_copy(update={"mll_min_gev": 1e6})
    metadata = read_metadata(skim(make_nanoaod(), selection=strict)[1])
    with pytest.raises(
        SkimError, match=r"simulation event .* last step with events is trigger .* the cut behind mll in"
    ):
        require_selected([metadata], ["hf"])
