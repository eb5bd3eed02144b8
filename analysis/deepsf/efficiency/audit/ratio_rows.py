"""Rows of the audit on scale factors by ratio."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deepsf.efficiency.audit.rows import Row


def ratio_rows(found: Mapping[str, Any]) -> dict[str, Row]:
    """Return the rows of the audit from `RatioFigures`, as a mapping: the largest figure over working points."""
    rows = {
        f"23.{flavour}": Row(100.0 * max(points.values()), f"mean |SF - true SF| of {flavour} jets [%]")
        for flavour, points in found["mad"].items()
    }
    for flavour, points in found["slope"].items():
        largest = 100.0 * max(points.values(), key=abs)
        text = f"SF of {flavour} jets, highest over lowest quarter of pT, against the true one [%]"
        rows[f"23.slope.{flavour}"] = Row(largest, text)
    rows["23.tilt"] = Row(100.0 * found["tilt"], "largest change of that ratio by a tilted spectrum of data [%]")
    rows["23.unitarity"] = Row(found["unitarity"], "largest deviation from 1 of the mean SF over bins")
    return rows
