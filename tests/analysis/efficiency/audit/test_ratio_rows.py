"""Rows on scale factors by ratio."""

from __future__ import annotations

from deepsf.efficiency.audit.ratio_rows import ratio_rows
from deepsf.efficiency.ratio.experiment import RatioFigures

FIGURES = RatioFigures(
    mad={"b": {"L": 0.002, "M": 0.004}, "c": {"L": 0.03, "M": 0.01}},
    slope={"b": {"L": 0.001, "M": -0.005}, "c": {"L": 0.002, "M": 0.001}},
    tilt=0.007,
    unitarity=1e-8,
)


def test_rows_are_the_largest_over_working_points_in_percent():
    rows = {name: row.value for name, row in ratio_rows(FIGURES._asdict()).items()}
    assert rows == {
        "ratio.tilt": 0.7000000000000001,
        "ratio.unitarity": 1e-8,
        "ratio.deviation.b": 0.4,
        "ratio.deviation.c": 3.0,
        # the largest has its sign
        "ratio.slope.b": -0.5,
        "ratio.slope.c": 0.2,
    }
