"""Rows on yields with scale factors: by hand from a table, with V_eff; and which there are."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deepsf.efficiency.audit.scale_factor_rows import scale_factor_rows

WEIGHT = np.array([1.0, 2.0])


def write(path, **columns):
    """Write two events with one selection; direct yield 2 x 1.5 = 3 with scale factors, 2 without."""
    found = {
        "weight": WEIGHT.astype(np.float32),
        "direct_scale_factor": [0.5, 1.5],
        "direct_exactly_1": [False, True],
        "probability_exactly_1": [0.2, 0.7],
        "scale_factor_exactly_1": [0.5, 2.0],
        "data_probability_exactly_1": [0.1, 1.6],
        "replicas_exactly_1": [[0.1, 0.3], [0.7, 0.7]],
        "data_replicas_exactly_1": [[0.1, 0.1], [1.4, 1.8]],
        **columns,
    }
    known = {"scale_factors": {"mean": {"b": 0.98, "c": None}, "n_negative": 3, "n_merged": 7}}
    table = pa.table({name: column for name, column in found.items() if column is not None})
    pq.write_table(table.replace_schema_metadata({"deepsf": json.dumps(known)}), path)
    return path


def test_yields_of_both_routes_by_hand(tmp_path):
    rows = {name: row.value for name, row in scale_factor_rows(write(tmp_path / "t.parquet")).items()}
    pattern = "truth_tagging.yields.exactly_1."
    # without: 0.2 + 1.4 against 2; drawn: 0.1 + 2.8 against 3; corrected: 0.1 + 3.2 against 3
    assert rows[pattern + "without"] == pytest.approx(-20)
    assert rows[pattern + "drawn"] == pytest.approx(100 * (2.9 / 3 - 1))
    assert rows[pattern + "corrected"] == pytest.approx(10)
    # differences of events: 0.2, -0.6; 0.1, -0.2; 0.1, 0.2; and variances over two replicas
    v_eff = {"without": 0.2**2 / 2, "drawn": 0.1**2 / 2, "corrected": 0.8**2 / 2}
    squares = {"without": 0.04 + 0.36, "drawn": 0.01 + 0.04, "corrected": 0.01 + 0.04}
    for route, difference in (("without", -0.4), ("drawn", -0.1), ("corrected", 0.3)):
        expected = difference / np.sqrt(squares[route] + v_eff[route])
        assert rows[f"{pattern}{route}.pull"] == pytest.approx(expected), route


def test_means_negative_weights_and_cells_are_those_of_the_table(tmp_path):
    rows = scale_factor_rows(write(tmp_path / "t.parquet"))
    assert rows["truth_tagging.mean_scale_factor.b"].value == pytest.approx(-2)
    assert np.isnan(rows["truth_tagging.mean_scale_factor.c"].value)
    assert rows["truth_tagging.negative_weights"].value == 3
    assert rows["truth_tagging.merged_cells"].value == 7


def test_without_replicas_the_events_alone_have_an_error(tmp_path):
    path = write(tmp_path / "t.parquet", replicas_exactly_1=None, data_replicas_exactly_1=None)
    assert scale_factor_rows(path)["truth_tagging.yields.exactly_1.drawn.pull"].value == pytest.approx(-0.1 / 0.05**0.5)


def test_no_tag_gives_no_ratio(tmp_path):
    path = write(tmp_path / "t.parquet", direct_exactly_1=[False, False])
    assert scale_factor_rows(path)["truth_tagging.yields.exactly_1.without"].value is None


def test_a_table_without_scale_factors_gets_a_message(tmp_path):
    pq.write_table(pa.table({"weight": [1.0]}), tmp_path / "t.parquet")
    with pytest.raises(
        ValueError, match=r"t\.parquet: truth-tagged events without scale factors; run ApplyTruthTagging"
    ):
        scale_factor_rows(tmp_path / "t.parquet")
