"""The audit as text."""

from __future__ import annotations

from deepsf.efficiency.audit.summary import summary

ROWS = {
    "deviation.gnn.b": {"value": 0.81, "limit": 1.2, "passed": True, "description": "MAD of b [%]"},
    "closure.delta_r.2tag.chi2_map": {
        "value": 3.0,
        "limit": [50.0, None],
        "passed": False,
        "description": "the map must fail",
    },
    "toy.efficiency.b": {"value": 0.7, "limit": [0.68, 0.72], "passed": True, "description": "mean efficiency"},
    "correlation.injected.b_b": {"value": None, "limit": None, "passed": None, "description": "no pairs"},
}
AUDIT = {"config": "toy", "model": "gnn", "working_point": "M", "members": {"used": 19, "configured": 20}}


def test_rows_that_do_not_hold_come_first_with_value_limit_and_words():
    lines = summary({**AUDIT, "rows": ROWS}).splitlines()
    assert lines[0] == "campaign toy, network gnn, working point M"
    assert lines[1].strip() == "ensemble with 19 of 20 members"
    assert lines[2] == "2 of 3 rows with a limit hold"
    first = lines[lines.index("rows that do not hold") + 1]
    assert first.split() == ["closure.delta_r.2tag.chi2_map", "3", "at", "least", "50", "the", "map", "must", "fail"]
    assert "at most 1.2" in lines[lines.index("all others") + 1]
    assert any("0.68 to 0.72" in line for line in lines)
    assert lines[-1].split()[:2] == ["correlation.injected.b_b", "-"]


def test_nothing_is_said_of_failures_where_all_rows_hold():
    text = summary({**AUDIT, "rows": {"deviation.gnn.b": ROWS["deviation.gnn.b"]}})
    assert "do not hold" not in text
    assert "1 of 1 rows with a limit hold" in text


def test_members_that_have_not_converged_are_named_with_the_reason():
    members = {"used": 20, "configured": 20, "not_converged": {"3": ["25% of what it has learned came last"]}}
    lines = summary({**AUDIT, "members": members, "rows": ROWS}).splitlines()
    assert lines[1].strip() == "ensemble with 20 members, 1 not converged"
    assert lines[2].strip() == "member 3 has not converged: 25% of what it has learned came last"
