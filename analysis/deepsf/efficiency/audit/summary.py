"""The audit of efficiencies as text: one line a row, failed rows first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deepsf.audit.summary import members_note


def summary(audit: Mapping[str, Any]) -> str:
    """Return the rows of an ``audit.json`` of efficiencies as plain text."""
    rows: Mapping[str, Mapping[str, Any]] = audit["rows"]
    failed = {name: row for name, row in rows.items() if row["passed"] is False}
    n_judged = sum(row["passed"] is not None for row in rows.values())
    lines = [f"campaign {audit['config']}, network {audit['model']}, working point {audit['working_point']}"]
    if note := members_note(audit["members"]):
        lines.append(f"  ensemble with {note}")
    for number, reasons in audit["members"].get("not_converged", {}).items():
        lines.append(f"  member {number} has not converged: {'; '.join(reasons)}")
    lines.append(f"{n_judged - len(failed)} of {n_judged} rows with a limit hold")
    if failed:
        lines += ["", "rows that do not hold", *_lines(failed)]
    lines += ["", "all others", *_lines({name: row for name, row in rows.items() if name not in failed})]
    return "\n".join(lines) + "\n"


def _lines(rows: Mapping[str, Mapping[str, Any]]) -> list[str]:
    width = max(map(len, rows), default=0)
    return [
        f"  {name:<{width}}{_number(row['value']):>10}  {_limit(row['limit']):<16} {row['description']}"
        for name, row in rows.items()
    ]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _limit(limit: Any) -> str:
    if limit is None:
        return ""
    if not isinstance(limit, list | tuple):
        return f"at most {limit:g}"
    low, high = limit
    if low is None:
        return f"at most {high:g}"
    return f"at least {low:g}" if high is None else f"{low:g} to {high:g}"
