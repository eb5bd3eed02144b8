"""Coverage over many pseudo-data sets: how often the truth is within one and two errors, and how wide pulls are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

Row = Mapping[str, Any]
WITHIN_1, WITHIN_2 = (0.60, 0.76), (0.90, 1.0)
"""What is asked for: 68 +- 8 % and 95 +- 5 % of the sets."""
WIDTH = (0.85, 1.15)


def coverage_report(rows: Iterable[Row]) -> dict[str, Any]:
    """Return coverage by method, flavour, range between working points and range in pT, and by larger parts.

    Parameters
    ----------
    rows
        As `deepsf.audit.coverage.compared` gives them, each with the name of its ``true_sf``.

    Returns
    -------
    dict
        ``by_cell``: method -> flavour -> working point -> pT; ``by_working_point`` and ``by_true_sf`` over the other
        axes; ``all``: by method. Each has ``n``, ``within_1`` and ``within_2`` (fractions), ``mean`` and ``width`` of
        pulls, ``error`` and ``deviation`` (root mean squares).
    """
    everything = list(rows)
    return {
        "all": _nested(everything, ("method",)),
        "by_working_point": _nested(everything, ("method", "flavour", "working_point")),
        "by_true_sf": _nested(everything, ("method", "true_sf", "flavour", "working_point")),
        "by_cell": _nested(everything, ("method", "flavour", "working_point", "pt")),
    }


def _nested(rows: Sequence[Row], axes: Sequence[str]) -> dict[str, Any]:
    if not axes:
        return _coverage(rows)
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row[axes[0]], []).append(row)
    return {name: _nested(group, axes[1:]) for name, group in groups.items()}


def _coverage(rows: Sequence[Row]) -> dict[str, Any]:
    """Return the figures of some rows; a mean without an error is not covered, and counted."""
    deviation = np.array([row["value"] - row["truth"] for row in rows])
    error = np.array([row["error"] for row in rows], np.float64)
    known = np.isfinite(error) & (error > 0)
    pulls = np.divide(deviation, error, out=np.full(len(rows), np.inf), where=known)
    some = pulls[known]
    return {
        "n": len(rows),
        "n_without_error": int((~known).sum()),
        "within_1": float((np.abs(pulls) <= 1.0).mean()),
        "within_2": float((np.abs(pulls) <= 2.0).mean()),
        "mean": float(some.mean()) if len(some) else None,
        "width": float(some.std(ddof=1)) if len(some) > 1 else None,
        "error": float(np.sqrt(np.mean(error[known] ** 2))) if len(some) else None,
        "deviation": float(np.sqrt(np.mean(deviation**2))),
    }


def coverage_text(report: Mapping[str, Any]) -> str:
    """Return a table of the coverage by working point, for people; ``<`` and ``>`` mark what is not as asked for."""
    lines = ["share of sets within 1 and 2 errors, pull mean and width, error and deviation (rms)"]
    for method, flavours in report["by_working_point"].items():
        for flavour, points in flavours.items():
            for name, found in points.items():
                lines.append(f"  {method:<8}{flavour:<6}{name:<9}" + _line(found))
    return "\n".join(lines) + "\n"


def _line(found: Mapping[str, Any]) -> str:
    marks = _mark(found["within_1"], WITHIN_1), _mark(found["within_2"], WITHIN_2), _mark(found["width"], WIDTH)
    numbers = (f"{found[key]:6.2f}" for key in ("within_1", "within_2", "mean", "width"))
    one, two, mean, width = numbers
    return (
        f"{one}{marks[0]} {two}{marks[1]} {mean}  {width}{marks[2]}  "
        f"{found['error']:.4f} {found['deviation']:.4f}  n = {found['n']}"
    )


def _mark(value: float, wanted: tuple[float, float]) -> str:
    return "<" if value < wanted[0] else ">" if value > wanted[1] else " "
