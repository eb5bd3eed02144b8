"""From the skims of all input files to tag-probe entries by region, simulation at the data's luminosity."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from deepsf.config.flavours import Flavour
from deepsf.config.regions import Region
from deepsf.config.samples import Sample
from deepsf.config.selection import CHANNELS
from deepsf.probes.entries import FILE_SHIFT, Floats, ProbeEntries, RegionEntries, jets_of, joined_jets
from deepsf.skim.cut_flow import read_metadata
from deepsf.skim.shifts import NOMINAL, read_shift, require_shift, shifts_of


def luminosity_weights(
    metadata: Sequence[Mapping[str, Any]], samples: Mapping[str, Sample], luminosity_ifb: float
) -> dict[str, float]:
    """Return by simulated sample the factor cross section x luminosity / sum of generator weights over its files.

    A sample of an era is scaled to the luminosity of the era.

    Raises
    ------
    ValueError
        If the generator weights of a sample do not sum to a positive number.
    """
    factors = {}
    for name, sample in samples.items():
        if sample.kind != "simulation" or sample.cross_section_pb is None:
            continue
        total = sum(float(m["sum_weights"]) for m in metadata if m["sample"] == name)
        if total <= 0:
            raise ValueError(
                f"sample {name}: generator weights sum to {total:g}; a positive sum is needed to normalise it"
            )
        factors[name] = sample.cross_section_pb * 1e3 * (sample.luminosity_ifb or luminosity_ifb) / total
    return factors


def channel_scales(
    metadata: Sequence[Mapping[str, Any]], factors: Mapping[str, float], regions: Mapping[str, Region]
) -> dict[str, Floats]:
    """Return by region the rate scale N_data / N_simulation of each channel, shape ``(3,)``.

    Counted in the region's cuts without the tag cut, with at least two jets and no scale factors (arXiv:1712.07158):
    trigger and lepton efficiencies, luminosity and cross sections drop out of the scale factors. Files are of one era.

    Raises
    ------
    ValueError
        If a channel of a region has no data or no simulation.
    """
    scales = {}
    for region, definition in regions.items():
        scale = np.ones(len(CHANNELS))
        for channel in definition.channels:
            yields = [(m["sample"], m["kind"], m["region_yields"][region][channel]) for m in metadata]
            data = sum(float(y["sum_weights"]) for _, kind, y in yields if kind == "data")
            simulation = sum(
                factors[name] * float(y["sum_weights"]) for name, kind, y in yields if kind == "simulation"
            )
            if data <= 0 or simulation <= 0:
                raise ValueError(
                    f"region {region}, channel {channel}: {data:g} data events, a simulated yield of {simulation:g}; "
                    "both must be positive: check samples, triggers and cuts, or drop the channel from the region"
                )
            scale[CHANNELS.index(channel)] = data / simulation
        scales[region] = scale
    return scales


def load_regions(
    paths: Iterable[Path],
    *,
    samples: Mapping[str, Sample],
    regions: Mapping[str, Region],
    flavours: Mapping[str, Flavour],
    luminosity_ifb: float,
    jet_columns: Iterable[str] = (),
    shift: str = NOMINAL,
) -> dict[str, RegionEntries]:
    """Read the entries tables of all files and return data and simulation by region, summed over eras.

    Parameters
    ----------
    paths
        Entries tables of the skim; their order does not matter.
    shift
        One of `available_shifts`: simulation with shifted jets, or with shifted weights; data are always nominal. The
        rate scales of the channels are the nominal ones.

    Raises
    ------
    ValueError
        If a region is empty in data or in simulation, a jet has a hadron flavour that no flavour lists, or the skim
        lacks the shift.
    """
    ordered = sorted(paths)
    metadata = [read_metadata(path) for path in ordered]
    require_shift(shift, *shifts_of(metadata))
    factors = luminosity_weights(metadata, samples, luminosity_ifb)
    scales = {
        era: channel_scales([m for m in metadata if samples[m["sample"]].era == era], factors, regions)
        for era in dict.fromkeys(samples[m["sample"]].era for m in metadata)
    }
    extra = tuple(jet_columns)
    parts: dict[tuple[str, str], list[ProbeEntries]] = {(r, k): [] for r in regions for k in ("data", "simulation")}
    for number, (path, meta) in enumerate(zip(ordered, metadata, strict=True)):
        table = read_shift(path, meta, shift, _entry_columns(regions, extra))
        factor = factors.get(meta["sample"], 1.0)
        everything = _entries(table, number, factor, flavours, extra, path)
        for region in regions:
            chosen = everything[np.flatnonzero(table[f"in_{region}"].to_numpy())]
            if meta["kind"] == "simulation":
                scaled = chosen.weight * scales[samples[meta["sample"]].era][region][chosen.channel]
                chosen = ProbeEntries(chosen.event, scaled, chosen.channel, chosen.probe, chosen.tag)
            parts[region, meta["kind"]].append(chosen)
    loaded = {r: RegionEntries(_joined(parts[r, "data"]), _joined(parts[r, "simulation"])) for r in regions}
    for region, entries in loaded.items():
        for kind, table_of_kind in (("data", entries.data), ("simulation", entries.simulation)):
            if not len(table_of_kind):
                raise ValueError(
                    f"region {region}: no tag-probe entries in {kind}{_of(shift)}; see the cut flow printed by "
                    "SkimNtuples, then loosen the region's cuts or add input"
                )
    return loaded


def _of(shift: str) -> str:
    return "" if shift == NOMINAL else f" (shift {shift})"


def _entry_columns(regions: Iterable[str], extra: Sequence[str]) -> list[str]:
    jet = ("pt_gev", "eta", "discriminant", "hadron_flavour", *extra)
    return [
        "entry",
        "channel",
        "weight",
        *(f"in_{region}" for region in regions),
        *(f"{role}_{name}" for role in ("tag", "probe") for name in jet),
    ]


def _entries(
    table: pa.Table, number: int, factor: float, flavours: Mapping[str, Flavour], extra: Sequence[str], path: Path
) -> ProbeEntries:
    return ProbeEntries(
        event=(np.int64(number) << FILE_SHIFT) | table["entry"].to_numpy(),
        weight=table["weight"].to_numpy() * factor,
        channel=table["channel"].to_numpy(),
        probe=jets_of(table, "probe_", flavours, extra, path),
        tag=jets_of(table, "tag_", flavours, extra, path),
    )


def _joined(parts: Sequence[ProbeEntries]) -> ProbeEntries:
    return ProbeEntries(
        np.concatenate([p.event for p in parts]),
        np.concatenate([p.weight for p in parts]),
        np.concatenate([p.channel for p in parts]),
        joined_jets([p.probe for p in parts]),
        joined_jets([p.tag for p in parts]),
    )
