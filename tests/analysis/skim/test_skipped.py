"""Files that are left out: empty tables of full form, the reason in them, and the lines about them."""

from __future__ import annotations

from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from deepsf.nanoaod.root_file import UnreadableError
from deepsf.skim.campaign_checks import require_consistent
from deepsf.skim.cut_flow import merge_cut_flows, read_report
from deepsf.skim.settings import SkimSettings
from deepsf.skim.skipped import format_skipped, skip_file

ERROR = UnreadableError("/store/bad.root: not a readable ROOT file")


@pytest.fixture
def settings(simulation, tagger, selection, regions):
    return SkimSettings("ttbar", simulation, tagger, selection, regions)


@pytest.fixture
def skipped(settings, tmp_path):
    """Paths of the tables of a skipped file."""
    tables = tmp_path / "bad_entries.parquet", tmp_path / "bad_jets.parquet"
    skip_file(ERROR, settings, entries_path=tables[0], jets_path=tables[1], file_name="bad.root")
    return tables


def test_tables_of_a_skipped_file_are_those_of_a_file_without_events(skipped, skim, make_nanoaod, simulation):
    _, *empty = skim(make_nanoaod(0), sample=simulation)
    for table, other in zip(skipped, empty, strict=True):
        assert pq.read_table(table).num_rows == 0
        assert pq.read_schema(table).equals(pq.read_schema(other))
        report = read_report(table)
        assert report.skipped == str(ERROR)
        assert replace(report, skipped="", file="nano.root", sample="mc").cut_flow == read_report(other).cut_flow


def test_a_skipped_file_changes_no_sum_of_its_sample(skipped, skim, make_nanoaod, simulation):
    report, *_ = skim(make_nanoaod(1000), sample=simulation)
    of_skipped = replace(read_report(skipped[0]), sample=report.sample)
    require_consistent([report, of_skipped], {report.sample: simulation}, None)
    merged = merge_cut_flows([report, of_skipped])[report.sample]
    assert merged == replace(report, file="", content="", missing_triggers=merged.missing_triggers, resolved={})


def test_skipped_files_are_listed_by_sample_with_what_is_lost(skipped):
    bad = read_report(skipped[0])
    good = replace(bad, skipped="", file="good.root")
    data = replace(bad, sample="data", kind="data", file="run.root", skipped="/store/run.root: unreachable")
    assert format_skipped([good, bad, data]) == [
        "sample ttbar: 1 of 2 files skipped, their sum of weights is left out; on_bad_file: fail tries them again",
        f"  bad.root: {ERROR}",
        "sample data: 1 of 1 files skipped, their luminosity is missing; on_bad_file: fail tries them again",
        "  run.root: /store/run.root: unreachable",
    ]
    assert format_skipped([good]) == []


def test_a_file_of_a_sample_with_a_number_for_its_weights_is_not_skipped(settings, tmp_path):
    numbered = replace(settings, sample=settings.sample.model_copy(update={"sum_weights": 964.0}))
    with pytest.raises(UnreadableError) as error:
        skip_file(ERROR, numbered, entries_path=tmp_path / "e", jets_path=tmp_path / "j", file_name="bad.root")
    assert str(error.value) == (
        f"{ERROR}; it cannot be skipped, since samples.ttbar.sum_weights = 964 counts all files of the sample: "
        "correct the number and the list of files"
    )
    assert list(tmp_path.iterdir()) == []
