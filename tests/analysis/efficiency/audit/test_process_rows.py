"""Training on one process, testing on another: rows hold where the kernel is the same, and fail where it is not."""

from __future__ import annotations

import json

import numpy as np
import pytest

from deepsf.config import load
from deepsf.efficiency.audit.report import AuditedCampaign, AuditedSample, EfficiencyResults, audit_efficiencies
from deepsf.efficiency.evaluation import ModelEfficiencies, of_map
from deepsf.efficiency.maps.maps import EfficiencyMap
from deepsf.efficiency.toy import generate, true_efficiency
from tests.analysis.config.efficiency.conftest import CONFIGS

N_EVENTS = 30_000
LIMITS = {
    **{f"process.{name}.delta_r.{region}.chi2": 2.5 for name in ("same", "changed") for region in ("1tag", "2tag")},
    **{
        f"process.{name}.residual.{flavour}.chi2": 3.0 for name in ("same", "changed") for flavour in ("b", "c", "udsg")
    },
}


@pytest.fixture(scope="module")
def audit():
    """Return the audit of efficiencies of one process, at jets of another with its kernel, and with another one."""
    config = load(CONFIGS / "efficiency_toy.yaml")
    toy, flavours = config.efficiency.toy, tuple(config.flavours)
    # neighbours reach half as far: what another generator could do to the tracks around a jet
    width = {name: 0.5 * value for name, value in toy.neighbours.width.items()}
    changed = toy.model_copy(update={"neighbours": toy.neighbours.model_copy(update={"width": width})})
    train, _ = generate(toy, flavours, "train", N_EVENTS)
    fitted = EfficiencyMap.fit(train, config.efficiency.maps)
    samples = {}
    for name, made_with, kind in (("test", toy, "test"), ("same", toy, "scalar"), ("changed", changed, "scalar")):
        events, _ = generate(made_with, flavours, kind, N_EVENTS)
        trained = ModelEfficiencies(true_efficiency(toy, events).astype(np.float32))
        samples[name] = AuditedSample(events, None, {"gnn": trained, "map": of_map(fitted, events)})
    settings = config.efficiency.audit.model_copy(update={"limits": LIMITS})
    codes = {name: flavour.hadron_flavours for name, flavour in config.flavours.items()}
    campaign = AuditedCampaign(config.efficiency.ensemble, codes)
    return json.loads(audit_efficiencies(EfficiencyResults(samples), campaign, settings, {"config": "two"}).audit)


def rows(audit, name):
    return {key: row for key, row in audit["rows"].items() if key.startswith(f"process.{name}.")}


def test_a_process_with_the_same_kernel_passes_though_its_events_differ(audit):
    found = rows(audit, "same")
    assert [key for key, row in found.items() if row["passed"] is False] == []
    for flavour in ("b", "c"):
        assert abs(found[f"process.same.calibration.{flavour}"]["value"]) < 3
    # a map in pT and eta does not transfer
    assert found["process.same.delta_r.2tag.chi2_map"]["value"] > 20


def test_a_process_with_another_kernel_fails(audit):
    found = rows(audit, "changed")
    failed = {key.removeprefix("process.changed.") for key, row in found.items() if row["passed"] is False}
    assert failed >= {"delta_r.1tag.chi2", "delta_r.2tag.chi2", "residual.b.chi2", "residual.c.chi2"}
    # jets next to others are tagged more often than trained on
    assert found["process.changed.calibration.b"]["value"] < -3


def test_ratios_are_listed_by_flavour_and_working_point(audit):
    same, changed = (audit["processes"][name]["b"]["M"] for name in ("same", "changed"))
    n_bins = len(same["pt_gev"]) - 1
    assert {len(same[key]) for key in ("mc_mc", "mc_mc_stat", "residual", "residual_stat", "residual_spread")} == {
        n_bins
    }
    assert np.mean(changed["residual"]) > 1.03 > np.mean(same["residual"]) > 0.97
