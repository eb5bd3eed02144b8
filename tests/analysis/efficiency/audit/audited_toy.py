"""A small toy with models that are right, nearly right and wrong, and its audit."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from types import MappingProxyType

import numpy as np

from deepsf.config import load
from deepsf.efficiency.audit.report import (
    AuditedCampaign,
    AuditedSample,
    AuditResult,
    EfficiencyResults,
    audit_efficiencies,
)
from deepsf.efficiency.audit.rows import Row, judged
from deepsf.efficiency.evaluation import ModelEfficiencies, of_map
from deepsf.efficiency.maps.maps import EfficiencyMap
from deepsf.efficiency.toy import generate

CONFIG = load(Path(__file__).parents[4] / "configs" / "efficiency_toy.yaml")
FLAVOURS = tuple(CONFIG.flavours)
N_MEMBERS = 5
_MAPS = ("map", "map_delta_r")
_ERRORS = np.array([0.004, 0.01, 0.03])


def near_truth(truth, flavour, seed, n_members=N_MEMBERS) -> ModelEfficiencies:
    """Return members that scatter around a centre that is as far from the truth; errors by flavour, whole samples."""
    rng = np.random.default_rng(seed)
    centre = 1 + _ERRORS[flavour] * 0.5 * rng.standard_normal(len(flavour))
    factors = centre + _ERRORS[flavour] * rng.standard_normal((n_members, len(flavour)))
    members = np.clip(truth * factors[..., None], 1e-5, 0.995).astype(np.float32)
    return ModelEfficiencies(members.mean(axis=0), members.std(axis=0, ddof=1), members)


@functools.cache
def samples(n_test: int = 30_000) -> dict[str, AuditedSample]:
    """Return the samples of an audit: maps are real, networks are made of the truth."""
    toy = CONFIG.efficiency.toy
    train, _ = generate(toy, FLAVOURS, "train", 2 * n_test)
    maps = {name: EfficiencyMap.fit(train, CONFIG.efficiency.maps, delta_r=name != "map") for name in _MAPS}
    found = {}
    for number, name in enumerate(("test", "scalar", "train")):
        events, truth = generate(toy, FLAVOURS, name, n_test)
        seen = truth.efficiency
        models = {"gnn": near_truth(seen, events.flavour, number)}
        if name != "train":
            models |= {key: of_map(value, events) for key, value in maps.items()}
            models["pairwise"] = near_truth(seen, events.flavour, number + 10, 3)
            # half way from the map to the truth
            half = 0.5 * (models["map"].mean + seen)
            models["closest_jet"] = near_truth(half, events.flavour, number + 20, 3)
        found[name] = AuditedSample(events, seen, models)
    return found


def first_events(sample: AuditedSample, n_events: int) -> AuditedSample:
    """Return a part of a sample, for what needs no numbers."""
    return selected(sample, np.arange(len(sample.events)) < n_events)


def selected(sample: AuditedSample, chosen) -> AuditedSample:
    """Return some events of a sample with their efficiencies."""
    jets = np.repeat(chosen, sample.events.n_jets)
    models = {
        name: ModelEfficiencies(
            model.mean[jets],
            None if model.spread is None else model.spread[jets],
            None if model.members is None else model.members[:, jets],
        )
        for name, model in sample.models.items()
    }
    return AuditedSample(sample.events.select(chosen), sample.truth[jets], models)


def audited(chosen=None, efficiency=CONFIG.efficiency, toy=None, **results) -> AuditResult:
    """Return the audit of the samples, without limits: few audits here make all rows that the toy has limits for."""
    codes = {name: flavour.hadron_flavours for name, flavour in CONFIG.flavours.items()}
    return audit_efficiencies(
        EfficiencyResults(chosen or samples(), **results),
        AuditedCampaign(efficiency.ensemble, codes, efficiency.truth_tagging.working_point, toy),
        efficiency.audit.model_copy(update={"limits": None}),
        head={"commit": "abc", "config": "toy", "seeds": {"toy": 1}},
    )


def judged_rows(rows, limits=MappingProxyType(CONFIG.efficiency.audit.limits)):
    """Return rows with the verdict of those limits that are of one of them."""
    return judged(rows, {name: limit for name, limit in limits.items() if name in rows})


def rows_of(result: AuditResult, **limits):
    """Return the rows of an audit, judged by the limits of the shipped toy or by others."""
    made = json.loads(result.audit)["rows"]
    rows = {name: Row(row["value"], row["description"]) for name, row in made.items()}
    return judged_rows(rows, **limits)


@functools.cache
def result() -> AuditResult:
    """Return the audit of everything, made once."""
    return audited()
