"""Probe entries: the table's columns, and every row against the cuts written out event by event."""

import numpy as np
import pyarrow.parquet as pq

from deepsf.config.selection import CHANNELS
from deepsf.nanoaod.branches import inspect
from deepsf.nanoaod.events import iterate
from deepsf.skim.dileptons import event_variables
from deepsf.skim.probe_entries import probe_entries_schema
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


def test_the_table_has_the_columns_of_the_contract(make_nanoaod, skim):
    schema = pq.read_schema(skim(make_nanoaod())[1])
    assert {field.name: str(field.type) for field in schema} == ENTRY_TYPES


def test_regions_jet_columns_and_weight_shifts_have_columns_of_their_own(regions):
    plain = probe_entries_schema(regions, {}).names
    assert [name for name in plain if name.startswith("in_")] == ["in_hf", "in_lf"]
    more = probe_entries_schema({**regions, "c": regions["lf"]}, {"charm": "CvL"}, ["pileup_up"]).names
    assert set(more) - set(plain) == {"in_c", "tag_charm", "probe_charm", "weight_pileup_up"}


def test_entries_are_both_permutations_of_two_jet_events_in_a_region(
    make_nanoaod, skim, simulation, tagger, selection, regions
):
    path = make_nanoaod(20_000, basket=20_000)
    loose = regions["lf"].same_flavour.model_copy(update={"met_max_gev": 90.0})
    regions["lf"] = regions["lf"].model_copy(update={"tag_below": "T", "same_flavour": loose})
    _, entries_path, _ = skim(path, events_per_chunk=6000)
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
    np.testing.assert_array_equal(rows.weight, events.weight[rows.entry])
    assert (rows.weight < 0).any()
