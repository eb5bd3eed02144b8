"""Rows of the audit: one figure each, its limit, and whether it holds.

`deepsf.config.efficiency.audit_rows.ROWS` names them and says what each is. A limit is the largest value, or an
interval whose ends may be open. Some rows hold that a model *fails*: on the shipped toy maps and the closest jet alone
must not close, or the toy would not test anything.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from deepsf.config.efficiency.audit import Limit, row_hint
from deepsf.config.efficiency.audit_rows import ROWS, default_limit

_CHECKS = list(dict.fromkeys(pattern.split(".")[0] for pattern in ROWS))


class Row(NamedTuple):
    """A figure and what it is, in words; None if it is undefined."""

    value: float | None
    description: str


Rows = dict[str, Row]


def row(pattern: str, value: float | None, **names: str) -> Rows:
    """Return one row of a pattern in `ROWS`, whose placeholders are filled with ``names``."""
    return {pattern.format(**names): Row(None if value is None else float(value), ROWS[pattern].meaning)}


def rows_by(key: str, categories: Iterable[str], pattern: str, values: Iterable[float], **names: str) -> Rows:
    """Return a row of a pattern for each category, the names that its placeholder ``key`` takes."""
    rows: Rows = {}
    for category, value in zip(categories, values, strict=True):
        rows |= row(pattern, value, **{key: category}, **names)
    return rows


def judged(rows: Mapping[str, Row], limits: Mapping[str, Limit] | None) -> dict[str, dict[str, Any]]:
    """Return by name ``value``, ``limit``, ``passed`` and ``description``, check by check in the order of `ROWS`.

    ``limit`` is a number, a list of two with null for an open end, or null; ``passed`` is null without a limit. Rows
    that are not among ``limits`` have their default limit, if there is one; without ``limits`` no row has any.

    Raises
    ------
    ValueError
        If a limit is given for a row that there is not.
    """
    for name, limit in (limits or {}).items():
        if limit is not None and name not in rows:
            raise ValueError(f"efficiency.audit.limits.{name}: the audit made no such row; {row_hint(name, rows)}")
    ordered = sorted(rows, key=lambda name: _CHECKS.index(name.split(".")[0]))
    if limits is None:
        return {name: _judged(rows[name], None) for name in ordered}
    return {name: _judged(rows[name], limits.get(name, default_limit(name))) for name in ordered}


def _judged(row: Row, limit: Limit) -> dict[str, Any]:
    value = None if row.value is None or not math.isfinite(row.value) else float(row.value)
    low, high = limit if isinstance(limit, tuple) else (None, limit)
    passed = None
    if limit is not None:
        passed = value is not None and (low is None or value >= low) and (high is None or value <= high)
    return {
        "value": value,
        "limit": list(limit) if isinstance(limit, tuple) else limit,
        "passed": passed,
        "description": row.description,
    }
