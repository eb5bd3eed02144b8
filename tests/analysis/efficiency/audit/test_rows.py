"""Rows of the audit: names and words from one table, limits, and what is made of both."""

from __future__ import annotations

import pytest

from deepsf.efficiency.audit.rows import Row, judged, row, rows_by


def passed(value, limit):
    return judged({"deviation.gnn.b": Row(value, "")}, {"deviation.gnn.b": limit})["deviation.gnn.b"]["passed"]


@pytest.mark.parametrize(
    ("value", "limit", "expected"),
    [
        (1.2, 1.2, True),
        (1.21, 1.2, False),
        (-7.0, 1.2, True),
        (0.79, (0.8, 1.2), False),
        (0.8, (0.8, 1.2), True),
        (1.3, (0.8, 1.2), False),
        (49.0, (50.0, None), False),
        (900.0, (50.0, None), True),
        (0.0, (None, 1.0), True),
        (0.5, None, None),
        (None, 1.0, False),
        (float("nan"), 1.0, False),
        (float("nan"), None, None),
    ],
)
def test_a_value_passes_within_its_limit_and_undefined_ones_never_do(value, limit, expected):
    assert passed(value, limit) is expected


def test_a_row_has_the_name_of_its_pattern_and_the_words_of_the_table():
    rows = row("closure.delta_r.{region}.chi2", 2, region="2tag")
    assert rows == {
        "closure.delta_r.2tag.chi2": Row(
            2.0, "chi2/ndf of predicted against direct yields in DeltaR of the two leading jets"
        )
    }
    assert row("ratio.tilt", None)["ratio.tilt"].value is None


def test_rows_of_several_categories():
    rows = rows_by("flavour", ("b", "c"), "deviation.{model}.{flavour}", [1.0, 2.0], model="map")
    assert {name: value for name, (value, _) in rows.items()} == {"deviation.map.b": 1.0, "deviation.map.c": 2.0}
    with pytest.raises(ValueError, match="shorter"):
        rows_by("flavour", ("b", "c"), "toy.efficiency.{flavour}", [1.0])


def test_a_row_that_is_not_in_the_table_is_refused():
    with pytest.raises(KeyError, match=r"closure\.typo"):
        row("closure.typo", 1.0)


def test_rows_have_value_limit_verdict_and_words_as_json_has_them():
    rows = {"export.onnx": Row(1.0, "one"), "deviation.gnn.b": Row(2.0, "two")}
    found = judged(rows, {"deviation.gnn.b": (1.0, None)})
    # in the order of the checks
    assert list(found) == ["deviation.gnn.b", "export.onnx"]
    assert found["deviation.gnn.b"] == {"value": 2.0, "limit": [1.0, None], "passed": True, "description": "two"}
    assert found["export.onnx"] == {"value": 1.0, "limit": None, "passed": None, "description": "one"}


def test_a_limit_without_a_row_is_refused_with_the_closest_name():
    rows = {"deviation.gnn.b": Row(1.0, ""), "export.onnx": Row(1.0, "")}
    with pytest.raises(
        ValueError, match=r"limits\.deviation\.gnn\.s: the audit made no such row; did you mean 'deviation\.gnn\.b'"
    ):
        judged(rows, {"deviation.gnn.s": 1.0})
    with pytest.raises(ValueError, match=r"limits\.ratio\.tilt: .*; names begin with deviation, export, see docs"):
        judged(rows, {"ratio.tilt": 1.0})


def test_a_row_without_limit_need_not_be_there():
    assert list(judged({"deviation.gnn.b": Row(1.0, "")}, {"deviation.map.b": None})) == ["deviation.gnn.b"]
