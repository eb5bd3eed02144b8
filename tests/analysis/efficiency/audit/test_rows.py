"""Limits of rows: upper ones, intervals, those that a model must fail."""

from __future__ import annotations

import pytest

from deepsf.efficiency.audit.rows import DEFAULT_LIMITS, Row, judged


def passed(value, limit):
    return judged({"5.b": Row(value, "")}, {"5.b": limit}, default_limits=False)["5.b"]["passed"]


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


def test_rows_have_value_limit_verdict_and_words_as_json_has_them():
    found = judged({"11.b": Row(1.0, "eleven"), "9.b": Row(2.0, "nine")}, {"9.b": (1.0, None)}, default_limits=False)
    assert list(found) == ["9.b", "11.b"]
    assert found["9.b"] == {"value": 2.0, "limit": [1.0, None], "passed": True, "description": "nine"}
    assert found["11.b"] == {"value": 1.0, "limit": None, "passed": None, "description": "eleven"}


def test_limits_of_the_configuration_replace_the_default_ones():
    rows = {"5.b": Row(1.5, ""), "5.c": Row(1.5, ""), "5.udsg": Row(1.5, "")}
    found = judged(rows, {"5.b": 2.0, "5.c": None}, default_limits=True)
    assert [found[key]["limit"] for key in rows] == [2.0, None, DEFAULT_LIMITS["5.udsg"]]
    assert judged(rows, {}, default_limits=False)["5.udsg"]["passed"] is None


def test_a_limit_of_no_row_is_named_with_the_closest_one():
    with pytest.raises(
        ValueError, match=r"efficiency\.audit\.limits\.5\.bb: there is no such row; did you mean '5\.b'"
    ):
        judged({"5.b": Row(1.0, "")}, {"5.bb": 1.0}, default_limits=True)


def test_a_limit_of_a_row_that_this_audit_lacks_is_allowed():
    assert list(judged({"5.b": Row(1.0, "")}, {"13.b_b": 1.1}, default_limits=True)) == ["5.b"]


def test_limits_of_other_flavours_are_for_their_names():
    rows = {"5.s": Row(1.0, "")}
    assert judged(rows, {"5.s": 0.5}, default_limits=True)["5.s"]["passed"] is False
