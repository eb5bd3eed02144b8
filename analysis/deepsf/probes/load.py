"""From the skims of all files to the tag-probe entries of every region, simulation scaled to the data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from deepsf.arrays import Floats
from deepsf.config.regions import Region
from deepsf.config.selection import CHANNELS
from deepsf.guards import is_positive, require_finite
from deepsf.probes.entries import FILE_SHIFT, ProbeEntries, RegionEntries, joined_entries
from deepsf.probes.tables import SkimTables
from deepsf.skim.cut_flow import SkimReport
from deepsf.skim.shifts import NOMINAL, read_shift, require_shift


def channel_scales(
    reports: Sequence[SkimReport], factors: Mapping[str, float], regions: Mapping[str, Region]
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
            yields = [(r.sample, r.kind, r.region_yields[region][channel]) for r in reports]
            data = sum(float(y["sum_weights"]) for _, kind, y in yields if kind == "data")
            simulation = sum(
                factors[name] * float(y["sum_weights"]) for name, kind, y in yields if kind == "simulation"
            )
            if not is_positive((data, simulation)).all():
                raise ValueError(
                    f"region {region}, channel {channel}: {data:g} data events, a simulated yield of {simulation:g}; "
                    "both must be positive and finite: check samples, triggers and cuts, or drop the channel from the "
                    "region"
                )
            scale[CHANNELS.index(channel)] = data / simulation
        scales[region] = scale
    return scales


def load_entries(tables: SkimTables, regions: Mapping[str, Region], shift: str = NOMINAL) -> dict[str, RegionEntries]:
    """Return data and simulation of every region, summed over files and eras.

    Parameters
    ----------
    tables
        Tables of entries.
    shift
        A shift of the skim: simulation with shifted jets, or with shifted weights; data are always nominal. The rate
        scales of the channels are the nominal ones.

    Raises
    ------
    ValueError
        If a region is empty in data or in simulation, a jet has a hadron flavour that no flavour lists, or the skim
        lacks the shift.
    """
    require_shift(shift, *tables.shifts)
    eras = [tables.samples[report.sample].era for report in tables.reports]
    factors = tables.factors()
    scales = {
        era: channel_scales([r for r, e in zip(tables.reports, eras, strict=True) if e == era], factors, regions)
        for era in dict.fromkeys(eras)
    }
    parts: dict[tuple[str, str], list[ProbeEntries]] = {(r, k): [] for r in regions for k in ("data", "simulation")}
    for number, (path, report, era) in enumerate(zip(tables.paths, tables.reports, eras, strict=True)):
        table = read_shift(path, report, shift, _entry_columns(regions, tables.jet_columns))
        event = (np.int64(number) << FILE_SHIFT) | table["entry"].to_numpy()
        weight = table["weight"].to_numpy() * factors.get(report.sample, 1.0)
        require_finite(f"{path}, weights of shift {shift}", weight, "skim the file again")
        probe, tag = (tables.jets(table, path, prefix) for prefix in ("probe_", "tag_"))
        entries = ProbeEntries(event, weight, table["channel"].to_numpy(), probe, tag)
        for region in regions:
            chosen = entries[np.flatnonzero(table[f"in_{region}"].to_numpy())]
            if report.kind == "simulation":
                chosen = replace(chosen, weight=chosen.weight * scales[era][region][chosen.channel])
            parts[region, report.kind].append(chosen)
    loaded = {
        r: RegionEntries(joined_entries(parts[r, "data"]), joined_entries(parts[r, "simulation"])) for r in regions
    }
    _require_entries(loaded, shift)
    return loaded


def _require_entries(loaded: Mapping[str, RegionEntries], shift: str) -> None:
    for region, entries in loaded.items():
        for kind, of_kind in (("data", entries.data), ("simulation", entries.simulation)):
            if not len(of_kind):
                of_shift = "" if shift == NOMINAL else f" (shift {shift})"
                raise ValueError(
                    f"region {region}: no tag-probe entries in {kind}{of_shift}; see the cut flow printed by "
                    "SkimNtuples, then loosen the region's cuts or add input"
                )


def _entry_columns(regions: Iterable[str], extra: Sequence[str]) -> list[str]:
    jet = ("pt_gev", "eta", "discriminant", "hadron_flavour", *extra)
    return [
        "entry",
        "channel",
        "weight",
        *(f"in_{region}" for region in regions),
        *(f"{role}_{name}" for role in ("tag", "probe") for name in jet),
    ]
