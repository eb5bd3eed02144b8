"""Reports of a skim: kept in the tables, summed over files, printed, and refused where nothing is left."""

import json
from dataclasses import fields

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deepsf.skim.cut_flow import SkimError, SkimReport, format_cut_flow, merge_cut_flows, read_report
from deepsf.skim.limits import require_selected, require_valid_scores


def test_metadata_of_both_tables_are_the_report(make_nanoaod, skim):
    report, *tables = skim(make_nanoaod())
    for table in tables:
        stored = read_report(table)
        assert stored == report
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
            assert n == sum(report.cut_flow[step][channel] for report in reports[:2])
    lines = format_cut_flow(merged["ttbar"]).splitlines()
    assert lines[0] == "ttbar (simulation): 1000 events, sum of weights 2010"
    assert lines[2].split() == ["all", "1000", "-", "-", "-"]
    emu = merged["ttbar"].cut_flow["two_jets"]["emu"]
    (two_jets,) = [line.split() for line in lines if line.startswith("two_jets")]
    assert int(two_jets[3]) == emu


def test_a_region_without_events_names_kind_last_step_and_way_out(make_nanoaod, skim, data, regions):
    impossible = {"hf": regions["hf"].model_copy(update={"tag_above": 2.0}), "any": regions["hf"]}
    simulated = skim(make_nanoaod(3000, basket=3000), "mc", regions=impossible)[1]
    observed = skim(
        make_nanoaod(3000, data=True, basket=3000), "data", sample_name="muons", sample=data, regions=impossible
    )[1]
    reports = [read_report(path) for path in (simulated, observed)]
    require_selected(reports, ["any"])
    n = sum(reports[1].cut_flow["exactly_two_jets"].values())
    with pytest.raises(
        SkimError,
        match=rf"region hf: no data event is selected \(samples: muons\); the last step with events is "
        rf"exactly_two_jets \({n}\); check the cuts of regions\.hf in the config",
    ):
        require_selected(reports, impossible)
    with pytest.raises(
        SkimError, match=r"region any: no data event is selected \(samples: none\); there are no events"
    ):
        require_selected(reports[:1], ["any"])


def test_no_selected_event_at_all_names_the_step_that_took_the_last(make_nanoaod, skim, selection):
    strict = selection.model_copy(update={"mll_min_gev": 1e6})
    report = read_report(skim(make_nanoaod(), selection=strict)[1])
    with pytest.raises(
        SkimError, match=r"simulation event .* last step with events is trigger .* the cut behind mll in"
    ):
        require_selected([report], ["hf"])
