"""Systematic shifts in the tables of a skim: their names, and the rows and weights of one of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa

from deepsf import parquet_files
from deepsf.skim.cut_flow import SkimReport

NOMINAL = "nominal"


def shifts_of(reports: Iterable[SkimReport]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of the kinematic shifts (``nominal`` first) and of the weight shifts of a skim.

    A weight shift counts if any file has it: it changes nothing in the files that lack it.

    Raises
    ------
    ValueError
        If simulated files differ in their kinematic shifts.
    """
    simulated = [report for report in reports if report.kind == "simulation"]
    kinematic = {report.kinematic_shifts: report.sample for report in simulated}
    if len(kinematic) > 1:
        (one, sample), (other, sample_of_other) = list(kinematic.items())[:2]
        raise ValueError(
            f"samples {sample} and {sample_of_other} were skimmed with different shifts of the jets "
            f"({sorted(set(one) ^ set(other))}); skim all files with one config"
        )
    weights = dict.fromkeys(shift for report in simulated for shift in report.weight_shifts)
    return next(iter(kinematic), (NOMINAL,)), tuple(weights)


def require_shift(shift: str, kinematic: Sequence[str], weights: Sequence[str]) -> None:
    """Raise a ValueError if the skim lacks a shift."""
    if shift not in (*kinematic, *weights):
        raise ValueError(f"shift {shift!r} is not in the skim; it has {', '.join((*kinematic, *weights))}")


def read_shift(path: Path, report: SkimReport, shift: str, columns: Sequence[str]) -> pa.Table:
    """Return columns of a skim's table for one shift of the skim.

    A kinematic shift has its own rows. A weight shift has the nominal rows, with its ``weight`` if the file has it.
    """
    kinematic, ratio = report.kinematic_shifts, f"weight_{shift}"
    number = kinematic.index(shift) if shift in kinematic else 0
    # a row group holds one shift, so that rows of other shifts are not read
    rows = [("shift", "=", number)] if len(kinematic) > 1 else None
    is_weighted = shift in report.weight_shifts
    table = parquet_files.read(path, columns=[*columns, *([ratio] if is_weighted else [])], filters=rows)
    if not is_weighted:
        return table
    weight = table["weight"].to_numpy() * table[ratio].to_numpy()
    return table.drop_columns(ratio).set_column(table.column_names.index("weight"), "weight", pa.array(weight))
