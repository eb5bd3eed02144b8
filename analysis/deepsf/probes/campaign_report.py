"""What the skims of a campaign say together: checks, cut flow, yields of data and simulation, luminosity blocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

from deepsf.config.regions import Region
from deepsf.config.samples import Sample
from deepsf.nanoaod.luminosity_blocks import LuminosityBlocks, Ranges, joined
from deepsf.probes.tables import luminosity_weights
from deepsf.skim.campaign_checks import require_consistent
from deepsf.skim.cut_flow import SkimReport, by_sample, format_cut_flow, merge_cut_flows, read_report
from deepsf.skim.event_identity import require_distinct_events
from deepsf.skim.limits import Limits, require_selected, require_usable_weights, require_valid_scores

_SHOWN = 5
RATIO_MIN, RATIO_MAX = 0.5, 2.0
"""Data over simulation outside of these is pointed at: rates drop out of scale factors, wrong samples do not."""


class Yields(NamedTuple):
    """Events of data and simulation in a channel of a region, before the cut on the tag jet, at the luminosity."""

    era: str | None
    region: str
    channel: str
    data: float
    simulation: float

    @property
    def is_off(self) -> bool:
        """Whether data over simulation is outside of 0.5 to 2."""
        return not RATIO_MIN * self.simulation <= self.data <= RATIO_MAX * self.simulation


def require_usable_campaign(
    tables: Sequence[tuple[Path, Path]],
    samples: Mapping[str, Sample],
    regions: Mapping[str, Region],
    limits: Limits,
    sources: Iterable[str] | None,
) -> dict[str, SkimReport]:
    """Check all skims together, and return a report for each sample.

    Parameters
    ----------
    tables
        Of each file its tables of entries and of jets.
    sources
        Sources of weight shifts that were asked for; None: all.

    Raises
    ------
    SkimError
        If files do not fit together or are there twice, data events count twice, nothing is selected, too many scores
        are invalid, or a weight outweighs all others.
    """
    reports = [read_report(entries) for entries, _ in tables]
    require_consistent(reports, samples, sources)
    require_distinct_events(tables, reports)
    require_selected(reports, regions)
    merged = merge_cut_flows(reports)
    for name, report in merged.items():
        require_valid_scores(f"sample {name}", report.jets, limits.branch, limits.max_invalid_fraction)
        require_usable_weights(report, limits.max_weight_share)
    return merged


def files_without_events(reports: Iterable[SkimReport]) -> Iterator[str]:
    """Yield samples with files that hold no events, and how many; skipped files are told of elsewhere.

    Parameters
    ----------
    reports
        One for each file.
    """
    for sample, files in by_sample(reports).items():
        empty = [report.file for report in files if not report.n_events and not report.skipped]
        if empty:
            names = ", ".join(empty[:_SHOWN]) + (", ..." if len(empty) > _SHOWN else "")
            yield f"sample {sample}: {len(empty)} of {len(files)} files hold no events: {names}"


def yields_of(
    reports: Mapping[str, SkimReport],
    samples: Mapping[str, Sample],
    luminosity_ifb: float,
    regions: Mapping[str, Region],
) -> list[Yields]:
    """Return the events of data and simulation by era, region and channel, simulation scaled to the luminosity."""
    factors = luminosity_weights(list(reports.values()), samples, luminosity_ifb)
    found = []
    for era in dict.fromkeys(samples[name].era for name in reports):
        of_era = {name: report for name, report in reports.items() if samples[name].era == era}
        for region, definition in regions.items():
            for channel in definition.channels:
                sums = {"data": 0.0, "simulation": 0.0}
                for name, report in of_era.items():
                    weight = report.region_yields[region][channel]["sum_weights"]
                    sums[report.kind] += factors.get(name, 1.0) * weight
                found.append(Yields(era, region, channel, sums["data"], sums["simulation"]))
    return found


def format_yields(yields: Iterable[Yields]) -> str:
    """Return data and simulation at the luminosity as a table of fixed width; what is off is marked."""
    lines = [f"{'yields before the tag':<24}{'channel':>12}{'data':>12}{'simulation':>12}{'data/sim.':>12}"]
    for row in yields:
        name = row.region if row.era is None else f"{row.region} {row.era}"
        ratio = f"{row.data / row.simulation:.3f}" if row.simulation > 0.0 else "-"
        lines.append(f"{name:<24}{row.channel:>12}{row.data:>12.6g}{row.simulation:>12.6g}{ratio:>12}{_mark(row)}")
    return "\n".join(lines)


def _mark(row: Yields) -> str:
    if not (row.data > 0.0 and row.simulation > 0.0):
        return "  nothing to compare: scale factors cannot be measured in this channel"
    if row.is_off:
        return f"  outside of {RATIO_MIN:g} to {RATIO_MAX:g}: check luminosity and cross sections"
    return ""


def format_luminosity(report: SkimReport, certified: LuminosityBlocks | None) -> str:
    """Return how many luminosity blocks of a data sample were processed, of how many certified ones."""
    n = len(LuminosityBlocks.of_ranges(report.luminosity_blocks))
    if certified is None:
        return f"luminosity blocks of {report.sample}: {n} processed, all taken as certified"
    return f"luminosity blocks of {report.sample}: {n} of {len(certified)} certified ones processed"


def lost_in_order(
    reports: Mapping[str, SkimReport], samples: Mapping[str, Sample], order: Sequence[str]
) -> Iterator[str]:
    """Yield pairs of data samples of which the later one has luminosity blocks that the earlier one lacks.

    Events there count nowhere, if they fired a trigger of the earlier one.

    Parameters
    ----------
    order
        Data samples in which an event counts in the first one that takes it.
    """
    for before, name in combinations(order, 2):
        earlier = LuminosityBlocks.of_ranges(reports[before].luminosity_blocks)
        own = LuminosityBlocks.of_ranges(reports[name].luminosity_blocks).within(samples[before].runs)
        n_lost = len(joined([earlier.ranges, own.ranges])) - len(earlier)
        if n_lost:
            yield (
                f"{n_lost} of {len(own)} luminosity blocks of {name} are not in {before}, which comes before it in "
                f"campaign.data_order: events there that fired a trigger of {before} count nowhere; add its missing "
                "files, or give it its runs"
            )


def format_campaign(
    reports: Mapping[str, SkimReport],
    certified: Mapping[str, LuminosityBlocks | None],
    yields: Iterable[Yields],
    lost: Iterable[str] = (),
) -> str:
    """Return cut flows, luminosity blocks and yields as text.

    Parameters
    ----------
    certified
        By data sample, all certified blocks of its runs; None where they are not known.
    lost
        What `lost_in_order` tells.
    """
    blocks = [format_luminosity(reports[name], of_sample) for name, of_sample in certified.items()]
    parts = [*map(format_cut_flow, reports.values()), "\n".join([*blocks, *lost]), format_yields(yields)]
    return "\n\n".join(parts) + "\n"


def processed_blocks(reports: Mapping[str, SkimReport]) -> dict[str, Ranges]:
    """Return the processed luminosity blocks of each data sample, in the form of CMS's JSON files."""
    return {name: report.luminosity_blocks for name, report in reports.items() if report.kind == "data"}
