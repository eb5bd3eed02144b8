"""The same measurement written down in another order: regions and flavours the other way round."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import numpy as np

from deepsf.probes.entries import Jets, ProbeEntries, RegionEntries
from deepsf.probes.measurement import Measurement

Value = TypeVar("Value")


def turned(mapping: dict[str, Value]) -> dict[str, Value]:
    """Return a mapping with its keys in the opposite order."""
    return dict(reversed(mapping.items()))


def in_other_order(measurement: Measurement) -> Measurement:
    """Return a measurement with all of its mappings turned around; jets keep the flavours that they had."""
    last = len(measurement.flavours) - 1

    def of_jets(jets: Jets) -> Jets:
        return replace(jets, flavour=np.where(jets.flavour < 0, jets.flavour, last - jets.flavour).astype(np.int8))

    def of_entries(entries: ProbeEntries) -> ProbeEntries:
        return replace(entries, probe=of_jets(entries.probe), tag=of_jets(entries.tag))

    return replace(
        measurement,
        regions=turned(measurement.regions),
        entries={
            name: RegionEntries(of_entries(region.data), of_entries(region.simulation))
            for name, region in turned(measurement.entries).items()
        },
        flavours=turned(measurement.flavours),
        inclusive=replace(measurement.inclusive, jets=of_jets(measurement.inclusive.jets)),
    )
