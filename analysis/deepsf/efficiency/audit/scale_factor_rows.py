"""Rows on truth tagging with scale factors: its yields against those of direct tagging with them, by both routes.

They are read from the tables that analyses get.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pyarrow as pa

from deepsf import parquet_files
from deepsf.arrays import Floats
from deepsf.efficiency.audit.rows import Rows, row, rows_by
from deepsf.efficiency.truth_tagging.variance import truth_tagged_yields


def scale_factor_rows(path: Path) -> Rows:
    """Return the rows of a file of truth-tagged events.

    Raises
    ------
    ValueError
        If it was made without scale factors.
    """
    table = parquet_files.read(path)
    known = json.loads((table.schema.metadata or {}).get(b"deepsf", b"{}"))
    if "scale_factors" not in known:
        raise ValueError(f"{path}: truth-tagged events without scale factors; run ApplyTruthTagging again")
    found = known["scale_factors"]
    of_flavours = [math.nan if mean is None else 100.0 * (mean - 1.0) for mean in found["mean"].values()]
    rows = rows_by("flavour", found["mean"], "truth_tagging.mean_scale_factor.{flavour}", of_flavours)
    rows |= row("truth_tagging.negative_weights", found["n_negative"])
    rows |= row("truth_tagging.merged_cells", found["n_merged"])
    selections = [name.removeprefix("probability_") for name in table.column_names if name.startswith("probability_")]
    for selection in selections:
        rows |= _of_selection(table, selection)
    return rows


def _of_selection(table: pa.Table, name: str) -> Rows:
    weight = _numbers(table, "weight")
    passes, scale_factor = _numbers(table, f"direct_{name}"), _numbers(table, "direct_scale_factor")
    probability, drawn = _numbers(table, f"probability_{name}"), _numbers(table, f"scale_factor_{name}")
    replicas, in_data = _replicas(table, f"replicas_{name}"), _replicas(table, f"data_replicas_{name}")
    rows: Rows = {}
    for route, direct, tagged, of_members in (
        ("without", passes, probability, replicas),
        ("drawn", passes * scale_factor, probability * drawn, [member * drawn for member in replicas]),
        ("corrected", passes * scale_factor, _numbers(table, f"data_probability_{name}"), in_data),
    ):
        pattern, total = "truth_tagging.yields.{tags}.{route}", float(np.sum(weight * direct))
        difference = weight * (tagged - direct)
        one_bin = np.zeros(len(weight), np.int64)
        v_eff = float(truth_tagged_yields(weight, tagged, one_bin, 1, of_members).v_eff[0])
        # the same events are tagged twice, and events are independent: their differences are, too
        error = np.sqrt(np.sum(difference**2) + v_eff)
        relative = 100.0 * float(difference.sum()) / total if total > 0.0 else None
        rows |= row(pattern, relative, tags=name, route=route)
        rows |= row(pattern + ".pull", difference.sum() / error if error > 0.0 else None, tags=name, route=route)
    return rows


def _numbers(table: pa.Table, name: str) -> Floats:
    return np.asarray(table[name].to_numpy(), np.float64)


def _replicas(table: pa.Table, name: str) -> list[Floats]:
    """Return a column of each member, none if there are no replicas."""
    if name not in table.column_names:
        return []
    column = table[name].combine_chunks()
    values = column.flatten().to_numpy().reshape(len(table), -1)
    return list(values.astype(np.float64).T)
