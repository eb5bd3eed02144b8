"""The whole audit on a small campaign: keys that others rely on, sense of the figures, determinism, messages."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from deepsf.audit import AuditResult, Results, audit
from deepsf.audit.closure import closure_from_json
from deepsf.audit.methods import HeldOut
from deepsf.audit.truth import overlay_from_json
from deepsf.binned.build import measure_binned
from deepsf.config.audit import Audit
from deepsf.config.binned import Binned, Bins
from deepsf.config.flavours import Flavour, hadron_flavours
from deepsf.config.regions import Region
from deepsf.config.weights import EventWeight, Normalisation
from deepsf.errors.method_errors import MethodErrors, Refits
from deepsf.networks.dense import DenseNetwork
from deepsf.networks.ensemble import aggregate
from deepsf.networks.jet_inputs import InputScaling
from deepsf.networks.scale_factor import Architecture, EnsembleScaleFactor, MemberScaleFactor, normalised
from deepsf.probes.entries import Jets, ProbeEntries, RegionEntries, joined_jets
from deepsf.probes.histograms import from_json
from deepsf.probes.inclusive import InclusiveJets
from deepsf.probes.measurement import Measurement
from deepsf.seeds import seed_sequence
from tests.analysis.other_order import in_other_order, turned

FLAVOURS = {
    "b": Flavour(hadron_flavours=(5,)),
    "c": Flavour(hadron_flavours=(4,), scale_factor="unity"),
    "udsg": Flavour(hadron_flavours=(0,)),
}
REGIONS = {
    "hf": Region(enriched_flavour="b", channels=("ee",), tag_above=0.5),
    "lf": Region(enriched_flavour="udsg", channels=("ee",), tag_below=0.5),
}
FRACTIONS = {"hf": [0.8, 0.05, 0.15], "lf": [0.05, 0.05, 0.9]}
EDGES = Bins(pt_gev=(20, 60, 1000), abseta=(0, 2.5), discriminant=(-2.01, 0, 0.2, 0.4, 0.6, 0.8, 1.01))
EVENT_WEIGHT, NORMALISATION = EventWeight(n_pt=4, n_abseta=2), Normalisation(n_pt=3, n_abseta=2)
N = 12_000


def truth(codes: np.ndarray, abseta: np.ndarray, pt: np.ndarray, discriminant: np.ndarray) -> np.ndarray:
    """Mean 1 over each flavour's density: b has 2 x, c is flat, udsg has 2 (1 - x)."""
    x = np.where(discriminant < 0, 0.5, discriminant)
    return np.select([codes == 5, codes == 0], [1 + 0.6 * (x - 2 / 3), 1 - 0.9 * (x - 1 / 3)], 1.0)


def jets(rng: np.random.Generator, flavour: np.ndarray) -> Jets:
    u = rng.random(len(flavour))
    x = np.select([flavour == 0, flavour == 2], [np.sqrt(u), 1 - np.sqrt(u)], u)
    pt, abseta = 20 + rng.exponential(50, len(u)), rng.uniform(0, 2.4, len(u))
    return Jets(*(v.astype(np.float32) for v in (pt, abseta, x)), flavour.astype(np.int8))


def true_of(of: Jets) -> np.ndarray:
    return truth(np.array([5, 4, 0])[of.flavour], of.abseta, of.pt_gev, of.discriminant.astype(np.float64))


def entries(rng: np.random.Generator, region: str, n: int, is_data: bool) -> ProbeEntries:
    oversized = 3 * n if is_data else n
    probe = jets(rng, rng.choice(3, oversized, p=FRACTIONS[region]))
    tag = jets(rng, np.full(oversized, 0 if region == "hf" else 2))
    kept = np.flatnonzero(rng.random(oversized) < true_of(probe) / 1.6)[:n] if is_data else np.arange(n)
    weight = np.ones(n) if is_data else np.where(rng.random(n) < 0.05, -1.0, 1.0) / 0.9
    if is_data:
        no_flavour = np.full(n, -1, np.int8)
        probe, tag = (Jets(j.pt_gev, j.abseta, j.discriminant, no_flavour) for j in (probe[kept], tag[kept]))
    return ProbeEntries(np.arange(n), weight, np.zeros(n, np.int8), probe, tag)


def ensemble(measurement: Measurement) -> EnsembleScaleFactor:
    """Untrained networks: their values mean nothing, but they differ from member to member."""
    names = ("pt", "abseta", "discriminant")
    scaling = InputScaling(
        names, ("log", "identity", "identity"), np.array([3.0, 0, 0]), np.array([7.0, 2.5, 1]), np.ones(3), np.ones(3)
    )
    members = []
    for number in range(3):
        generator = torch.Generator().manual_seed(number)
        networks = {f: DenseNetwork(4, layers=2, units=8, generator=generator) for f in ("b", "udsg")}
        member = MemberScaleFactor(Architecture(2, 8, 0.2), dict.fromkeys(networks, scaling), networks, {})
        members.append(normalised(member, measurement))
    return EnsembleScaleFactor(tuple(members), hadron_flavours(FLAVOURS))


@pytest.fixture(scope="module")
def campaign() -> dict[str, Any]:
    rng = np.random.default_rng(1)
    regions = {r: RegionEntries(entries(rng, r, N, True), entries(rng, r, N, False)) for r in REGIONS}
    everything = joined_jets([jets(rng, np.full(4000, number)) for number in range(3)])
    inclusive = InclusiveJets(rng.permutation(12_000), np.ones(12_000), everything)
    measurement = Measurement(REGIONS, regions, FLAVOURS, inclusive, EVENT_WEIGHT, NORMALISATION)
    binned = measure_binned(measurement, Binned(bins={"b": EDGES, "udsg": EDGES}, n_bootstrap=10))
    deepsf = ensemble(measurement)
    at_entries = aggregate(deepsf, REGIONS, regions, binned.bins).entries
    grids = {"b": {"pt_gev": [30.0, 60.0], "abseta": [1.0], "discriminant": [0.1, 0.9]}}
    return {
        "measurement": measurement,
        "results": Results(binned, deepsf, at_entries, grids),
        "settings": Audit(n_jets=3000, classifier_passes=1, n_bootstrap=5),
        "truth": truth,
        "working_points": {"L": 0.25, "T": 0.75},
        "head": {"commit": "abc", "config": "toy", "seeds": {"generator": 7, "audit": 1}},
    }


@pytest.fixture(scope="module")
def result(campaign: dict[str, Any]) -> AuditResult:
    return audit(**campaign)


@pytest.fixture(scope="module")
def report(result: AuditResult) -> dict[str, Any]:
    return json.loads(result.audit)


def test_report_has_the_keys_that_are_promised(report: dict[str, Any]) -> None:
    assert (report["commit"], report["config"]) == ("abc", "toy")
    assert report["seeds"] == {"generator": 7, "audit": 1}
    assert report["members"] == {"used": 3, "configured": 3, "not_converged": {}}
    assert report["probe_jets"] == {"hf": N, "lf": N}
    for method in ("none", "binned", "binned_smooth", "deepsf_member", "deepsf"):
        assert set(report["truth"]["rms"][method]) == {"b", "udsg"}
    assert {"mean", "width", "width_error", "median_abs", "error"} <= set(report["truth"]["pull"]["deepsf"]["b"])
    assert set(report["contamination"]) == {"hf", "lf"}
    for region in ("hf", "lf"):
        assert {"factor", "error", "stat", "other", "assumed", "pull"} <= set(report["contamination"][region])
        auc = {"none", "truth", "binned", "binned_smooth", "deepsf", "delta_deepsf", "sigma_delta"}
        assert auc <= set(report["two_sample_auc"][region])
        for method in ("none", "binned", "binned_smooth", "deepsf", "truth"):
            assert {"chi2", "ndf", "p"} <= set(report["closure_chi2"][region][method])
    for method in ("binned", "binned_smooth", "deepsf"):
        assert report["yield"][method]["max_pull"] > 0


def test_members_are_tested_on_what_their_seeds_held_out(campaign: dict[str, Any], report: dict[str, Any]) -> None:
    assert "closure_out_of_fold" not in report
    seeds = [seed_sequence(1, "deepsf", number) for number in range(3)]
    results = replace(campaign["results"], training={"deepsf": HeldOut(seeds, 0.25)})
    found = json.loads(audit(**campaign | {"results": results}).audit)["closure_out_of_fold"]
    assert set(found) == {"hf", "lf"}
    for region in found.values():
        assert set(region) == {"none", "deepsf", "truth"}
        assert region["truth"]["n_folds"] == 3
        assert region["truth"]["p"] > 1e-3
        # a quarter of the data still sees that there is a scale factor to measure
        assert region["none"]["p"] < 0.05


def test_truth_is_known_to_differ_from_one_by_its_injected_rms(report: dict[str, Any]) -> None:
    # x of density 2 x has variance 1/18: 0.6 / sqrt 18 = 0.1414 for b, 0.9 / sqrt 18 = 0.2121 for udsg
    assert report["truth"]["rms"]["none"]["b"] == pytest.approx(0.1414, rel=0.05)
    assert report["truth"]["rms"]["none"]["udsg"] == pytest.approx(0.2121, rel=0.05)


def test_measured_scale_factors_are_nearer_to_the_truth_than_none(report: dict[str, Any]) -> None:
    rms = report["truth"]["rms"]
    for flavour in ("b", "udsg"):
        assert rms["binned_smooth"][flavour] < 0.6 * rms["none"][flavour]


def test_true_weights_close_where_unweighted_simulation_does_not(report: dict[str, Any]) -> None:
    for region in ("hf", "lf"):
        closure = report["closure_chi2"][region]
        assert closure["none"]["p"] < 1e-6
        assert closure["truth"]["p"] > 1e-3
        assert closure["truth"]["ndf"] == 4
        assert closure["truth"]["n_empty_bins"] == 1


def test_purity_is_that_of_the_sample(report: dict[str, Any]) -> None:
    assert report["purity"] == pytest.approx({"hf": 0.8, "lf": 0.9}, abs=0.02)


def test_ensembles_at_jets_and_at_entries_agree(campaign: dict[str, Any], report: dict[str, Any]) -> None:
    # one from evaluating members at jets, the other from the aggregated entries
    at_entries, probe = campaign["results"].at_entries["hf"], campaign["measurement"].entries["hf"].simulation.probe
    difference = (at_entries.probe.mean - true_of(probe))[probe.flavour == 0]
    assert report["truth"]["rms"]["deepsf"]["b"] == pytest.approx(np.sqrt(np.mean(difference**2)), rel=0.05)


def test_the_order_of_regions_and_flavours_changes_no_number(campaign: dict[str, Any], result: AuditResult) -> None:
    results = campaign["results"]
    deepsf = replace(results.deepsf, hadron_flavours=turned(results.deepsf.hadron_flavours))
    at_entries = turned(results.at_entries)
    changed = {
        "measurement": in_other_order(campaign["measurement"]),
        "results": replace(results, deepsf=deepsf, at_entries=at_entries),
    }
    # histograms of the closure are stacked in the order of the configuration
    assert audit(**(campaign | changed))._replace(closure="") == result._replace(closure="")


def test_overlay_and_histograms_are_readable(result: AuditResult) -> None:
    overlay = overlay_from_json(result.truth_overlay)
    assert set(overlay) == {"b", "udsg"}
    assert overlay["b"].grid is not None
    assert np.shape(overlay["b"].grid["truth"]) == (2, 1, 2)
    assert overlay["udsg"].grid is None
    closure = closure_from_json(result.closure)["lf"]
    assert list(closure.simulation.axes["method"]) == ["none", "binned", "binned_smooth", "deepsf", "truth"]
    assert closure.data.values().sum() == N
    # kappa makes the unweighted simulation's sum that of data
    assert closure.simulation["none", :, :].values().sum() == pytest.approx(N, rel=1e-9)


def test_the_same_input_gives_the_same_bytes(campaign: dict[str, Any], result: AuditResult) -> None:
    assert audit(**campaign) == result


def test_methods_meet_the_truth_between_working_points(report: dict[str, Any]) -> None:
    found = report["truth"]["by_working_point"]
    assert set(found) == {"none", "binned", "binned_smooth", "deepsf"}
    assert list(found["binned"]) == ["b", "udsg"]
    for flavour, true_means in {"b": (0.7, 1.13), "udsg": (1.19, 0.55)}.items():
        bins = found["binned"][flavour]
        assert set(bins) == {"below L", "L-T", "above T"}
        # the truth falls or rises from the first bin to the last, by hand from its formula
        ends = bins["below L"]["truth"], bins["above T"]["truth"]
        assert ends == pytest.approx(true_means, abs=0.02)
        for figures in bins.values():
            assert abs(figures["value"] - figures["truth"]) < 4 * figures["error"]
            assert 0 < figures["error"] < 0.2
            assert figures["rms"] > 0
            assert 0.3 < figures["purity"] <= 1.0
        assert found["none"][flavour]["above T"]["value"] == pytest.approx(1.0)


def test_errors_say_what_they_lack(campaign: dict[str, Any], report: dict[str, Any]) -> None:
    # binned without shifts, an ensemble without errors
    assert report["errors_lacking"] == {"binned": ["shifts"]}
    assert all(figures["systematic"] is None for figures in report["truth"]["by_working_point"]["binned"]["b"].values())
    errors = {"deepsf": MethodErrors(campaign["results"].deepsf, Refits(), {}, 0.4)}
    assert replace(campaign["results"], errors=errors).errors_lacking()["deepsf"] == ["bootstraps", "shifts"]


def test_without_truth_its_figures_are_left_out(campaign: dict[str, Any]) -> None:
    without = audit(**{**campaign, "truth": None})
    report = json.loads(without.audit)
    assert "truth" not in report
    assert "pt_mean_max_deviation" not in report
    assert "delta_deepsf" not in report["two_sample_auc"]["hf"]
    assert "truth" not in report["closure_chi2"]["hf"]
    assert without.truth_overlay == "{}"


class TrueEnsemble:
    """An ensemble of one member, which is the truth."""

    def member_values(self, flavour: str, of: Jets, *, normalised: bool = True) -> np.ndarray:
        return true_of(of)[None]


def test_another_method_joins_every_comparison(campaign: dict[str, Any]) -> None:
    results = replace(campaign["results"], other={"direct": TrueEnsemble()})
    joined = audit(**{**campaign, "results": results})
    report = json.loads(joined.audit)
    assert report["truth"]["rms"]["direct"]["b"] < 0.01
    assert report["pt_mean_max_deviation"]["direct"]["b"] == pytest.approx(0.0, abs=1e-6)
    assert "direct" in report["two_sample_auc"]["lf"]
    assert "direct" in report["yield"]
    assert "direct" in list(closure_from_json(joined.closure)["lf"].simulation.axes["method"])
    # the truth itself: its means are those of the overlay, which are of the truth after normalisation
    means, true = from_json(joined.bin_means)["means"], overlay_from_json(joined.truth_overlay)
    for flavour in ("b", "udsg"):
        np.testing.assert_allclose(means[flavour]["direct"].values(), true[flavour].bin_means.values(), rtol=0.02)


def test_members_that_are_lacking_are_counted_and_those_that_have_not_converged_named(campaign: dict[str, Any]) -> None:
    lacking = {"used": 3, "configured": 5, "not_converged": {"2": ["scale factor of b: ..."]}}
    of_others = {"direct": {**lacking, "configured": 3}, "bootstraps": lacking}
    results = replace(campaign["results"], members={"deepsf": lacking, **of_others})
    report = json.loads(audit(**{**campaign, "results": results}).audit)
    assert (report["members"], report["trainings"]) == (lacking, of_others)
