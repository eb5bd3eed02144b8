"""Rows of the audit on scale factors by ratio."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deepsf.efficiency.audit.rows import Rows, row


def ratio_rows(figures: Mapping[str, Any]) -> Rows:
    """Return the rows of the audit from `RatioFigures`, as a mapping: the largest figure over working points."""
    rows = {**row("ratio.tilt", 100.0 * figures["tilt"]), **row("ratio.unitarity", figures["unitarity"])}
    for flavour, points in figures["mad"].items():
        rows |= row("ratio.deviation.{flavour}", 100.0 * max(points.values()), flavour=flavour)
    for flavour, points in figures["slope"].items():
        rows |= row("ratio.slope.{flavour}", 100.0 * max(points.values(), key=abs), flavour=flavour)
    return rows
