"""Inclusive jets: all selected jets of simulated dilepton events, on which scale factors are normalised."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numba import njit

from deepsf import parquet_files
from deepsf.arrays import Bools, Floats, Ints, Singles
from deepsf.guards import require_finite
from deepsf.probes.entries import FILE_SHIFT, Jets, evenly, joined_jets
from deepsf.probes.tables import SkimTables
from deepsf.skim.shifts import NOMINAL, read_shift, require_shift

Half = Literal[0, 1]
_SHIFTS_KEY = b"shifts"
NORMALISED_ON: Half = 0
"""Scale factors are normalised on events of even number; yields are checked on the others."""


@dataclass(frozen=True)
class InclusiveJets:
    """Jets with the number and the weight of their event, arrays of shape ``(n,)``; no region, no tag.

    ``ratios`` holds the weights of weight shifts over the nominal ones, each of shape ``(n,)``, ``others`` the jets of
    kinematic shifts.
    """

    event: Ints
    weight: Floats
    jets: Jets
    ratios: Mapping[str, Singles] = field(default_factory=dict)
    others: Mapping[str, InclusiveJets] = field(default_factory=dict)

    def __getitem__(self, index: Any) -> InclusiveJets:
        """Return some of the nominal jets."""
        ratios = {name: ratio[index] for name, ratio in self.ratios.items()}
        return InclusiveJets(self.event[index], self.weight[index], self.jets[index], ratios)

    def of(self, flavour: int, half: Half = NORMALISED_ON) -> InclusiveJets:
        """Return the nominal jets of one flavour (index in the configuration) in one half of the events."""
        return self[np.flatnonzero((self.jets.flavour == flavour) & (self.event % 2 == half))]

    def shifted(self, name: str) -> InclusiveJets:
        """Return the jets of a shift: of the shifted kinematics, or the nominal ones with shifted weights.

        Raises
        ------
        ValueError
            If there is no such shift, or it was not read.
        """
        if name in self.others:
            return self.others[name]
        if name in self.ratios:
            return InclusiveJets(self.event, self.weight * self.ratios[name], self.jets)
        require_shift(name, (NOMINAL, *self.others), tuple(self.ratios))
        return InclusiveJets(self.event, self.weight, self.jets)

    def write(self, path: Path) -> None:
        """Write the jets to a parquet file, a row group or more for each shift of the kinematics."""
        tables = [
            inclusive._table(number, self.ratios) for number, inclusive in enumerate((self, *self.others.values()))
        ]
        names = json.dumps([NOMINAL, *self.others], allow_nan=False)
        schema = tables[0].schema.with_metadata({_SHIFTS_KEY: names.encode()})
        with parquet_files.Writer(path, schema) as writer:
            for table in tables:
                writer.write_table(table.cast(schema))

    def _table(self, number: int, ratios: Iterable[str]) -> pa.Table:
        columns: dict[str, Any] = {
            "event": self.event,
            "shift": np.full(len(self.event), number, np.int8),
            "weight": self.weight,
        }
        ones = np.ones(len(self.event), np.float32)
        columns |= {f"weight_{name}": self.ratios.get(name, ones) for name in ratios} | vars(self.jets)
        extra = columns.pop("extra")
        return pa.table({**columns, **{f"extra_{name}": values for name, values in extra.items()}})

    @classmethod
    def read(cls, path: Path, *, shifts: bool = False) -> InclusiveJets:
        """Return the jets that `write` wrote; with ``shifts`` those of all shifts, by default the nominal ones."""
        names = json.loads(parquet_files.read_schema(path).metadata[_SHIFTS_KEY])
        nominal, *others = (cls._read(path, number) for number in range(len(names) if shifts else 1))
        if not shifts:
            return cls(nominal.event, nominal.weight, nominal.jets)
        return replace(nominal, others=dict(zip(names[1:], others, strict=True)))

    @classmethod
    def _read(cls, path: Path, number: int) -> InclusiveJets:
        # ratios to the nominal weights are those of nominal rows
        stored = parquet_files.read_schema(path).names
        names = [name for name in stored if number == 0 or not name.startswith("weight_")]
        table = parquet_files.read(path, columns=names, filters=[("shift", "=", number)]).drop_columns("shift")
        column = {name: table[name].to_numpy() for name in table.column_names}
        event, weight = column.pop("event"), column.pop("weight")
        ratios, extra = (
            {name.removeprefix(prefix): column.pop(name) for name in list(column) if name.startswith(prefix)}
            for prefix in ("weight_", "extra_")
        )
        return cls(event, weight, Jets(**column, extra=extra), ratios)


def sample_inclusive_jets(tables: SkimTables, max_jets: int) -> InclusiveJets:
    """Return at most ``max_jets`` jets of each flavour and half, taken evenly from all simulated files.

    Shifts of the kinematics have the same jets as far as these are still selected, and as large a part of those that
    only the shift selects: the difference of two samples is the shift's.

    Parameters
    ----------
    tables
        Tables of all jets; those of data are left out.

    Raises
    ------
    ValueError
        If a flavour has no jets, a jet's hadron flavour is unknown, or a sample cannot be normalised.
    """
    everything = _simulated_jets(tables, NOMINAL)
    is_sampled = np.zeros(len(everything.event), np.bool_)
    parts: dict[tuple[int, int], float] = {}
    for number, flavour in enumerate(tables.flavours):
        of_flavour = everything.jets.flavour == number
        if not of_flavour.any():
            raise ValueError(
                f"no simulated jet of flavour {flavour} among the inclusive jets; check its hadron_flavours"
            )
        for half in (0, 1):
            index = np.flatnonzero(of_flavour & (everything.event % 2 == half))
            chosen = evenly(index, max_jets)
            is_sampled[chosen] = True
            parts[number, half] = len(chosen) / max(len(index), 1)
    kinematic, _ = tables.shifts
    others = {name: _alike(_simulated_jets(tables, name), everything, is_sampled, parts) for name in kinematic[1:]}
    return replace(everything[np.flatnonzero(is_sampled)], others=others)


def _alike(
    shifted: InclusiveJets, everything: InclusiveJets, is_sampled: Bools, parts: Mapping[tuple[int, int], float]
) -> InclusiveJets:
    """Return the shifted jets that are sampled, and as large a part of those that are not among the nominal ones."""
    partner = _partners(shifted.event, shifted.jets.abseta, everything.event, everything.jets.abseta)
    chosen = [np.flatnonzero((partner >= 0) & is_sampled[partner])]
    for (flavour, half), part in parts.items():
        new = np.flatnonzero((partner < 0) & (shifted.jets.flavour == flavour) & (shifted.event % 2 == half))
        chosen.append(evenly(new, round(part * len(new))))
    return shifted[np.sort(np.concatenate(chosen))]


@njit(cache=True)
def _partners(event: Ints, abseta: Singles, other_event: Ints, other_abseta: Singles) -> Ints:
    """Return where each jet is in another list, -1 if it is not there; both by rising event, jets known by |eta|."""
    partner = np.full(len(event), -1, np.int64)
    first = 0
    for i in range(len(event)):
        while first < len(other_event) and other_event[first] < event[i]:
            first += 1
        k = first
        while k < len(other_event) and other_event[k] == event[i]:
            if other_abseta[k] == abseta[i]:
                partner[i] = k
                break
            k += 1
    return partner


def _simulated_jets(tables: SkimTables, shift: str) -> InclusiveJets:
    """Return all simulated jets of a kinematic shift; the nominal ones with the ratios of the weight shifts."""
    factors, weight_shifts = tables.factors(), tables.shifts[1] if shift == NOMINAL else ()
    columns = ["entry", "weight", "pt_gev", "eta", "discriminant", "hadron_flavour", *tables.jet_columns]
    parts = []
    for number, (path, report) in enumerate(zip(tables.paths, tables.reports, strict=True)):
        if report.kind != "simulation":
            continue
        stored = [name for name in weight_shifts if name in report.weight_shifts]
        table = read_shift(path, report, shift, [*columns, *(f"weight_{name}" for name in stored)])
        event = (np.int64(number) << FILE_SHIFT) | table["entry"].to_numpy()
        weight = table["weight"].to_numpy() * factors[report.sample]
        ones = np.ones(len(event), np.float32)
        ratios = {name: table[f"weight_{name}"].to_numpy() if name in stored else ones for name in weight_shifts}
        for name, values in {"weight": weight, **ratios}.items():
            require_finite(f"{path}, {name} of shift {shift}", values, "skim the file again")
        parts.append(InclusiveJets(event, weight, tables.jets(table, path), ratios))
    return InclusiveJets(
        np.concatenate([part.event for part in parts]),
        np.concatenate([part.weight for part in parts]),
        joined_jets([part.jets for part in parts]),
        {name: np.concatenate([part.ratios[name] for part in parts]) for name in weight_shifts},
    )
