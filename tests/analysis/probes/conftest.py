"""A skim of three files, nominal and with shifts."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.analysis.probes.skims import add_shifts, write_entries


@pytest.fixture
def skims(tmp_path):
    write_entries(tmp_path / "a.parquet", "ttbar", (4, 2, 0), 30, weight=[1, -1], channel=[0, 1], flavour=[5, 0])
    write_entries(tmp_path / "b.parquet", "ttbar", (4, 0, 0), 10, weight=[2], channel=[0], flavour=[1])
    write_entries(tmp_path / "c.parquet", "data", (8, 3, 0), 50, kind="data", weight=[1], channel=[0], flavour=[-1])
    return tmp_path


@pytest.fixture
def shifted_skims(skims):
    """Return the skims, of which the first has an entry of a shift of its own, the second one of each."""
    jer = ("nominal", "jer_up")
    add_shifts(skims / "a.parquet", jer, ("pileup_up",), shift=np.int8([0, 1]), weight_pileup_up=np.float32([1.5, 1]))
    table = pa.concat_tables([pq.read_table(skims / "b.parquet")] * 2)
    pq.write_table(table, skims / "b.parquet")
    add_shifts(skims / "b.parquet", jer, shift=np.int8([0, 1]))
    return skims
