"""All checks of one campaign, joined into the audit's artefacts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from deepsf.arrays import Floats
from deepsf.audit import closure, yields
from deepsf.audit import truth as comparison
from deepsf.audit.bin_errors import bin_errors
from deepsf.audit.bin_means import BinMeans, bin_means
from deepsf.audit.contamination import measured_contamination
from deepsf.audit.inputs import input_counts
from deepsf.audit.methods import (
    DEEPSF,
    NONE,
    TRUTH,
    AuditedRegion,
    Method,
    Results,
    TrueFunction,
    audited_region,
    true_method,
)
from deepsf.audit.out_of_fold import chi2_out_of_fold
from deepsf.audit.two_sample import two_sample_auc
from deepsf.audit.working_points import by_working_point
from deepsf.binned.scale_factor import BinnedScaleFactor
from deepsf.config.audit import Audit
from deepsf.config.shifts import Contamination
from deepsf.probes.bootstrap import held_out_of
from deepsf.probes.histograms import to_json
from deepsf.probes.inclusive import Half
from deepsf.probes.measurement import Measurement
from deepsf.seeds import seed_sequence

CHECKED_ON: Half = 1
"""The half of the inclusive jets that no scale factor was normalised on."""


class AuditResult(NamedTuple):
    """The artefacts as JSON texts: all figures; for plots truth, closure histograms, means and errors in bins.

    `deepsf.audit.truth.overlay_from_json`, `deepsf.audit.closure.closure_from_json` and
    `deepsf.probes.histograms.from_json` read the last three.
    """

    audit: str
    truth_overlay: str
    closure: str
    bin_means: str


def audit(
    measurement: Measurement,
    results: Results,
    settings: Audit,
    *,
    truth: TrueFunction | None = None,
    working_points: Mapping[str, float] = MappingProxyType({}),
    shifts: Mapping[str, Contamination] = MappingProxyType({}),
    head: Mapping[str, Any] | None = None,
) -> AuditResult:
    """Compare all methods on the same entries.

    Parameters
    ----------
    measurement
        Regions that enrich a flavour of unit scale factor are left out. Scale factors were normalised on one half of
        its inclusive jets; yields are checked on the other.
    truth
        The effective truth; without it all comparisons to the truth are left out.
    working_points
        Thresholds of the tagger, between which mean scale factors are compared with the truth.
    shifts
        Those of the contamination by source; what data say of it is compared with them.
    head
        Written as it is: ``commit``, ``cpu``, ``cores``, ``config``, ``seeds``.

    Raises
    ------
    ValueError
        If ``results.at_entries`` does not fit the entries, or a check has too little to work on.
    """
    true = None if truth is None else true_method(truth, measurement)
    methods = results.methods() | ({} if true is None else {TRUTH: true})
    audited = {n: audited_region(measurement, n, methods, results.at_entries[n]) for n in measurement.enriching}
    compared = [comparison.at_probe_jets(of, methods, results.deepsf, settings.n_jets) for of in audited.values()]
    probes = {region.enriched: probe for region, probe in zip(audited.values(), compared, strict=True)}
    edges = {name: results.binned.bins[region.enriched].discriminant for name, region in audited.items()}
    report = {
        **(head or {}),
        **_made_of(results, measurement),
        **_contents(audited, results.binned),
        **_pt_means(probes),
        "two_sample_auc": _two_sample(audited, settings),
        "closure_chi2": {name: closure.chi2_by_method(region, edges[name]) for name, region in audited.items()},
        **_out_of_fold(measurement, audited, results, edges),
        "yield": _yields(measurement, methods),
        **_ranges(audited),
        **({} if true is None else {"truth": _truth(probes, results.binned)}),
    }
    if working_points:
        place = report if true is None else report["truth"]
        place["by_working_point"] = _by_working_point(measurement, results, methods, working_points)
    report["contamination"] = measured_contamination(measurement, results.binned, working_points, shifts, settings)
    histograms = {name: closure.histograms(region, edges[name]) for name, region in audited.items()}
    return AuditResult(
        json.dumps(report, sort_keys=True, indent=1, allow_nan=False),
        comparison.overlay_to_json({} if true is None else _overlays(audited, true, results)),
        to_json(histograms),
        to_json({"means": _means(audited, results), "errors": _errors(audited, results)}),
    )


def _out_of_fold(
    measurement: Measurement, audited: Mapping[str, AuditedRegion], results: Results, edges: Mapping[str, Floats]
) -> dict[str, Any]:
    """Return the closure of members where they were not trained, by region; nothing if their splits are not known."""
    ensembles = {name: ensemble for name, ensemble in results.ensembles().items() if name in results.training}
    if not ensembles:
        return {}
    trained_on = {name: measurement.entries[name] for name in measurement.enriching}
    splits = {
        name: [held_out_of(trained_on, fraction, seed) for seed in seeds]
        for name, (seeds, fraction) in results.training.items()
    }
    return {
        "closure_out_of_fold": {
            name: chi2_out_of_fold(
                region, edges[name], ensembles, {m: [split[name] for split in splits[m]] for m in ensembles}
            )
            for name, region in audited.items()
        }
    }


def _by_working_point(
    measurement: Measurement, results: Results, methods: Mapping[str, Method], working_points: Mapping[str, float]
) -> dict[str, Any]:
    samples = {name: measurement.inclusive_of(name, CHECKED_ON) for name in measurement.measured}
    return by_working_point(results, methods, samples, working_points)


def _made_of(results: Results, measurement: Measurement) -> dict[str, Any]:
    """Return what results are made of: members of DeepSF and all other trainings, with those that have not converged.

    Besides, what errors lack, and inputs that are not as in training.
    """
    n_members = len(results.deepsf.members)
    whole = {"used": n_members, "configured": n_members, "not_converged": {}}
    others = {name: members for name, members in results.members.items() if name != DEEPSF}
    return {
        "members": results.members.get(DEEPSF, whole),
        "trainings": others,
        "errors_lacking": results.errors_lacking(),
        "inputs": input_counts(results.deepsf, measurement),
    }


def _means(audited: Mapping[str, AuditedRegion], results: Results) -> BinMeans:
    """Return the means of other methods in the bins of the binned scale factor, by enriched flavour."""
    means: BinMeans = {}
    for region in audited.values():
        flavour, enriched = region.enriched, region.is_enriched
        probe = region.entries.simulation.probe[np.flatnonzero(enriched)]
        bins = results.binned.bins[flavour]
        means[flavour] = {
            name: bin_means(bins, probe, region.values[name].probe[enriched], f"{name} scale factor of {flavour}")
            for name in results.other
        }
    return means


def _errors(audited: Mapping[str, AuditedRegion], results: Results) -> BinMeans:
    """Return the total errors of those means, and of the means of DeepSF."""
    found: BinMeans = {}
    for region in audited.values():
        flavour, probe = region.enriched, region.entries.simulation.probe[np.flatnonzero(region.is_enriched)]
        bins = results.binned.bins[flavour]
        found[flavour] = {name: bin_errors(bins, probe, of, flavour) for name, of in results.errors.items()}
    return found


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
                "unmeasured": int((~table.measured).sum()),
                "negative": table.n_below_zero,
            }
            for flavour, table in binned.flavours.items()
        },
    }


def _pt_means(probes: Mapping[str, comparison.ProbeJets]) -> dict[str, Any]:
    by_flavour = {flavour: comparison.pt_means(probe) for flavour, probe in probes.items()}
    by_method = _by_method(by_flavour)
    largest = {
        method: {name: means.pop("max_deviation") for name, means in of_method.items() if "max_deviation" in means}
        for method, of_method in by_method.items()
    }
    return {"pt_means": by_method} | ({"pt_mean_max_deviation": largest} if any(largest.values()) else {})


def _by_method(by_flavour: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Turn flavour -> method around."""
    turned: dict[str, dict[str, Any]] = {}
    for flavour, by_method in by_flavour.items():
        for method, value in by_method.items():
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
    audited: Mapping[str, AuditedRegion], true: Method, results: Results
) -> dict[str, comparison.FlavourTruth]:
    overlays = {}
    for region in audited.values():
        flavour, enriched = region.enriched, region.is_enriched
        probe, values = region.entries.simulation.probe[enriched], region.values[TRUTH].probe[enriched]
        bins, grid = results.binned.bins[flavour], results.grids.get(flavour)
        overlays[flavour] = comparison.overlay(flavour, true, probe, bins, grid, values)
    return overlays


def _two_sample(audited: Mapping[str, AuditedRegion], settings: Audit) -> dict[str, dict[str, float]]:
    return {
        name: two_sample_auc(
            region.entries, region.weighted, settings, seed_sequence(settings.seed, "two-sample test", name)
        )
        for name, region in audited.items()
    }


def _yields(measurement: Measurement, methods: Mapping[str, Method]) -> dict[str, Any]:
    """Return by method the largest pull over flavours, and each flavour's figures."""
    samples = {
        name: (
            measurement.normalisation_bins(name),
            measurement.inclusive_of(name, CHECKED_ON),
            measurement.inclusive_of(name),
        )
        for name in measurement.measured
    }
    result = {}
    for name, method in methods.items():
        if name == NONE:
            continue
        by_flavour = {
            flavour: yields.yield_report(bins, checked, method(flavour, checked.jets), normalised_on)
            for flavour, (bins, checked, normalised_on) in samples.items()
        }
        largest = max(report["max_pull"] for report in by_flavour.values())
        n_bins = sum(report["n_bins"] for report in by_flavour.values())
        result[name] = {
            "max_pull": largest,
            "max_pull_global": yields.global_deviation(largest, n_bins),
            "flavours": by_flavour,
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
