"""All checks of one campaign, joined into the audit's artefacts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from deepsf.audit import closure, yields
from deepsf.audit import truth as comparison
from deepsf.audit.bin_means import BinMeans, bin_means, bin_means_to_json
from deepsf.audit.methods import (
    NONE,
    TRUTH,
    AuditedRegion,
    Method,
    TrueFunction,
    audited_region,
    standard_methods,
    true_method,
)
from deepsf.audit.two_sample import two_sample_auc
from deepsf.binned.scale_factor import BinnedScaleFactor
from deepsf.config.audit import Audit
from deepsf.config.flavours import Flavour, measured_flavours
from deepsf.config.regions import Region
from deepsf.config.weights import EventWeight, Normalisation
from deepsf.networks.ensemble import EntryScaleFactors
from deepsf.networks.scale_factor import EnsembleScaleFactor
from deepsf.probes.bins import KinematicBins
from deepsf.probes.entries import RegionEntries
from deepsf.probes.inclusive import NORMALISED_ON, Half, InclusiveJets, normalisation_bins

CHECKED_ON: Half = 1
"""The half of the inclusive jets that no scale factor was normalised on."""


class AuditResult(NamedTuple):
    """The artefacts as JSON texts: all figures; truth, closure histograms and means of further methods for plots.

    `deepsf.audit.truth.overlay_from_json`, `deepsf.audit.closure.closure_from_json` and
    `deepsf.audit.bin_means.bin_means_from_json` read the last three.
    """

    audit: str
    truth_overlay: str
    closure: str
    bin_means: str


def audit(
    *,
    provenance: Mapping[str, str | int],
    config_name: str,
    seeds: Mapping[str, int],
    regions: Mapping[str, RegionEntries],
    definitions: Mapping[str, Region],
    flavours: Mapping[str, Flavour],
    inclusive: InclusiveJets,
    binned: BinnedScaleFactor,
    deepsf: EnsembleScaleFactor,
    entry_sf: Mapping[str, EntryScaleFactors],
    event_weight: EventWeight,
    normalisation: Normalisation,
    settings: Audit,
    truth: TrueFunction | None = None,
    grids: Mapping[str, Mapping[str, Any]] | None = None,
    further_methods: Mapping[str, Method] | None = None,
    n_members_configured: int | None = None,
) -> AuditResult:
    """Compare all methods on the same entries.

    Parameters
    ----------
    provenance
        ``commit``, ``cpu``, ``cores``: written as they are.
    seeds
        Seeds of generator, ensemble and whatever else the figures depend on; ``audit`` is added.
    regions, definitions
        By region; those that enrich a flavour of unit scale factor are left out.
    inclusive
        Jets of both halves: scale factors were normalised on one, yields are checked on the other.
    entry_sf
        The ensemble at the simulated entries, by region.
    truth
        The effective truth; without it all comparisons to the truth are left out.
    grids
        By flavour, axes of the grid on which the overlay gives the truth.
    further_methods
        Methods besides the binned ones and DeepSF, by name.
    n_members_configured
        Of how many members the ensemble was meant to consist; None: of those that it has.

    Raises
    ------
    ValueError
        If ``entry_sf`` does not fit the entries, or a check has too little to work on.
    """
    names, measured = tuple(flavours), measured_flavours(flavours)
    bins = normalisation_bins(inclusive, names, measured, normalisation)
    normalised_on, checked = (
        {flavour: inclusive.of(names.index(flavour), half) for flavour in measured}
        for half in (NORMALISED_ON, CHECKED_ON)
    )
    methods = {**standard_methods(binned, deepsf), **(further_methods or {})}
    true = None if truth is None else true_method(truth, flavours, normalised_on, bins)
    everything = methods if true is None else {**methods, TRUTH: true}
    audited = {
        name: audited_region(name, definition, regions[name], names, everything, entry_sf[name], event_weight)
        for name, definition in definitions.items()
        if definition.enriched_flavour in measured
    }
    probes = {
        region.enriched: comparison.at_probe_jets(region, everything, deepsf, settings.n_jets)
        for region in audited.values()
    }
    report = {
        **provenance,
        "config": config_name,
        "seeds": {**seeds, "audit": settings.seed},
        "members": {"used": len(deepsf.members), "configured": n_members_configured or len(deepsf.members)},
        **_contents(audited, binned),
        **_pt_means(probes),
        "two_sample_auc": _two_sample(audited, settings),
        "closure_chi2": {
            name: closure.chi2_by_method(region, _edges(region, binned)) for name, region in audited.items()
        },
        "yield": _yields(everything, bins, normalised_on, checked),
        **_ranges(audited),
    }
    overlays = {}
    if true is not None:
        report["truth"] = _truth(probes, binned)
        overlays = _overlays(audited, true, binned, grids or {})
    histograms = {name: closure.histograms(region, _edges(region, binned)) for name, region in audited.items()}
    text = json.dumps(report, sort_keys=True, indent=1, allow_nan=False)
    means = _means(audited, binned, tuple(further_methods or {}))
    return AuditResult(
        text, comparison.overlay_to_json(overlays), closure.closure_to_json(histograms), bin_means_to_json(means)
    )


def _means(audited: Mapping[str, AuditedRegion], binned: BinnedScaleFactor, methods: tuple[str, ...]) -> BinMeans:
    """Return the means of methods in the bins of the binned scale factor, by the enriched flavour of each region."""
    found: BinMeans = {}
    for region in audited.values():
        mine, bins = region.is_enriched, binned.flavours[region.enriched].bins
        probe = region.entries.simulation.probe[np.flatnonzero(mine)]
        found[region.enriched] = {
            name: bin_means(bins, probe, region.values[name].probe[mine], f"{name} scale factor of {region.enriched}")
            for name in methods
        }
    return found


def _edges(region: AuditedRegion, binned: BinnedScaleFactor) -> Any:
    return binned.flavours[region.enriched].bins.discriminant


def _contents(audited: Mapping[str, AuditedRegion], binned: BinnedScaleFactor) -> dict[str, Any]:
    """Return counts of probe jets, purities (by W), invalid scores, and bins without a usable measurement."""
    invalid = {
        name: {
            "data": int((region.entries.data.probe.discriminant < 0).sum()),
            "simulation": int((region.entries.simulation.probe.discriminant < 0).sum()),
        }
        for name, region in audited.items()
    }
    return {
        "probe_jets": {name: len(region.entries.data) for name, region in audited.items()},
        "simulated_probe_jets": {name: len(region.entries.simulation) for name, region in audited.items()},
        "purity": {
            name: float(region.weight[NONE][region.is_enriched].sum() / region.weight[NONE].sum())
            for name, region in audited.items()
        },
        "invalid_scores": invalid,
        "binned_bins": {
            flavour: {
                "n": table.sf.size,
                "unmeasured": int((~np.isfinite(table.sf)).sum()),
                "negative": int((table.sf < 0).sum()),
            }
            for flavour, table in binned.flavours.items()
        },
    }


def _pt_means(probes: Mapping[str, comparison.ProbeJets]) -> dict[str, Any]:
    by_flavour = {flavour: comparison.pt_means(probe) for flavour, probe in probes.items()}
    by_method = _by_method(by_flavour)
    largest = {
        method: {flavour: means.pop("max_deviation") for flavour, means in found.items() if "max_deviation" in means}
        for method, found in by_method.items()
    }
    return {"pt_means": by_method} | ({"pt_mean_max_deviation": largest} if any(largest.values()) else {})


def _by_method(by_flavour: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Turn flavour -> method around."""
    turned: dict[str, dict[str, Any]] = {}
    for flavour, found in by_flavour.items():
        for method, value in found.items():
            turned.setdefault(method, {})[flavour] = value
    return turned


def _truth(probes: Mapping[str, comparison.ProbeJets], binned: BinnedScaleFactor) -> dict[str, Any]:
    rms = {flavour: comparison.rms(probe) for flavour, probe in probes.items()}
    pulls = {
        flavour: {
            **comparison.jet_pulls(probe, binned.flavours[flavour].bins),
            "binned": comparison.binned_pull(probe, binned.flavours[flavour]),
        }
        for flavour, probe in probes.items()
    }
    n_jets = {flavour: len(probe.jets) for flavour, probe in probes.items()}
    return {"rms": _by_method(rms), "pull": _by_method(pulls), "n_jets": n_jets}


def _overlays(
    audited: Mapping[str, AuditedRegion],
    true: Method,
    binned: BinnedScaleFactor,
    grids: Mapping[str, Mapping[str, Any]],
) -> dict[str, comparison.FlavourTruth]:
    overlays = {}
    for region in audited.values():
        flavour, mine = region.enriched, region.is_enriched
        probe, values = region.entries.simulation.probe[mine], region.values[TRUTH].probe[mine]
        bins = binned.flavours[flavour].bins
        overlays[flavour] = comparison.overlay(flavour, true, probe, bins, grids.get(flavour), values)
    return overlays


def _two_sample(audited: Mapping[str, AuditedRegion], settings: Audit) -> dict[str, dict[str, float]]:
    return {
        name: two_sample_auc(region.entries, region.weighted, settings, [settings.seed, 0x617563, number])
        for number, (name, region) in enumerate(audited.items())
    }


def _yields(
    methods: Mapping[str, Method],
    bins: Mapping[str, KinematicBins],
    normalised_on: Mapping[str, InclusiveJets],
    checked: Mapping[str, InclusiveJets],
) -> dict[str, Any]:
    """Return by method the largest pull over flavours, and each flavour's own figures."""
    result = {}
    for name, method in methods.items():
        if name == NONE:
            continue
        found = {
            flavour: yields.yield_report(bins[flavour], sample, method(flavour, sample.jets), normalised_on[flavour])
            for flavour, sample in checked.items()
        }
        largest, n_bins = max(r["max_pull"] for r in found.values()), sum(r["n_bins"] for r in found.values())
        result[name] = {
            "max_pull": largest,
            "max_pull_global": yields.global_deviation(largest, n_bins),
            "flavours": found,
        }
    return result


def _ranges(audited: Mapping[str, AuditedRegion]) -> dict[str, Any]:
    by_flavour = {
        region.enriched: {m: yields.sf_range(v.probe[region.is_enriched]) for m, v in region.values.items()}
        for region in audited.values()
    }
    sizes = {
        name: {m: yields.effective_size_factor(w, region.weight[NONE]) for m, w in region.weighted.items()}
        for name, region in audited.items()
    }
    return {"sf_range": _by_method(by_flavour), "effective_size_factor": sizes}
