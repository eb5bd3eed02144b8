"""The table of all jets of a skim, event by event."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from deepsf.arrays import Ints
from deepsf.skim.cut_flow import SkimReport
from deepsf.skim.shifts import read_shift


class EventTable(NamedTuple):
    """Jets by event and rank; the row of the first jet of each event, and its number of jets, ``(n_events,)``."""

    jets: pa.Table
    first: Ints
    n_jets: Ints

    def every(self, step: int) -> EventTable:
        """Return the events whose number is a multiple of ``step``; all for 1."""
        if step == 1:
            return self
        chosen = self.jets["entry"].to_numpy()[self.first] % step == 0
        n_jets = self.n_jets[chosen]
        jets = self.jets.filter(pa.array(np.repeat(chosen, self.n_jets)))
        return EventTable(jets, np.cumsum(n_jets) - n_jets, n_jets)


def read_events(path: Path, report: SkimReport, shift: str, columns: Sequence[str]) -> EventTable:
    """Return the jets of one shift of the skim, see `read_shift`, with ``entry``, ``rank`` and ``n_jets`` besides.

    Raises
    ------
    ValueError
        If jets of an event are missing: the number of jets in the table is not that of its rows.
    """
    table = _sorted(read_shift(path, report, shift, ["entry", "rank", "n_jets", *columns]))
    entry = table["entry"].to_numpy()
    first = np.flatnonzero(np.diff(entry, prepend=-1))
    n_rows, n_jets = np.diff(first, append=len(entry)), table["n_jets"].to_numpy()[first]
    if np.any(n_rows != n_jets):
        at = int(np.flatnonzero(n_rows != n_jets)[0])
        raise ValueError(
            f"{path}: event {entry[first[at]]} has {n_rows[at]} rows of jets, but n_jets = {n_jets[at]}; the table is "
            "not whole: skim the file again"
        )
    return EventTable(table, first, n_rows)


def _sorted(table: pa.Table) -> pa.Table:
    """Return the rows by event and rank; as they are, if they are so already."""
    entry, rank = table["entry"].to_numpy(), table["rank"].to_numpy()
    step = np.diff(entry)
    if ((step > 0) | ((step == 0) & (np.diff(rank) > 0))).all():
        return table
    return table.sort_by([("entry", "ascending"), ("rank", "ascending")])
