"""The skim's table of all jets, event by event: one file at a time, nominal or shifted."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from deepsf.arrays import Floats, Ints
from deepsf.guards import require_finite
from deepsf.probes.entries import Jets
from deepsf.probes.tables import SkimTables
from deepsf.skim.cut_flow import read_report
from deepsf.skim.event_table import read_events
from deepsf.skim.shifts import NOMINAL

_COLUMNS = ("channel", "weight", "pt_gev", "eta", "discriminant", "hadron_flavour", "ht_gev")


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
        self.path, self._tables, self.report = path, tables, read_report(path)

    @property
    def is_data(self) -> bool:
        """Whether these are data."""
        return self.report.kind == "data"

    def has_own_events(self, shift: str) -> bool:
        """Whether a shift has events, or weights of events, other than the nominal."""
        return shift != NOMINAL and shift in (*self.report.kinematic_shifts, *self.report.weight_shifts)

    def events(self, factor: float = 1.0, shift: str = NOMINAL) -> PhaseSpaceEvents:
        """Return the events; ``factor`` multiplies their weights. A shift unknown to the file changes nothing."""
        rows = shift if shift in self.report.kinematic_shifts else NOMINAL
        ratio = [f"weight_{shift}"] if shift in self.report.weight_shifts else []
        columns = [*_COLUMNS, *ratio, *self._tables.jet_columns]
        table, first, n_jets = read_events(self.path, self.report, rows, columns)
        weight = table["weight"].to_numpy()[first] * factor
        for name in ratio:
            weight = weight * table[name].to_numpy()[first]
        require_finite(f"{self.path}, weights of shift {shift}", weight, "skim the file again")
        return PhaseSpaceEvents(
            channel=table["channel"].to_numpy()[first].astype(np.int64),
            weight=weight,
            n_jets=n_jets,
            ht_gev=table["ht_gev"].to_numpy()[first].astype(np.float64),
            jets=self._tables.jets(table, self.path),
        )
