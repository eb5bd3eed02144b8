"""The table of all jets, event by event, whatever the order of its rows."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deepsf.skim.cut_flow import METADATA_KEY, SkimReport, read_report
from deepsf.skim.event_table import read_events

ROWS = {
    "entry": [7, 7, 0, 0, 0],
    "rank": [1, 0, 0, 1, 2],
    "n_jets": [2, 2, 3, 3, 3],
    "pt_gev": [30.0, 40.0, 90.0, 80.0, 70.0],
}


def write(path, rows):
    report = SkimReport("ttbar", "simulation", 2, 2.0, {}, {}, {})
    pq.write_table(pa.table(rows).replace_schema_metadata({METADATA_KEY: report.to_json()}), path)
    return path, read_report(path)


def test_jets_come_by_event_and_rank(tmp_path):
    jets, first, n_jets = read_events(*write(tmp_path / "jets.parquet", ROWS), "nominal", ["pt_gev"])
    assert jets["pt_gev"].to_pylist() == [90.0, 80.0, 70.0, 40.0, 30.0]
    assert (first.tolist(), n_jets.tolist()) == ([0, 3], [3, 2])


def test_a_table_without_rows_has_no_events(tmp_path):
    rows = {name: pa.array([], pa.int64()) for name in ROWS}
    _, first, n_jets = read_events(*write(tmp_path / "jets.parquet", rows), "nominal", [])
    assert (len(first), len(n_jets)) == (0, 0)


def test_an_event_that_lacks_jets_is_named(tmp_path):
    path = tmp_path / "ttbar_jets.parquet"
    rows = {name: values[:4] for name, values in ROWS.items()}
    with pytest.raises(
        ValueError, match=r"ttbar_jets.parquet: event 0 has 2 rows of jets, but n_jets = 3; .* skim the file again"
    ):
        read_events(*write(path, rows), "nominal", [])
