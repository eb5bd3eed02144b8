"""Counts of a skim: cut flow and yields by region."""

import pyarrow.parquet as pq
import pytest

from deepsf.config.selection import CHANNELS


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
