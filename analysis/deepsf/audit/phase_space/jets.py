"""The skim's table of all jets, event by event: one file at a time, nominal or shifted."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from deepsf.arrays import Floats, Ints
from deepsf.probes.entries import Jets
from deepsf.probes.tables import SkimTables
from deepsf.skim.cut_flow import read_metadata
from deepsf.skim.shifts import NOMINAL


@dataclass(frozen=True)
class PhaseSpaceEvents:
    """Events with all their jets, by decreasing pT: arrays of shape ``(n_events,)``, jets of shape ``(n,)``."""

    channel: Ints
    weight: Floats
    n_jets: Ints
    ht_gev: Floats
    jets: Jets

    def __len__(self) -> int:
        return len(self.weight)

    @cached_property
    def first(self) -> Ints:
        """Where the jets of each event begin, shape ``(n_events,)``."""
        return np.cumsum(self.n_jets) - self.n_jets

    @cached_property
    def event(self) -> Ints:
        """Number of each jet's event, shape ``(n,)``."""
        return np.repeat(np.arange(len(self)), self.n_jets)

    @cached_property
    def rank(self) -> Ints:
        """Place of each jet in its event, 0 for the leading one; shape ``(n,)``."""
        return np.arange(len(self.jets)) - self.first[self.event]

    def product(self, jet_values: Floats) -> Floats:
        """Return the product over the jets of each event, shape ``(n_events,)``."""
        return np.asarray(np.multiply.reduceat(jet_values, self.first)) if len(self) else np.empty(0)


class JetFile:
    """One file of the skim; `events` gives its nominal events or those of a shift."""

    def __init__(self, path: Path, tables: SkimTables) -> None:
        self.path, self._tables = path, tables
        self.metadata: dict[str, Any] = read_metadata(path)
        self._columns = set(pq.read_schema(path).names)

    @property
    def is_data(self) -> bool:
        """Whether these are data."""
        return bool(self.metadata["kind"] == "data")

    def has_own_events(self, shift: str) -> bool:
        """Whether a shift has events, or weights of events, other than the nominal."""
        return shift != NOMINAL and (shift in self._kinematic or f"weight_{shift}" in self._columns)

    @property
    def _kinematic(self) -> list[str]:
        return list(self.metadata.get("kinematic_shifts", [NOMINAL]))

    def events(self, factor: float = 1.0, shift: str = NOMINAL) -> PhaseSpaceEvents:
        """Return the events; ``factor`` multiplies their weights. A shift that the file does not know changes nothing.

        Raises
        ------
        ValueError
            If jets of an event are missing: the number of jets in the table is not that of its rows.
        """
        wanted = ["entry", "rank", "channel", "weight", "pt_gev", "eta", "discriminant", "hadron_flavour", "n_jets"]
        of_shift = [name for name in ("shift", f"weight_{shift}") if name in self._columns]
        table = pq.read_table(self.path, columns=[*wanted, "ht_gev", *of_shift, *self._tables.jet_columns])
        if "shift" in of_shift:
            number = self._kinematic.index(shift) if shift in self._kinematic else self._kinematic.index(NOMINAL)
            table = table.filter(pc.equal(table["shift"], number))
        table = _sorted(table)
        entry = table["entry"].to_numpy()
        first = np.flatnonzero(np.concatenate([[True], entry[1:] != entry[:-1]]))[: len(entry)]
        count = np.diff(np.append(first, len(entry)))
        n_jets = table["n_jets"].to_numpy()[first].astype(np.int64)
        if not np.array_equal(count, n_jets):
            at = int(np.flatnonzero(count != n_jets)[0])
            raise ValueError(
                f"{self.path}: event {entry[first[at]]} has {count[at]} rows of jets, but n_jets = {n_jets[at]}; the "
                "table is not whole: skim the file again"
            )
        weight = table["weight"].to_numpy()[first] * factor
        if f"weight_{shift}" in of_shift:
            weight = weight * table[f"weight_{shift}"].to_numpy()[first]
        return PhaseSpaceEvents(
            channel=table["channel"].to_numpy()[first].astype(np.int64),
            weight=weight,
            n_jets=n_jets,
            ht_gev=table["ht_gev"].to_numpy()[first].astype(np.float64),
            jets=self._tables.jets(table, self.path),
        )


def _sorted(table: pa.Table) -> pa.Table:
    """Return the rows by event and rank; as they are, if they are so already."""
    entry, rank = table["entry"].to_numpy(), table["rank"].to_numpy()
    step = np.diff(entry)
    if ((step > 0) | ((step == 0) & (np.diff(rank) > 0))).all():
        return table
    return table.sort_by([("entry", "ascending"), ("rank", "ascending")])
