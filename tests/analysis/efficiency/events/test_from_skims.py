"""Skims to events: which jets, flavours, working points and weights, numbers of events, and their division."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deepsf.config.efficiency.efficiency import EfficiencySplit
from deepsf.config.efficiency.processes import EfficiencyProcesses
from deepsf.config.flavours import Flavour
from deepsf.config.samples import Sample
from deepsf.efficiency.events.events import JetEvents, join
from deepsf.efficiency.events.from_skims import jet_events, shares_of_luminosity
from deepsf.skim.settings import SkimSettings
from deepsf.skim.skim_file import skim_file

FLAVOURS = {
    "b": Flavour(hadron_flavours=(5,)),
    "c": Flavour(hadron_flavours=(4,), scale_factor="unity"),
    "udsg": Flavour(hadron_flavours=(0, 3)),
}
SAMPLES = {
    "ttbar": Sample(kind="simulation", files=("*",), cross_section_pb=2.0),
    "zjets": Sample(kind="simulation", files=("*",), cross_section_pb=5.0),
    "data": Sample(kind="data", files=("*",)),
}


@pytest.fixture
def load(tagger):
    """Read skims, as one sample with the key ``all`` besides the divided ones."""

    def read(
        *paths,
        working_points=("L", "M", "T"),
        flavours=FLAVOURS,
        samples=SAMPLES,
        test_fraction=0.25,
        seed=1,
        **processes,
    ):
        events = jet_events(
            paths,
            samples=samples,
            flavours=flavours,
            tagger=tagger,
            working_points=working_points,
            luminosity_ifb=10.0,
            split=EfficiencySplit(test_fraction=test_fraction, seed=seed),
            processes=EfficiencyProcesses(**processes),
        )
        return {**events, "all": join([events["train"], events["test"]])}

    return read


def write(path, sample="ttbar", counts=(2, 1, 3), *, file="nano.root", sum_weights=4.0, shifts=("nominal",), **columns):
    """Write a skim's table of all jets with a row group for each shift; a column given is for all rows."""
    counts = np.asarray(counts, np.int64)
    event = np.repeat(np.arange(len(counts)), counts)
    n = len(event)
    rank = np.arange(n) - np.repeat(np.cumsum(counts) - counts, counts)
    rows = {
        "entry": 10 * event,
        "shift": np.zeros(n, np.int8),
        "rank": rank.astype(np.int8),
        "weight": np.where(event % 2 == 0, 0.5, -0.25),
        "pt_gev": (200.0 - 20.0 * rank).astype(np.float32),
        "eta": np.linspace(-2, 2, n, dtype=np.float32),
        "phi": np.linspace(-3, 3, n, dtype=np.float32),
        "discriminant": np.linspace(0, 1, n, dtype=np.float32),
        "hadron_flavour": np.resize(np.array([5, 4, 0], np.int8), n),
        "n_jets": counts.astype(np.int8)[event],
        "run": np.full(n, 1, np.uint32),
        "luminosity_block": (1 + event).astype(np.uint32),
        "event": (7000 + event).astype(np.uint64),
    }
    rows |= {name: np.asarray(values, rows[name].dtype) for name, values in columns.items()}
    table = pa.table(rows)
    others = [
        table.set_column(1, "shift", pa.array(np.full(n, k, np.int8))).set_column(
            4, "pt_gev", pa.array(rows["pt_gev"] * np.float32(1.1))
        )
        for k in range(1, len(shifts))
    ]
    metadata = {"sample": sample, "kind": SAMPLES[sample].kind, "n_events": n, "sum_weights": sum_weights, "jets": {}}
    metadata |= {"file": file, "kinematic_shifts": shifts, "cut_flow": {}, "region_yields": {}}
    whole = pa.concat_tables([table, *others]).replace_schema_metadata({"deepsf": json.dumps(metadata)})
    pq.write_table(whole, path, row_group_size=n)
    return path


def by_number(events):
    """Return weight and jets of each event by its number."""
    jets = zip(events.pt_gev, events.phi, events.flavour, events.tag_bin, strict=True)
    listed = [tuple(float(value) for value in jet) for jet in jets]
    cut = [tuple(listed[a:b]) for a, b in zip(events.offsets[:-1], events.offsets[1:], strict=True)]
    return dict(zip(events.event.tolist(), zip(events.weight.tolist(), cut, strict=True), strict=True))


def test_events_are_all_their_jets_whether_one_or_many(tmp_path, load):
    events = load(write(tmp_path / "a.parquet"), test_fraction=1e-9)["train"]
    assert isinstance(events, JetEvents)
    assert events.n_jets.tolist() == [2, 1, 3]
    assert events.pt_gev.tolist() == [200, 180, 200, 200, 180, 160]
    np.testing.assert_array_equal(events.eta, np.linspace(-2, 2, 6, dtype=np.float32))
    np.testing.assert_array_equal(events.phi, np.linspace(-3, 3, 6, dtype=np.float32))
    assert (events.flavours, events.working_points) == (("b", "c", "udsg"), ("L", "M", "T"))
    assert events.flavour.tolist() == [0, 1, 2, 0, 1, 2]


def test_events_keep_the_numbers_of_nanoaod_by_which_they_are_found_again(tmp_path, load):
    tops, bosons = write(tmp_path / "a.parquet"), write(tmp_path / "b.parquet", "zjets", counts=(2,), run=[2, 2])
    source = load(tops, bosons)["all"].source
    names = [source.samples[number] for number in source.sample]
    found = sorted(
        zip(names, source.run.tolist(), source.luminosity_block.tolist(), source.event.tolist(), strict=True)
    )
    assert found == [("ttbar", 1, 1, 7000), ("ttbar", 1, 2, 7001), ("ttbar", 1, 3, 7002), ("zjets", 2, 1, 7000)]


def test_weights_of_all_files_of_a_sample_are_scaled_to_the_luminosity(tmp_path, load):
    paths = [
        write(tmp_path / "a.parquet", file="a.root", sum_weights=3.0),
        write(tmp_path / "b.parquet", file="b.root", sum_weights=1.0, counts=(2,)),
        write(tmp_path / "c.parquet", "zjets", file="a.root", sum_weights=50.0, counts=(4,)),
    ]
    events = load(*paths)["all"]
    # 2 pb x 10/fb / 4 = 5000 for ttbar, 5 pb x 10/fb / 50 = 1000 for zjets
    assert sorted(events.weight.tolist()) == [-1250.0, 500.0, 2500.0, 2500.0, 2500.0]
    assert events.weight[events.n_jets == 4].tolist() == [500.0]


def test_the_simulation_of_an_era_is_scaled_to_its_luminosity(tmp_path, load):
    of_era = SAMPLES["ttbar"].model_copy(update={"era": "a", "luminosity_ifb": 4.0})
    events = load(write(tmp_path / "a.parquet", counts=(2,)), samples={"ttbar": of_era})["all"]
    assert events.weight.tolist() == [0.5 * 2.0 * 4000 / 4.0]


def test_working_points_are_passed_above_their_threshold_and_by_valid_scores_only(tmp_path, load):
    just_above = np.nextafter(np.float32(0.304), np.float32(1))
    scores = [-1.0, 0.0, 0.2, 0.303, just_above, 0.9]
    path = write(tmp_path / "a.parquet", counts=(6,), discriminant=scores)
    assert load(path)["all"].tag_bin.tolist() == [0, 0, 1, 1, 2, 3]
    np.testing.assert_array_equal(load(path)["all"].discriminant, np.array(scores, np.float32))
    assert load(path, working_points=("M",))["all"].tag_bin.tolist() == [0, 0, 0, 0, 1, 1]


def test_an_invalid_score_is_untagged_even_below_a_negative_threshold(tmp_path, load, tagger, monkeypatch):
    monkeypatch.setitem(tagger.working_points, "L", -2.0)
    path = write(tmp_path / "a.parquet", counts=(2,), discriminant=[-1.0, 0.0])
    assert load(path)["all"].tag_bin.tolist() == [0, 1]


def test_a_score_at_the_threshold_is_below_it(tmp_path, load, tagger, monkeypatch):
    monkeypatch.setitem(tagger.working_points, "M", 0.25)  # exact in single precision
    path = write(tmp_path / "a.parquet", counts=(2,), discriminant=[0.25, np.nextafter(np.float32(0.25), 1)])
    assert load(path, working_points=("M",))["all"].tag_bin.tolist() == [0, 1]


def test_shifted_jets_and_data_are_left_out(tmp_path, load):
    simulated = write(tmp_path / "a.parquet", shifts=("nominal", "jer_up", "jer_down"))
    data = write(tmp_path / "b.parquet", "data", counts=(7,), hadron_flavour=[-1] * 7)
    events = load(simulated, data)["all"]
    assert sorted(events.n_jets.tolist()) == [1, 2, 3]
    assert events.pt_gev.max() == 200


def test_rows_in_disorder_give_the_same_events(tmp_path, load):
    path = write(tmp_path / "a.parquet", counts=[2, 3, 1, 4] * 5)
    expected = by_number(load(path)["all"])
    table = pq.read_table(path)
    pq.write_table(table.take(np.random.default_rng(1).permutation(len(table))), path)
    assert by_number(load(path)["all"]) == expected


def test_directions_beyond_pi_by_rounding_are_the_same_within(tmp_path, load):
    # of 12 bits the nearest number to pi is above it
    path = write(tmp_path / "a.parquet", counts=(3,), phi=[3.1416016, -3.1416016, 3.1411133])
    phi = load(path)["all"].phi
    assert (np.abs(phi) <= np.float32(np.pi)).all()
    np.testing.assert_allclose(np.cos(phi), -1.0, atol=1e-6)
    np.testing.assert_allclose(phi, [3.1416016 - 2 * np.pi, 2 * np.pi - 3.1416016, 3.1411133], atol=1e-6)


def test_number_weight_and_half_of_an_event_depend_on_no_order_and_no_place(tmp_path, load):
    (tmp_path / "elsewhere").mkdir()
    here = [write(tmp_path / f"{k}.parquet", counts=[2, 3] * (20 + k), file=f"{k}.root") for k in range(3)]
    there = [
        write(tmp_path / "elsewhere" / f"{9 - k}.parquet", counts=[2, 3] * (20 + k), file=f"{k}.root") for k in range(3)
    ]
    expected, moved = load(*here), load(*reversed(there))
    for name in ("train", "test"):
        for column in ("event", "weight", "pt_gev", "tag_bin", "offsets"):
            np.testing.assert_array_equal(getattr(expected[name], column), getattr(moved[name], column))
    # a file more does not change those that were there
    more = load(*here, write(tmp_path / "more.parquet", "zjets", file="0.root"))
    for name in ("train", "test"):
        assert set(expected[name].event) <= set(more[name].event)


def test_numbers_differ_between_entries_files_and_samples(tmp_path, load):
    paths = [
        write(tmp_path / "a.parquet", counts=[2] * 3000, file="a.root"),
        write(tmp_path / "b.parquet", counts=[2] * 3000, file="b.root"),
        write(tmp_path / "c.parquet", "zjets", counts=[2] * 3000, file="a.root"),
    ]
    events = load(*paths)["all"]
    assert len(np.unique(events.event)) == len(events) == 9000


def test_files_of_one_name_differ_by_content_and_one_file_twice_is_refused(tmp_path, load):
    first = write(tmp_path / "a.parquet", counts=(2, 3), pt_gev=[90, 50, 90, 80, 70])
    second = write(tmp_path / "b.parquet", counts=(2, 3), pt_gev=[95, 50, 90, 80, 70])
    assert len(np.unique(load(first, second)["all"].event)) == 4
    copy = write(tmp_path / "c.parquet", counts=(2, 3), pt_gev=[95, 50, 90, 80, 70])
    with pytest.raises(ValueError, match=r"c\.parquet and .*b\.parquet: the same events of sample ttbar twice; name"):
        load(first, second, copy)


def test_a_quarter_is_for_tests_by_a_hash_that_knows_nothing_of_parity(tmp_path, load):
    n = 20_000
    path = write(tmp_path / "a.parquet", counts=np.full(n, 2))
    events = load(path)
    share = len(events["test"]) / n
    assert share == pytest.approx(0.25, abs=4 * np.sqrt(0.25 * 0.75 / n))
    odd = np.mean(events["test"].event % 2)
    assert odd == pytest.approx(0.5, abs=4 * np.sqrt(0.25 / len(events["test"])))
    other = load(path, seed=2)
    both = len(np.intersect1d(events["test"].event, other["test"].event)) / n
    assert both == pytest.approx(1 / 16, abs=4 * np.sqrt(15 / 16 / 16 / n))


def test_a_process_is_trained_on_and_another_one_is_tested_on(tmp_path, load):
    tops = write(tmp_path / "a.parquet", counts=np.full(400, 2))
    bosons = write(tmp_path / "b.parquet", "zjets", counts=np.full(300, 3))
    whole = load(tops, bosons)
    found = load(tops, bosons, train=("ttbar",), transfer={"zz": ("zjets",), "both": ("zjets", "ttbar")})
    assert {n for name in ("train", "test") for n in found[name].n_jets.tolist()} == {2}
    assert found["zz"].n_jets.tolist() == [3] * 300
    # nothing that is trained on is tested on, and the division is that of all samples
    assert len(found["both"]) == 300 + len(found["test"])
    assert set(found["train"].event) < set(whole["train"].event)
    assert not set(found["both"].event) & set(found["train"].event)


def test_a_process_without_events_is_refused(tmp_path, load):
    tops = write(tmp_path / "a.parquet", counts=np.full(40, 2))
    message = (
        r"efficiency\.processes: no selected event of \['zjets'\] for the sample zz; see the cut flow of SkimNtuples"
    )
    with pytest.raises(ValueError, match=message):
        load(tops, transfer={"zz": ("zjets",)})
    with pytest.raises(ValueError, match=r"no selected event of \['zjets'\] for the sample train"):
        load(tops, train=("zjets",))


def test_unknown_hadron_flavours_are_named_with_their_number_of_jets(tmp_path, load):
    path = write(tmp_path / "a.parquet", counts=(6,), hadron_flavour=[5, 21, 15, 21, -1, 0])
    with pytest.raises(ValueError, match=r"a\.parquet: hadron flavours -1 \(1 jets\), 15 \(1 jets\), 21 \(2 jets\) be"):
        load(path)


def test_what_cannot_be_used_is_refused_with_the_way_out(tmp_path, load):
    path = write(tmp_path / "a.parquet")
    with pytest.raises(ValueError, match=r"nested, from loose to tight, got \{'M': 0\.304, 'L': 0\.0532\} of tagger"):
        load(path, working_points=("M", "L"))
    with pytest.raises(ValueError, match=r"tagger deepJet has no working points \['XT'\]; it has \['L', 'M', 'T'\]"):
        load(path, working_points=("XT",))
    with pytest.raises(ValueError, match=r"skims of \['ttbar'\] are of no sample of the configuration"):
        load(path, samples={"zjets": SAMPLES["zjets"]})
    data = write(tmp_path / "d.parquet", "data", hadron_flavour=[-1] * 6)
    with pytest.raises(ValueError, match="no event with selected jets in 0 simulated of 1 skims; see the cut flow"):
        load(data)
    with pytest.raises(ValueError, match=r"a\.parquet: event 0 has 2 rows of jets, but n_jets = 3; the table is not"):
        load(write(path, counts=(2,), n_jets=[3, 3]))


def test_an_older_skim_is_refused_by_its_columns(tmp_path, load):
    path = write(tmp_path / "a.parquet")
    pq.write_table(pq.read_table(path).drop_columns(["phi"]), path)
    with pytest.raises(ValueError, match=r"a\.parquet: lacks the columns \['phi'\] of today's skims; run SkimNtuples"):
        load(path)


def test_the_skim_of_a_file_gives_its_selected_events(make_nanoaod, tmp_path, load, tagger, selection, regions):
    tables = tmp_path / "entries.parquet", tmp_path / "jets.parquet"
    settings = SkimSettings("ttbar", SAMPLES["ttbar"], tagger, selection, regions)
    report = skim_file(make_nanoaod(3000, basket=3000), settings, entries_path=tables[0], jets_path=tables[1])
    events = load(tables[1])["all"]
    assert len(events) == sum(report.cut_flow["two_jets"].values()) > 100
    assert len(events.pt_gev) == report.jets["selected"]
    rows = pq.read_table(tables[1]).to_pandas()
    for k, threshold in enumerate(tagger.working_points.values()):
        assert np.sum(events.tag_bin > k) == np.sum(rows.discriminant > threshold)
    assert events.weight.sum() == pytest.approx(rows[rows["rank"] == 0].weight.sum() * 2e4 / 6005.0, rel=1e-5)


def test_shares_are_parts_of_the_weights_and_not_of_the_events(tmp_path, load):
    events = load(write(tmp_path / "a.parquet", counts=(2,) * 400), test_fraction=0.3)
    shares = shares_of_luminosity({name: events[name] for name in ("train", "test")})
    # weights alternate between .5 and -.25
    assert shares["test"] == pytest.approx(events["test"].weight.sum() / events["all"].weight.sum(), rel=1e-5)
    assert sum(shares.values()) == pytest.approx(1.0)
    assert shares["test"] != pytest.approx(len(events["test"]) / 400, rel=1e-3)
    nothing = {"test": events["test"].select(np.zeros(len(events["test"]), bool))}
    assert np.isnan(shares_of_luminosity(nothing)["test"])
