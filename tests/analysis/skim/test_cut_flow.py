"""Reports of a skim: kept in the tables, summed over files, printed."""

import json
from dataclasses import fields

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deepsf.skim.cut_flow import SkimError, SkimReport, format_cut_flow, merge_cut_flows, read_report
from tests.analysis.skim.hand_reports import report, sums_of


def test_metadata_of_both_tables_are_the_report(make_nanoaod, skim):
    written, *tables = skim(make_nanoaod())
    for table in tables:
        stored = read_report(table)
        assert stored == written
        assert list(stored.cut_flow)[:2] == ["all", "filters"]  # in the order of the cuts
        text = pq.read_schema(table).metadata[b"deepsf"].decode()
        assert text == json.dumps(json.loads(text), sort_keys=True)
    assert stored.sum_weights == 805.0
    assert stored.file == "nano.root"
    assert set(json.loads(text)) == {field.name for field in fields(SkimReport)}


def test_metadata_of_a_foreign_file_are_refused(tmp_path):
    pq.write_table(pa.table({"a": [1]}), tmp_path / "other.parquet")
    with pytest.raises(SkimError, match=r"other\.parquet: parquet file without the metadata of a skim"):
        read_report(tmp_path / "other.parquet")


def test_cut_flows_of_files_add_up_by_sample_and_print(make_nanoaod, skim, data):
    tables = [skim(make_nanoaod(500, seed, name=f"{seed}.root"), f"mc{seed}")[1] for seed in (1, 2)]
    tables.append(skim(make_nanoaod(300, 3, data=True), "d", sample_name="dielectron", sample=data)[1])
    reports = [read_report(table) for table in tables]
    merged = merge_cut_flows(reports)
    assert list(merged) == ["ttbar", "dielectron"]
    assert merged["ttbar"].n_events == 1000
    assert merged["ttbar"].sum_weights == 2010.0
    for step, counts in merged["ttbar"].cut_flow.items():
        for channel, n in counts.items():
            assert n == sum(of_file.cut_flow[step][channel] for of_file in reports[:2])
    lines = format_cut_flow(merged["ttbar"]).splitlines()
    assert lines[0] == "ttbar (simulation): 1000 events, sum of weights 2010"
    assert lines[2].split() == ["all", "1000", "-", "-", "-"]
    emu = merged["ttbar"].cut_flow["two_jets"]["emu"]
    (two_jets,) = [line.split() for line in lines if line.startswith("two_jets")]
    assert int(two_jets[3]) == emu


def test_a_cut_flow_tells_what_a_user_has_to_know():
    shifts = ("psisr_up", "psisr_down")
    weights = {"weight": sums_of(np.array([*[2.0] * 30, *[-2.0] * 10]))}
    whole = report(weights=weights, weight_shifts=shifts, n_without={"psisr": 3}, missing_triggers=("HLT_A", "HLT_B"))
    assert format_cut_flow(whole).splitlines() == [
        "ttbar (simulation): 100 events, sum of weights 100",
        "step                             all          ee         emu        mumu",
        "all                              100           -           -           -",
        "filters                           90           -           -           -",
        "two_leptons                       50          20          20          10",
        "opposite_charge                   50          20          20          10",
        "lead_lepton_pt                    50          20          20          10",
        "trigger                           50          20          20          10",
        "mll                               50          20          20          10",
        "delta_r_ll                        50          20          20          10",
        "two_jets                          40          20          10          10",
        "exactly_two_jets                  40          20          10          10",
        "region_hf                         10           4           3           3",
        "sum of weights before the cut on the tag jet",
        "hf                                15           5           5           5",
        "80 selected jets, 0 with an invalid score (0 of these not finite)",
        # (60 - 20)^2 / (40 * 4) = 10
        "40 events with two jets, worth 10 of weight 1; the largest weight is 2.50% of their sum",
        "weight shifts: psisr_up, psisr_down",
        "events without weights of psisr, which count as not shifted: 3",
        "trigger paths that a file lacks, and that count as not fired there: HLT_A, HLT_B",
    ]


def test_data_have_no_sum_of_weights_and_a_given_one_is_that_of_the_configuration():
    first = format_cut_flow(report(kind="data")).splitlines()[0]
    assert first == "ttbar (data): 100 events"
    assert "worth" not in format_cut_flow(report(kind="data"))
    assert format_cut_flow(report(sum_weights=0.0)).startswith(
        "ttbar (simulation): 100 events, sum of weights as given"
    )


def test_sums_of_weights_add_and_the_largest_stays():
    parts = [np.array([1.0, -3.0]), np.array([0.5]), np.zeros(0)]
    merged = merge_cut_flows([report(weights={"weight": sums_of(part)}) for part in parts])["ttbar"]
    assert merged.weights == {"weight": sums_of(np.concatenate(parts))}
    assert merged.largest_share() == 3.0 / 4.5
    assert merged.n_effective() == pytest.approx(1.5**2 / 10.25)
    # a shift that one file has not begun to count, since it has no events
    one_shift = report(weights={"weight": sums_of(parts[0]), "weight_psisr_up": sums_of(parts[1])})
    both = merge_cut_flows([report(weights={}), one_shift])["ttbar"]
    assert both.weights == one_shift.weights


def test_luminosity_blocks_of_files_are_joined():
    reports = [
        report(kind="data", luminosity_blocks={"7": [[1, 3]], "9": [[2, 2]]}),
        report(kind="data", luminosity_blocks={"7": [[4, 5]], "8": [[1, 1]]}),
    ]
    merged = merge_cut_flows(reports)["ttbar"]
    assert merged.luminosity_blocks == {"7": [[1, 5]], "8": [[1, 1]], "9": [[2, 2]]}
    assert (merged.file, merged.content) == ("", "")


def test_files_of_one_sample_are_skimmed_alike():
    other = report(kind="data", luminosity_blocks={})
    with pytest.raises(SkimError, match="sample ttbar: files differ in kind or in steps of the cut flow"):
        merge_cut_flows([report(), other])
