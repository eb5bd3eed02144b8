"""The ensemble's scale factors where they are needed: at every entry, in the binned scale factor's bins, on a grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hist
import numpy as np
import pyarrow as pa

from deepsf import parquet_files
from deepsf.arrays import Floats
from deepsf.config.regions import Region
from deepsf.json_text import json_text
from deepsf.networks.scale_factor import EnsembleScaleFactor, Estimate, summarise
from deepsf.probes.bins import FlavourBins, mean_by_bin
from deepsf.probes.entries import Jets, ProbeEntries, RegionEntries, joined_jets
from deepsf.probes.histograms import from_json, to_json
from deepsf.training.members import Members

VALUE_EDGES = np.linspace(0.4, 1.8, 141)
"""Edges of the histogram of scale-factor values over probe jets."""

_GRID = {"pt": np.geomspace(20.0, 400.0, 25), "abseta": np.linspace(0.05, 2.45, 13)}
_N_GRID_DISCRIMINANT = 49


@dataclass(frozen=True)
class EntryScaleFactors:
    """Scale factors at a region's simulated entries, shape ``(n,)``: the probe jet's, and the mean at the tag jet."""

    probe: Estimate
    tag: Floats

    def write(self, path: Path) -> None:
        """Write the columns probe_mean, probe_sem, probe_spread, tag_mean, in the order of the entries."""
        columns = {**{f"probe_{key}": value for key, value in self.probe._asdict().items()}, "tag_mean": self.tag}
        parquet_files.write(path, pa.table({k: v.astype(np.float32) for k, v in columns.items()}))

    @classmethod
    def read(cls, path: Path) -> EntryScaleFactors:
        """Return what `write` wrote."""
        table = parquet_files.read(path)
        column = {name: table[name].to_numpy().astype(np.float64) for name in table.column_names}
        return cls(Estimate(*(column[f"probe_{key}"] for key in Estimate._fields)), column["tag_mean"])


@dataclass(frozen=True)
class FlavourSummary:
    """One flavour over the probe jets of its region, in the bins of the binned scale factor.

    ``member_means`` has the axes member, pt, abseta, discriminant: each member's mean over the jets of a bin (NaN
    where there are none). ``values`` counts jets in pt, abseta, discriminant and value of the ensemble mean.
    """

    member_means: hist.Hist[Any]
    values: hist.Hist[Any]

    def estimate(self) -> Estimate:
        """Return mean, SEM and spread by bin: each member's mean over the bin's jets first, then over members."""
        return summarise(np.asarray(self.member_means.values()))


@dataclass(frozen=True)
class Aggregate:
    """What is kept of an ensemble beside its networks: values at every entry by region, and two JSON texts."""

    entries: dict[str, EntryScaleFactors]
    bins_json: str
    grid_json: str


def aggregate(
    ensemble: EnsembleScaleFactor,
    regions: Mapping[str, Region],
    entries: Mapping[str, RegionEntries],
    bins: Mapping[str, FlavourBins],
    members: Members | None = None,
) -> Aggregate:
    """Evaluate the ensemble at all simulated entries, in bins and on a grid.

    Parameters
    ----------
    bins
        Those of the binned scale factor, by measured flavour.
    members
        Recorded with the bins; without it the ensemble counts as whole.
    """
    n_members = len(ensemble.members)
    members = members or Members(tuple(range(n_members)), n_members)
    flavours = tuple(ensemble.hadron_flavours)
    scale_factors, summaries = {}, {}
    for name, region in regions.items():
        flavour, simulation = region.enriched_flavour, entries[name].simulation
        scale_factors[name], values = at_entries(ensemble, simulation, flavours, members_of=flavour)
        if flavour in bins:
            probe = simulation.probe[np.flatnonzero(simulation.probe.flavour == flavours.index(flavour))]
            summaries[flavour] = summarise_flavour(bins[flavour], probe, values)
    discriminant = grid_discriminants(entries)
    scaling = next(iter(ensemble.members[0].scalings.values()))
    typical = scaling.further_medians(joined_jets([region.simulation.probe for region in entries.values()]))
    grids = {flavour: on_grid(ensemble, flavour, discriminant, typical) for flavour in bins}
    return Aggregate(scale_factors, summaries_to_json(summaries, members), json_text(grids))


def at_entries(
    sf: EnsembleScaleFactor, entries: ProbeEntries, flavours: tuple[str, ...], members_of: str
) -> tuple[EntryScaleFactors, Floats]:
    """Return scale factors at every entry, and every member's values at the probe jets of flavour ``members_of``.

    Returns
    -------
    tuple
        The estimates, arrays ``(n,)``; and an array ``(n_members, n_of_flavour)`` in the entries' order.
    """
    probe, probe_members = _at_jets(sf, entries.probe, flavours, members_of)
    tag, _ = _at_jets(sf, entries.tag, flavours, "")
    return EntryScaleFactors(probe, tag.mean), probe_members


def _at_jets(
    sf: EnsembleScaleFactor, jets: Jets, flavours: tuple[str, ...], members_of: str
) -> tuple[Estimate, Floats]:
    estimate = Estimate(np.ones(len(jets)), np.zeros(len(jets)), np.zeros(len(jets)))
    kept = np.empty((len(sf.members), 0))
    for number, flavour in enumerate(flavours):
        chosen = np.flatnonzero(jets.flavour == number)
        if not len(chosen):
            continue
        members = sf.member_values(flavour, jets[chosen])
        for total, part in zip(estimate, summarise(members), strict=True):
            total[chosen] = part
        if flavour == members_of:
            kept = members
    return estimate, kept


def summarise_flavour(bins: FlavourBins, probe: Jets, members: Floats) -> FlavourSummary:
    """Return the ensemble in the bins of the binned scale factor.

    Parameters
    ----------
    probe, members
        Probe jets of one flavour, ``(n,)``, and every member's scale factors there, ``(n_members, n)``.
    """
    index = bins.index(probe)
    member = hist.axis.Integer(0, len(members), name="member", flow=False)
    means = hist.Hist(member, *bins.axes(), storage=hist.storage.Double())
    for number, values in enumerate(members):
        means.view()[number] = mean_by_bin(index, values, bins.size).reshape(bins.shape)
    value_axis = hist.axis.Variable(VALUE_EDGES, name="sf", label="scale factor")
    values_histogram = hist.Hist(*bins.axes(), value_axis, storage=hist.storage.Double())
    # bins are open beyond their outer edges: fill by bin index, not by value
    flat_value = np.searchsorted(VALUE_EDGES, members.mean(axis=0), side="right")
    counts = np.bincount(index * (len(VALUE_EDGES) + 1) + flat_value, minlength=bins.size * (len(VALUE_EDGES) + 1))
    values_histogram.view(flow=True)[...] = counts.reshape(*bins.shape, len(VALUE_EDGES) + 1)
    return FlavourSummary(means, values_histogram)


def summaries_to_json(summaries: Mapping[str, FlavourSummary], members: Members) -> str:
    """Return the summaries of all flavours and which members are in them as text, histograms in the UHI format."""
    content = {
        "flavours": summaries,
        "members_used": list(members.used),
        "n_members_configured": members.configured,
        "not_converged": members.to_json()["not_converged"],
    }
    return to_json(content)


def summaries_from_json(text: str) -> dict[str, FlavourSummary]:
    """Return the summaries of `summaries_to_json`."""
    return {name: FlavourSummary(**stored) for name, stored in from_json(text)["flavours"].items()}


def members_from_json(text: str) -> Members:
    """Return the members of `summaries_to_json`."""
    stored = from_json(text)
    return Members(tuple(stored["members_used"]), stored["n_members_configured"], stored["not_converged"])


def on_grid(
    sf: EnsembleScaleFactor, flavour: str, discriminant: Floats, extra: Mapping[str, float] | None = None
) -> dict[str, Any]:
    """Return mean, sem and spread of a flavour on a grid of pt [GeV], |eta| and discriminant, as plain lists.

    ``extra`` gives the value of each extra input, the same all over the grid.
    """
    axes = (_GRID["pt"], _GRID["abseta"], discriminant)
    pt, abseta, disc = (axis.ravel().astype(np.float32) for axis in np.meshgrid(*axes, indexing="ij"))
    extra_inputs = {name: np.full(len(pt), value, np.float32) for name, value in (extra or {}).items()}
    jets = Jets(pt, abseta, disc, np.zeros(len(pt), np.int8), extra_inputs)
    estimate = summarise(sf.member_values(flavour, jets))
    shape = tuple(len(axis) for axis in axes)
    values = {key: np.round(value.reshape(shape), 7).tolist() for key, value in estimate._asdict().items()}
    return {"pt_gev": axes[0].tolist(), "abseta": axes[1].tolist(), "discriminant": axes[2].tolist(), **values}


def grid_discriminants(entries: Mapping[str, RegionEntries]) -> Floats:
    """Return discriminants for the grid: quantiles of all valid simulated probe jets, rounded, increasing."""
    values = np.concatenate([region.simulation.probe.discriminant for region in entries.values()])
    quantiles = np.quantile(values[values >= 0], np.linspace(0.001, 0.999, _N_GRID_DISCRIMINANT))
    return np.unique(np.round(quantiles.astype(np.float64), 6))
