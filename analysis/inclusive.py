"""Inclusive jets: all selected jets of simulated dilepton events, on which scale factors are normalised."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from analysis.config.events import Flavour, Normalisation, Sample
from analysis.skim_report import read_metadata
from analysis.tables import FILE_SHIFT, Floats, Integers, Jets, jets_of, joined_jets, luminosity_weights
from analysis.weights import KinematicBins

Half = Literal[0, 1]
NORMALISED_ON: Half = 0
"""Scale factors are normalised on events of even number; yields are checked on the others."""


@dataclass(frozen=True)
class InclusiveJets:
    """Jets with the number and the weight of their event, arrays of shape ``(n,)``; no region, no tag."""

    event: Integers
    weight: Floats
    jets: Jets

    def __getitem__(self, index: Any) -> InclusiveJets:
        return InclusiveJets(self.event[index], self.weight[index], self.jets[index])

    def of(self, flavour: int, half: Half = NORMALISED_ON) -> InclusiveJets:
        """Return the jets of one flavour (index in the configuration) in one half of the events."""
        return self[np.flatnonzero((self.jets.flavour == flavour) & (self.event % 2 == half))]

    def write(self, path: Path) -> None:
        """Write the jets to a parquet file."""
        columns = {"event": self.event, "weight": self.weight, **vars(self.jets)}
        extra = columns.pop("extra")
        pq.write_table(
            pa.table({**columns, **{f"extra_{name}": v for name, v in extra.items()}}), path, compression="zstd"
        )

    @classmethod
    def read(cls, path: Path) -> InclusiveJets:
        """Return the jets that `write` wrote."""
        table = pq.read_table(path)
        column = {name: table[name].to_numpy() for name in table.column_names}
        event, weight = column.pop("event"), column.pop("weight")
        extra = {name.removeprefix("extra_"): column.pop(name) for name in list(column) if name.startswith("extra_")}
        return cls(event, weight, Jets(**column, extra=extra))


def sample_inclusive_jets(
    paths: Iterable[Path],
    *,
    samples: Mapping[str, Sample],
    flavours: Mapping[str, Flavour],
    luminosity_ifb: float,
    max_jets: int,
    jet_columns: Iterable[str] = (),
) -> InclusiveJets:
    """Return at most ``max_jets`` jets of each flavour and half, taken evenly from all simulated files.

    Parameters
    ----------
    paths
        Tables of all jets of the skim; those of data are left out.

    Raises
    ------
    ValueError
        If a flavour has no jets, a jet's hadron flavour is unknown, or a sample cannot be normalised.
    """
    everything = _load(sorted(paths), samples, flavours, luminosity_ifb, tuple(jet_columns))
    chosen = []
    for number, flavour in enumerate(flavours):
        of_flavour = everything.jets.flavour == number
        if not of_flavour.any():
            raise ValueError(
                f"no simulated jet of flavour {flavour} among the inclusive jets; check its hadron_flavours"
            )
        for half in (0, 1):
            index = np.flatnonzero(of_flavour & (everything.event % 2 == half))
            if len(index) > max_jets:
                index = index[np.linspace(0, len(index) - 1, max_jets).astype(np.int64)]
            chosen.append(index)
    return everything[np.sort(np.concatenate(chosen))]


def normalisation_bins(
    inclusive: InclusiveJets, flavours: Iterable[str], measured: Iterable[str], settings: Normalisation
) -> dict[str, KinematicBins]:
    """Return by measured flavour the (pT, |eta|) bins in which its scale factors have mean one."""
    names = list(flavours)
    return {
        name: KinematicBins.of_quantiles(inclusive.of(names.index(name)).jets, settings.n_pt, settings.n_abseta)
        for name in measured
    }


def _load(
    paths: list[Path],
    samples: Mapping[str, Sample],
    flavours: Mapping[str, Flavour],
    luminosity_ifb: float,
    extra: tuple[str, ...],
) -> InclusiveJets:
    metadata = [read_metadata(path) for path in paths]
    factors = luminosity_weights(metadata, samples, luminosity_ifb)
    columns = ["entry", "weight", "pt_gev", "eta", "discriminant", "hadron_flavour", *extra]
    parts = []
    for number, (path, meta) in enumerate(zip(paths, metadata, strict=True)):
        if meta["kind"] != "simulation":
            continue
        table = pq.read_table(path, columns=columns)
        event = (np.int64(number) << FILE_SHIFT) | table["entry"].to_numpy()
        weight = table["weight"].to_numpy() * factors[meta["sample"]]
        parts.append(InclusiveJets(event, weight, jets_of(table, "", flavours, extra, path)))
    return InclusiveJets(
        np.concatenate([part.event for part in parts]),
        np.concatenate([part.weight for part in parts]),
        joined_jets([part.jets for part in parts]),
    )
