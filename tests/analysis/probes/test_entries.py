"""From skims to weighted entries, with numbers worked out by hand."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deepsf.config.flavours import Flavour
from deepsf.config.regions import Region
from deepsf.config.samples import Sample
from deepsf.config.weights import Normalisation
from deepsf.probes.entries import available_shifts
from deepsf.probes.inclusive import InclusiveJets, normalisation_bins, sample_inclusive_jets
from deepsf.probes.load import load_regions

SAMPLES = {
    "ttbar": Sample(kind="simulation", files=("*",), cross_section_pb=2.0),
    "data": Sample(kind="data", files=("*",)),
}
REGIONS = {"hf": Region(enriched_flavour="b", channels=("ee", "emu"), tag_above=0.5)}
FLAVOURS = {"b": Flavour(hadron_flavours=(5,)), "udsg": Flavour(hadron_flavours=(0, 1))}


def entries_table(path, sample, yields, sum_weights, *, weight, channel, flavour):
    n = len(weight)
    columns = {"entry": np.arange(n, dtype=np.int64), "channel": np.array(channel, np.int8), "in_hf": np.ones(n, bool)}
    columns["weight"] = np.array(weight, float)
    for role in ("tag", "probe"):
        columns |= {f"{role}_{name}": np.full(n, 0.7, np.float32) for name in ("pt_gev", "eta", "discriminant")}
        columns[f"{role}_hadron_flavour"] = np.array(flavour, np.int8)
    write(path, columns, sample, sum_weights, dict(zip(("ee", "emu", "mumu"), yields, strict=True)))


def write(path, columns, sample, sum_weights, yields=None):
    metadata = {
        "sample": sample,
        "kind": SAMPLES[sample].kind,
        "n_events": 1,
        "sum_weights": sum_weights,
        "cut_flow": {},
        "region_yields": {"hf": {c: {"n": 1, "sum_weights": y} for c, y in (yields or {}).items()}},
        "jets": {"selected": 0, "invalid": 0, "nan": 0},
        "missing_triggers": [],
    }
    table = pa.table(columns).replace_schema_metadata({"deepsf": json.dumps(metadata)})
    pq.write_table(table, path)


def load(tmp_path, **changes):
    arguments = {"samples": SAMPLES, "regions": REGIONS, "flavours": FLAVOURS, "luminosity_ifb": 0.01} | changes
    return load_regions(sorted(tmp_path.glob("*.parquet")), **arguments)["hf"]


@pytest.fixture
def skims(tmp_path):
    entries_table(tmp_path / "a.parquet", "ttbar", (4, 2, 0), 30, weight=[1, -1], channel=[0, 1], flavour=[5, 0])
    entries_table(tmp_path / "b.parquet", "ttbar", (4, 0, 0), 10, weight=[2], channel=[0], flavour=[1])
    entries_table(tmp_path / "c.parquet", "data", (8, 3, 0), 50, weight=[1], channel=[0], flavour=[-1])
    return tmp_path


def test_simulation_is_scaled_to_luminosity_and_to_each_channels_rate(skims):
    region = load(skims)
    # 2 pb x 10 /pb / (30 + 10) = 0.5; ee: 8 / (0.5 x 8) = 2; emu: 3 / (0.5 x 2) = 3
    np.testing.assert_allclose(region.simulation.weight, [1 * 0.5 * 2, -1 * 0.5 * 3, 2 * 0.5 * 2])
    np.testing.assert_array_equal(region.data.weight, [1])


def test_each_era_is_scaled_to_its_own_data_and_all_are_summed(tmp_path, monkeypatch):
    def simulation(era, luminosity_ifb):
        return Sample(kind="simulation", files=("*",), cross_section_pb=2.0, era=era, luminosity_ifb=luminosity_ifb)

    samples = {
        "mc_a": simulation("a", 0.01), "mc_b": simulation("b", 0.03),
        "data_a": Sample(kind="data", files=("*",), era="a"), "data_b": Sample(kind="data", files=("*",), era="b"),
    }  # fmt: skip
    monkeypatch.setitem(globals(), "SAMPLES", samples)
    for name, yields, total in (("a", (4, 1, 0), 40), ("b", (8, 1, 0), 40)):
        entries_table(
            tmp_path / f"mc_{name}.parquet", f"mc_{name}", yields, total, weight=[1], channel=[0], flavour=[5]
        )
    for name, yields in (("a", (6, 1, 0)), ("b", (12, 1, 0))):
        path = tmp_path / f"data_{name}.parquet"
        entries_table(path, f"data_{name}", yields, 9, weight=[1], channel=[0], flavour=[-1])
    region = load(tmp_path, samples=samples, luminosity_ifb=99.0)
    # a: 2 pb x 10 /pb / 40 = 0.5, ee: 6 / (0.5 x 4) = 3; b: 2 x 30 / 40 = 1.5, ee: 12 / (1.5 x 8) = 1
    np.testing.assert_allclose(region.simulation.weight, [0.5 * 3, 1.5 * 1])
    assert len(region.data) == 2


def test_flavours_are_indices_of_the_configuration_and_data_have_none(skims):
    region = load(skims)
    np.testing.assert_array_equal(region.simulation.probe.flavour, [0, 1, 1])
    np.testing.assert_array_equal(region.data.probe.flavour, [-1])


def test_events_of_different_files_have_different_numbers(skims):
    event = load(skims).simulation.event
    assert len(np.unique(event)) == 3


def test_an_unknown_hadron_flavour_names_file_and_code(skims):
    with pytest.raises(ValueError, match=r"a\.parquet: hadron flavours \[0\] belong to none of the flavours \['b'\]"):
        load(skims, flavours={"b": FLAVOURS["b"]})


def test_a_channel_without_simulation_is_an_error_that_names_it(skims):
    entries_table(skims / "b.parquet", "ttbar", (4, 0, 0), 10, weight=[2], channel=[0], flavour=[1])
    entries_table(skims / "a.parquet", "ttbar", (4, 0, 0), 30, weight=[1], channel=[0], flavour=[5])
    with pytest.raises(ValueError, match="region hf, channel emu: 3 data events, a simulated yield of 0"):
        load(skims)


def test_weights_that_do_not_sum_to_a_positive_number_cannot_be_normalised(skims):
    entries_table(skims / "b.parquet", "ttbar", (4, 0, 0), -30, weight=[2], channel=[0], flavour=[1])
    with pytest.raises(ValueError, match="sample ttbar: generator weights sum to 0"):
        load(skims)


def test_a_region_without_entries_is_an_error_that_names_it(skims):
    table = pq.read_table(skims / "c.parquet")
    pq.write_table(table.slice(0, 0), skims / "c.parquet")
    with pytest.raises(ValueError, match="region hf: no tag-probe entries in data"):
        load(skims)


def add_shifts(path, kinematic=("nominal",), weights=(), **columns):
    """Add columns and names of shifts to a table of a skim."""
    table = pq.read_table(path)
    metadata = json.loads(table.schema.metadata[b"deepsf"]) | {"kinematic_shifts": kinematic, "weight_shifts": weights}
    for name, values in columns.items():
        table = table.append_column(name, pa.array(values))
    pq.write_table(table.replace_schema_metadata({"deepsf": json.dumps(metadata)}), path)


@pytest.fixture
def shifted_skims(skims):
    """Return the skims, of which the first has an entry of a shift of its own, the second one of each."""
    jer = ("nominal", "jer_up")
    add_shifts(skims / "a.parquet", jer, ("pileup_up",), shift=np.int8([0, 1]), weight_pileup_up=np.float32([1.5, 1]))
    table = pa.concat_tables([pq.read_table(skims / "b.parquet")] * 2)
    pq.write_table(table, skims / "b.parquet")
    add_shifts(skims / "b.parquet", jer, shift=np.int8([0, 1]))
    return skims


def test_rows_of_a_kinematic_shift_are_its_own_and_data_are_nominal(shifted_skims):
    nominal, shifted = load(shifted_skims), load(shifted_skims, shift="jer_up")
    # the rate scales are those of the nominal yields: ee 2, emu 3, see above
    np.testing.assert_allclose(nominal.simulation.weight, [1 * 0.5 * 2, 2 * 0.5 * 2])
    np.testing.assert_allclose(shifted.simulation.weight, [-1 * 0.5 * 3, 2 * 0.5 * 2])
    for region in (nominal, shifted):
        np.testing.assert_array_equal(region.data.weight, [1])


def test_a_weight_shift_multiplies_nominal_rows_of_the_files_that_have_it(shifted_skims):
    shifted = load(shifted_skims, shift="pileup_up")
    np.testing.assert_allclose(shifted.simulation.weight, [1.5 * 1 * 0.5 * 2, 2 * 0.5 * 2])
    np.testing.assert_array_equal(shifted.simulation.event, load(shifted_skims).simulation.event)


def test_shifts_of_a_skim_are_listed_and_others_refused(shifted_skims, tmp_path):
    paths = tmp_path.glob("*.parquet")
    assert available_shifts(paths) == (("nominal", "jer_up"), ("pileup_up",))
    with pytest.raises(ValueError, match="shift 'jer_down' is not in the skim; it has nominal, jer_up, pileup_up"):
        load(shifted_skims, shift="jer_down")


def test_files_with_different_kinematic_shifts_are_refused(shifted_skims):
    add_shifts(shifted_skims / "b.parquet")
    with pytest.raises(ValueError, match=r"different shifts of the jets \(\['jer_up'\]\); skim all files"):
        load(shifted_skims)


def test_a_region_that_a_shift_empties_is_named_with_it(shifted_skims):
    for name in ("a", "b"):
        table = pq.read_table(shifted_skims / f"{name}.parquet")
        pq.write_table(table.slice(0, 1), shifted_skims / f"{name}.parquet")
    with pytest.raises(ValueError, match=r"no tag-probe entries in simulation \(shift jer_up\); see"):
        load(shifted_skims, shift="jer_up")


def jets_columns(n, flavour, pt_scale=1.0):
    columns = {"entry": np.arange(n, dtype=np.int64), "weight": np.ones(n)}
    columns |= {name: np.linspace(20, 90, n, dtype=np.float32) for name in ("pt_gev", "eta", "discriminant")}
    columns["pt_gev"] *= np.float32(pt_scale)
    return columns | {"hadron_flavour": np.resize(np.array(flavour, np.int8), n)}


def jets_table(path, n, flavour):
    write(path, jets_columns(n, flavour), "ttbar", 40.0)


def test_inclusive_jets_of_a_shift_are_the_sampled_ones_and_a_fair_part_of_the_new(tmp_path):
    # 4000 jets; the shift loses the first 400, has the others 10 % harder, and gets 400 jets (eta + 1000) of its own
    nominal, shifted = jets_columns(4000, [5, 5, 0, 0]), jets_columns(4000, [5, 5, 0, 0], 1.1)
    kept = {name: values[400:] for name, values in shifted.items()}
    new = {name: values[:400] for name, values in shifted.items()} | {"eta": shifted["eta"][:400] + np.float32(1000)}
    order = np.argsort(np.concatenate([kept["entry"], new["entry"]]), kind="stable")
    rows = {name: np.concatenate([kept[name], new[name]])[order] for name in kept}
    columns = {name: np.concatenate([nominal[name], rows[name]]) for name in nominal}
    write(tmp_path / "jets.parquet", columns, "ttbar", 40.0)
    ratio = np.linspace(0.5, 1.5, 8000, dtype=np.float32)
    number = np.repeat(np.int8([0, 1]), 4000)
    add_shifts(tmp_path / "jets.parquet", ("nominal", "jes_up"), ("pu_up",), shift=number, weight_pu_up=ratio)
    sampled = sample_inclusive_jets(
        [tmp_path / "jets.parquet"], samples=SAMPLES, flavours=FLAVOURS, luminosity_ifb=0.01, max_jets=100
    )
    jes = sampled.shifted("jes_up")
    is_new = jes.jets.abseta > 500
    assert is_new.sum() == 40  # of 1000 jets a flavour and half 100 are sampled: a tenth of the 400
    in_both = sampled.event >= 400
    np.testing.assert_array_equal(jes.event[~is_new], sampled.event[in_both])
    np.testing.assert_allclose(jes.jets.pt_gev[~is_new], 1.1 * sampled.jets.pt_gev[in_both], rtol=1e-6)
    np.testing.assert_allclose(sampled.shifted("pu_up").weight, sampled.weight * ratio[sampled.event])
    assert sampled.shifted("nominal").event is sampled.event

    sampled.write(tmp_path / "inclusive.parquet")
    again = InclusiveJets.read(tmp_path / "inclusive.parquet", shifts=True)
    for name in ("nominal", "jes_up", "pu_up"):
        np.testing.assert_array_equal(again.shifted(name).weight, sampled.shifted(name).weight)
        np.testing.assert_array_equal(again.shifted(name).jets.pt_gev, sampled.shifted(name).jets.pt_gev)
    with pytest.raises(ValueError, match="shift 'jer_up' is not in the skim; it has nominal, jes_up, pu_up"):
        again.shifted("jer_up")
    alone = InclusiveJets.read(tmp_path / "inclusive.parquet")
    np.testing.assert_array_equal(alone.event, sampled.event)
    assert not alone.others


def test_inclusive_jets_are_thinned_evenly_by_flavour_and_half_and_survive_their_file(tmp_path):
    jets_table(tmp_path / "jets.parquet", 4000, [5, 5, 0, 0])
    sampled = sample_inclusive_jets(
        [tmp_path / "jets.parquet"], samples=SAMPLES, flavours=FLAVOURS, luminosity_ifb=0.01, max_jets=100
    )
    for flavour in (0, 1):
        for half in (0, 1):
            part = sampled.of(flavour, half)
            assert len(part.event) == 100
            assert (part.event % 2 == half).all()
            # evenly: from the first to the last jet of the file
            assert part.jets.pt_gev.min() < 21
            assert part.jets.pt_gev.max() > 89
    # 2 pb x 10 /pb / 40
    np.testing.assert_allclose(sampled.weight, 0.5)
    sampled.write(tmp_path / "inclusive.parquet")
    again = InclusiveJets.read(tmp_path / "inclusive.parquet")
    np.testing.assert_array_equal(again.jets.flavour, sampled.jets.flavour)
    np.testing.assert_array_equal(again.event, sampled.event)


def test_normalisation_bins_hold_equal_numbers_of_jets(tmp_path):
    jets_table(tmp_path / "jets.parquet", 4000, [5, 5, 0, 0])
    sampled = sample_inclusive_jets(
        [tmp_path / "jets.parquet"], samples=SAMPLES, flavours=FLAVOURS, luminosity_ifb=0.01, max_jets=4000
    )
    bins = normalisation_bins(sampled, FLAVOURS, ["b"], Normalisation(n_pt=5, n_abseta=1))["b"]
    jets = sampled.of(0).jets
    np.testing.assert_array_equal(np.bincount(bins.index(jets.pt_gev, jets.abseta)), np.full(5, len(jets) // 5))


def test_a_flavour_without_inclusive_jets_is_an_error(tmp_path):
    jets_table(tmp_path / "jets.parquet", 40, [5])
    with pytest.raises(ValueError, match="no simulated jet of flavour udsg"):
        sample_inclusive_jets(
            [tmp_path / "jets.parquet"], samples=SAMPLES, flavours=FLAVOURS, luminosity_ifb=0.01, max_jets=10
        )
