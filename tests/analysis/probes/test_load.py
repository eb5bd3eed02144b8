"""From skims to weighted entries, with numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pyarrow.parquet as pq
import pytest

from deepsf.config.samples import Sample
from deepsf.probes.load import load_entries
from tests.analysis.probes.skims import REGIONS, tables_in, write_entries


def load(folder, shift="nominal", **changes):
    return load_entries(tables_in(folder, **changes), REGIONS, shift)["hf"]


def test_simulation_is_scaled_to_luminosity_and_to_each_channels_rate(skims):
    region = load(skims)
    # 2 pb x 10 /pb / (30 + 10) = 0.5; ee: 8 / (0.5 x 8) = 2; emu: 3 / (0.5 x 2) = 3
    np.testing.assert_allclose(region.simulation.weight, [1 * 0.5 * 2, -1 * 0.5 * 3, 2 * 0.5 * 2])
    np.testing.assert_array_equal(region.data.weight, [1])


def test_each_era_is_scaled_to_its_own_data_and_all_are_summed(tmp_path):
    def simulation(era, luminosity_ifb):
        return Sample(kind="simulation", files=("*",), cross_section_pb=2.0, era=era, luminosity_ifb=luminosity_ifb)

    samples = {
        "mc_a": simulation("a", 0.01), "mc_b": simulation("b", 0.03),
        "data_a": Sample(kind="data", files=("*",), era="a"), "data_b": Sample(kind="data", files=("*",), era="b"),
    }  # fmt: skip
    for name, yields in (("a", (4, 1, 0)), ("b", (8, 1, 0))):
        path = tmp_path / f"mc_{name}.parquet"
        write_entries(path, f"mc_{name}", yields, 40, weight=[1], channel=[0], flavour=[5])
    for name, yields in (("a", (6, 1, 0)), ("b", (12, 1, 0))):
        path = tmp_path / f"data_{name}.parquet"
        write_entries(path, f"data_{name}", yields, 9, kind="data", weight=[1], channel=[0], flavour=[-1])
    region = load(tmp_path, samples=samples, luminosity_ifb=99.0)
    # a: 2 pb x 10 /pb / 40 = 0.5, ee: 6 / (0.5 x 4) = 3; b: 2 x 30 / 40 = 1.5, ee: 12 / (1.5 x 8) = 1
    np.testing.assert_allclose(region.simulation.weight, [0.5 * 3, 1.5 * 1])
    assert len(region.data) == 2


def test_events_of_different_files_have_different_numbers(skims):
    event = load(skims).simulation.event
    assert len(np.unique(event)) == 3


def test_a_channel_without_simulation_is_an_error_that_names_it(skims):
    write_entries(skims / "b.parquet", "ttbar", (4, 0, 0), 10, weight=[2], channel=[0], flavour=[1])
    write_entries(skims / "a.parquet", "ttbar", (4, 0, 0), 30, weight=[1], channel=[0], flavour=[5])
    with pytest.raises(ValueError, match="region hf, channel emu: 3 data events, a simulated yield of 0"):
        load(skims)


def test_a_region_without_entries_is_an_error_that_names_it(skims):
    table = pq.read_table(skims / "c.parquet")
    pq.write_table(table.slice(0, 0), skims / "c.parquet")
    with pytest.raises(ValueError, match="region hf: no tag-probe entries in data"):
        load(skims)


def test_rows_of_a_kinematic_shift_are_its_own_and_data_are_nominal(shifted_skims):
    nominal, shifted = load(shifted_skims), load(shifted_skims, "jer_up")
    # the rate scales are those of the nominal yields: ee 2, emu 3, see above
    np.testing.assert_allclose(nominal.simulation.weight, [1 * 0.5 * 2, 2 * 0.5 * 2])
    np.testing.assert_allclose(shifted.simulation.weight, [-1 * 0.5 * 3, 2 * 0.5 * 2])
    for region in (nominal, shifted):
        np.testing.assert_array_equal(region.data.weight, [1])


def test_a_weight_shift_multiplies_nominal_rows_of_the_files_that_have_it(shifted_skims):
    shifted = load(shifted_skims, "pileup_up")
    np.testing.assert_allclose(shifted.simulation.weight, [1.5 * 1 * 0.5 * 2, 2 * 0.5 * 2])
    np.testing.assert_array_equal(shifted.simulation.event, load(shifted_skims).simulation.event)


def test_a_shift_that_the_skim_lacks_is_refused(shifted_skims):
    with pytest.raises(ValueError, match="shift 'jer_down' is not in the skim; it has nominal, jer_up, pileup_up"):
        load(shifted_skims, "jer_down")


def test_a_region_that_a_shift_empties_is_named_with_it(shifted_skims):
    for name in ("a", "b"):
        table = pq.read_table(shifted_skims / f"{name}.parquet")
        pq.write_table(table.slice(0, 1), shifted_skims / f"{name}.parquet")
    with pytest.raises(ValueError, match=r"no tag-probe entries in simulation \(shift jer_up\); see"):
        load(shifted_skims, "jer_up")
