"""Jets and tag-probe entries as columns, and how they are made from the tables of a skim."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from deepsf.arrays import Floats, Ints, Singles
from deepsf.config.flavours import Flavour, hadron_flavours
from deepsf.jets import flavour_index

Flavours = npt.NDArray[np.int8]

FILE_SHIFT = 40
"""Event numbers are ``file index << 40 | entry``: unique over all files of a campaign."""


@dataclass(frozen=True)
class Jets:
    """Jets as columns, each of shape ``(n,)``.

    ``flavour`` is the index into the configuration's flavours, -1 in data; ``extra`` holds the columns of
    ``selection.jet_columns`` by name. An invalid discriminant is -1.
    """

    pt_gev: Singles
    abseta: Singles
    discriminant: Singles
    flavour: Flavours
    extra: Mapping[str, Singles] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.pt_gev)

    def __getitem__(self, index: Any) -> Jets:
        extra = {name: values[index] for name, values in self.extra.items()}
        return Jets(self.pt_gev[index], self.abseta[index], self.discriminant[index], self.flavour[index], extra)

    def column(self, name: str) -> Singles:
        """Return an input variable: ``pt`` [GeV], ``abseta``, ``discriminant`` or an extra column.

        Raises
        ------
        KeyError
            If there is no such column.
        """
        standard = {"pt": self.pt_gev, "abseta": self.abseta, "discriminant": self.discriminant}
        if name not in standard and name not in self.extra:
            raise KeyError(f"jets have no column {name!r}; there are {[*standard, *self.extra]}")
        return standard[name] if name in standard else self.extra[name]


@dataclass(frozen=True)
class ProbeEntries:
    """Tag-probe entries of one region, each array of shape ``(n,)``; both permutations of an event share its number."""

    event: Ints
    weight: Floats
    channel: npt.NDArray[np.int8]
    probe: Jets
    tag: Jets

    def __len__(self) -> int:
        return len(self.event)

    def __getitem__(self, index: Any) -> ProbeEntries:
        return ProbeEntries(
            self.event[index], self.weight[index], self.channel[index], self.probe[index], self.tag[index]
        )


@dataclass(frozen=True)
class RegionEntries:
    """Data (weight 1) and simulation (generator, pile-up, luminosity and channel scale) of one region."""

    data: ProbeEntries
    simulation: ProbeEntries


def jets_of(table: pa.Table, prefix: str, flavours: Mapping[str, Flavour], extra: Sequence[str], path: Path) -> Jets:
    """Return the jets in a skim's columns of the given prefix; those of data have no flavour."""
    codes = table[f"{prefix}hadron_flavour"].to_numpy()
    flavour = np.full(len(codes), -1, np.int8)
    simulated = np.flatnonzero(codes != -1)
    flavour[simulated] = flavour_index(codes[simulated], hadron_flavours(flavours), str(path))
    return Jets(
        pt_gev=table[f"{prefix}pt_gev"].to_numpy(),
        abseta=np.abs(table[f"{prefix}eta"].to_numpy()),
        discriminant=table[f"{prefix}discriminant"].to_numpy(),
        flavour=flavour,
        extra={name: table[f"{prefix}{name}"].to_numpy() for name in extra},
    )


def evenly(index: Ints, n_max: int) -> Ints:
    """Return at most ``n_max`` of the numbers, taken evenly."""
    return index[np.linspace(0, len(index) - 1, n_max).astype(np.int64)] if len(index) > n_max else index


def joined_jets(parts: Sequence[Jets]) -> Jets:
    """Return the jets of all parts, one after the other."""
    return Jets(
        np.concatenate([p.pt_gev for p in parts]),
        np.concatenate([p.abseta for p in parts]),
        np.concatenate([p.discriminant for p in parts]),
        np.concatenate([p.flavour for p in parts]),
        {name: np.concatenate([p.extra[name] for p in parts]) for name in parts[0].extra},
    )


def joined_entries(parts: Sequence[ProbeEntries]) -> ProbeEntries:
    """Return the entries of all parts, one after the other."""
    return ProbeEntries(
        np.concatenate([p.event for p in parts]),
        np.concatenate([p.weight for p in parts]),
        np.concatenate([p.channel for p in parts]),
        joined_jets([p.probe for p in parts]),
        joined_jets([p.tag for p in parts]),
    )


LOGIT_MARGIN = 1e-4
"""Discriminants are clipped to [margin, 1 - margin] before the logit.

NanoAOD keeps ten bits of the mantissa: below 1 scores are multiples of 1/2048, the highest has the logit 7.6, and what
exceeds 1 - 1/4096 is stored as 1. The margin puts these at 9.2, beside the others. 1e-6 would put them at 13.8, beyond
a gap in which networks have nothing to learn from. With scores so rounded, members on `toy_small` are then 6 % further
from the truth of b, and 19 % at scores above 0.999. Taggers' lowest valid scores in NanoAOD files lie above 1e-3.
"""


def logit(discriminant: npt.ArrayLike) -> Floats:
    """Return log(d / (1 - d)) of scores d, clipped to `LOGIT_MARGIN` from 0 and 1, same shape."""
    clipped = np.clip(np.asarray(discriminant, np.float64), LOGIT_MARGIN, 1.0 - LOGIT_MARGIN)
    return np.log(clipped) - np.log1p(-clipped)
