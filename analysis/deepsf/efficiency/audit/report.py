"""All checks of efficiencies, joined into the audit's two artefacts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from deepsf.arrays import Floats
from deepsf.config.efficiency.audit import EfficiencyAudit
from deepsf.config.efficiency.networks import NETWORKS
from deepsf.config.efficiency.networks import EfficiencyEnsemble as EnsembleSettings
from deepsf.config.efficiency.toy import EfficiencyToy
from deepsf.config.efficiency.truth_tagging import tag_point
from deepsf.efficiency.audit.closure import n_tag_yields, region_yields
from deepsf.efficiency.audit.convergence_rows import over_map_rows, training_rows
from deepsf.efficiency.audit.correlation import TagCorrelation, tag_correlation
from deepsf.efficiency.audit.jet_closure import jet_profiles, reliability
from deepsf.efficiency.audit.non_closure import check_non_closure, non_closure_rows
from deepsf.efficiency.audit.process_rows import process_rows
from deepsf.efficiency.audit.results import EfficiencyClosure, PointClosure, Quality, SampleClosure
from deepsf.efficiency.audit.rows import Row, Rows, judged, row
from deepsf.efficiency.audit.sample_figures import (
    SampleFigures,
    gaps_closed,
    sample_figures,
    sum_of_probabilities,
    tables,
)
from deepsf.efficiency.audit.sample_rows import Findings, sample_rows
from deepsf.efficiency.audit.scalar_rows import scalar_rows
from deepsf.efficiency.audit.spread import SpreadCheck, spread_check
from deepsf.efficiency.audit.symmetries import largest_increase, symmetry_rows
from deepsf.efficiency.audit.truth_tagging_rows import tagging_rows
from deepsf.efficiency.events.events import JetEvents
from deepsf.efficiency.events.observables import JET_VARIABLES, VARIABLES, n_jets_edges
from deepsf.efficiency.networks.convergence import History, not_converged
from deepsf.efficiency.process_ratios import process_ratios
from deepsf.efficiency.toy import draw_tags
from deepsf.json_text import json_text
from deepsf.seeds import seed_sequence

if TYPE_CHECKING:
    from deepsf.efficiency.evaluation import ModelEfficiencies
    from deepsf.efficiency.networks.ensemble import EfficiencyEnsemble

TEST, SCALAR, TRAIN = "test", "scalar", "train"
INJECTED_CORRELATION = 0.2
"""Of tags that the residual correlation must find."""


class AuditedSample(NamedTuple):
    """Events, their true efficiencies (n_jets, K) if they are known, and those of models by name.

    ``share`` is the events' part of the luminosity: what figures show is scaled to all of it.
    """

    events: JetEvents
    truth: Floats | None
    models: Mapping[str, ModelEfficiencies]
    share: float = 1.0


class EfficiencyResults(NamedTuple):
    """What is audited.

    Attributes
    ----------
    samples
        ``test``, independent of the training; ``scalar``, another process of a toy; ``train``, with efficiencies that
        were cross-fitted; all others are transfer samples. Only the first is needed.
    ensemble
        The ensemble itself, for what it must not depend on, and for truth tagging with it; None: not looked at.
    n_members
        Members of the ensemble; by default as many as the test sample's efficiencies have.
    rows
        Rows made elsewhere: coverage, exports, sizes of networks, experiments.
    histories
        Records of trainings by network and number of the member.
    """

    samples: Mapping[str, AuditedSample]
    ensemble: EfficiencyEnsemble | None = None
    n_members: int | None = None
    rows: Mapping[str, Row] = MappingProxyType({})
    histories: Mapping[str, Mapping[int, History]] = MappingProxyType({})


class AuditedCampaign(NamedTuple):
    """What a campaign says of its efficiencies.

    Attributes
    ----------
    ensemble
        Settings of the ensemble; its ``model`` must be among the models of every sample.
    hadron_flavours
        Codes of each flavour.
    working_point
        The one that counts as a tag; None: that of `deepsf.config.efficiency.truth_tagging.tag_point`.
    toy
        Settings of generated samples.
    """

    ensemble: EnsembleSettings
    hadron_flavours: Mapping[str, Sequence[int]]
    working_point: str | None = None
    toy: EfficiencyToy | None = None


class AuditResult(NamedTuple):
    """The artefacts as JSON texts: all figures, row by row; and what plots draw.

    `deepsf.efficiency.audit.results.EfficiencyClosure.from_json` reads the latter.
    """

    audit: str
    closure: str


def audit_efficiencies(
    results: EfficiencyResults, campaign: AuditedCampaign, settings: EfficiencyAudit, head: Mapping[str, Any]
) -> AuditResult:
    """Compare all models to direct tags, and to the truth where it is known.

    Parameters
    ----------
    head
        Where and with which seeds the results were made: written as it is.

    Raises
    ------
    ValueError
        If there is no test sample, the ensemble's model is missing, efficiencies do not belong to the events, or a
        limit is given for a row that there is not.
    """
    samples, nominal = results.samples, campaign.ensemble
    _check(samples, nominal.model)
    points = samples[TEST].events.working_points
    point = points.index(tag_point(points, campaign.working_point))
    closure = _closure(samples, nominal.model, point, settings)
    figures = {name: sample_figures(*sample[:3], point, settings.low_pt_gev) for name, sample in samples.items()}
    closure = _with_quality(closure, figures[TEST], points)
    findings = Findings(figures, closure, points, point)
    ratios = _ratios(samples, nominal.model, settings.non_closure_pt_gev)
    used = results.n_members or closure.n_members.get(closure.nominal, nominal.n_members)
    rows = {
        **sample_rows(findings),
        **process_rows(findings, ratios),
        **_ensemble_rows(results, campaign, point, settings.seed),
        **training_rows(results.histories),
        **over_map_rows(samples[TEST].events, samples[TEST].models, _networks(samples[TEST])),
        **non_closure_rows(closure.non_closure, closure.flavours),
        **row("ensemble.members", used / nominal.n_members),
        **results.rows,
    }
    report = {
        **head,
        "model": closure.nominal,
        "working_point": closure.working_point,
        "members": {
            "used": used,
            "configured": nominal.n_members,
            "not_converged": _not_converged(results.histories.get(nominal.model, {})),
        },
        "rows": judged(rows, settings.limits),
        "samples": tables(figures, closure.samples, closure.flavours),
        "correlation": closure.correlation,
        "spread": closure.spread,
        "non_closure": closure.non_closure,
        "processes": {
            name: {flavour: {wp: found._asdict() for wp, found in of.items()} for flavour, of in ratio.items()}
            for name, ratio in ratios.items()
        },
    }
    return AuditResult(json_text(report, indent=1, is_known=math.isfinite), closure.to_json())


def _ratios(samples: Mapping[str, AuditedSample], nominal: str, pt_gev: Sequence[float]) -> dict[str, Any]:
    """Return what other processes are over the test sample, by process, flavour and working point."""
    reference = samples[TEST].events
    return {
        name: process_ratios(sample.events, sample.models[nominal], reference, pt_gev)
        for name, sample in samples.items()
        if name not in (TEST, SCALAR, TRAIN)
    }


def _networks(sample: AuditedSample) -> list[str]:
    return [name for name in sample.models if name in NETWORKS]


def _not_converged(histories: Mapping[int, History]) -> dict[str, list[str]]:
    """Return why members have not converged, by their numbers; of those alone that have not."""
    reasons = {str(number): not_converged(history) for number, history in histories.items()}
    return {number: of_member for number, of_member in reasons.items() if of_member}


def _closure(
    samples: Mapping[str, AuditedSample], nominal: str, point: int, settings: EfficiencyAudit
) -> EfficiencyClosure:
    test = samples[TEST]
    edges = _edges(settings, [sample.events for sample in samples.values()])
    cells = tuple(np.array(axis, np.float64) for axis in (settings.non_closure_pt_gev, settings.non_closure_delta_r))
    return EfficiencyClosure(
        flavours=test.events.flavours,
        working_point=test.events.working_points[point],
        nominal=nominal,
        n_members={name: len(model.members) for name, model in test.models.items() if model.members is not None},
        samples={name: _sample_closure(sample, edges, point) for name, sample in samples.items()},
        reliability={name: reliability(test.events, model.mean, point) for name, model in test.models.items()},
        correlation=_correlations(test, nominal, point, settings.seed),
        spread=_spread(test, nominal, point),
        non_closure=check_non_closure(test.events, test.models[nominal], test.truth, cells, point),
        other_points=_other_points(test, nominal, point, edges),
    )


def _other_points(
    test: AuditedSample, nominal: str, point: int, edges: Mapping[str, Floats]
) -> dict[str, PointClosure]:
    """Return what is found on the test sample at the working points that do not count as a tag."""
    events = test.events
    return {
        name: PointClosure(
            sample=_sample_closure(test, edges, number, variables=("delta_r",)),
            reliability={model: reliability(events, found.mean, number) for model, found in test.models.items()},
            correlation=tag_correlation(events, test.models[nominal].mean, number),
        )
        for number, name in enumerate(events.working_points)
        if number != point
    }


def _with_quality(closure: EfficiencyClosure, figures: SampleFigures, points: Sequence[str]) -> EfficiencyClosure:
    """Return the closure with how close the ensemble is to the truth, at every working point, where that is known."""
    if closure.nominal not in figures.mad:
        return closure
    gap, mad = gaps_closed(figures.divergence).get(closure.nominal), figures.mad[closure.nominal]
    quality = {name: Quality(gap, mad[:, number]) for number, name in enumerate(points)}
    others = {name: found._replace(quality=quality[name]) for name, found in closure.other_points.items()}
    return closure._replace(quality=quality[closure.working_point], other_points=others)


def _check(samples: Mapping[str, AuditedSample], nominal: str) -> None:
    if TEST not in samples:
        raise ValueError(f"the audit needs the sample {TEST!r}, independent of the training; got {list(samples)}")
    for name, sample in samples.items():
        if nominal not in sample.models:
            raise ValueError(
                f"sample {name}: no efficiencies of {nominal}, the model of the ensemble; there are "
                f"{list(sample.models)}"
            )


def _edges(settings: EfficiencyAudit, samples: Sequence[JetEvents]) -> dict[str, Floats]:
    binned = {name: np.array(getattr(settings, name), np.float64) for name in ("delta_r", "pt_gev", "eta", "mass_gev")}
    flavours = np.arange(len(samples[0].flavours) + 1, dtype=np.float64) - 0.5
    n_jets = n_jets_edges(np.concatenate([events.n_jets for events in samples]))
    return {**binned, "n_jets": n_jets, "closest_flavour": flavours}


def _sample_closure(
    sample: AuditedSample, edges: Mapping[str, Floats], point: int, variables: Sequence[str] = VARIABLES
) -> SampleClosure:
    """Return the closure on a sample, scaled to the luminosity that figures name; ``variables``: of the regions."""
    events, truth, models, share = sample
    if not share > 0:
        raise ValueError(
            f"the share of the luminosity of {len(events)} events is {share:g}, not above 0: the weights of the shown "
            "sample sum up to nothing; give more events, or a larger efficiency.split.test_fraction"
        )
    events = replace(events, weight=events.weight / np.float32(share))
    return SampleClosure(
        n_events=len(events),
        share=share,
        has_truth=truth is not None,
        regions=region_yields(events, models, truth, {name: edges[name] for name in variables}, point),
        n_tags=n_tag_yields(events, models, truth, point),
        profiles=jet_profiles(events, models, truth, {name: edges[name] for name in JET_VARIABLES}, point),
    )


def _correlations(sample: AuditedSample, nominal: str, point: int, seed: int) -> dict[str, TagCorrelation]:
    events, truth, models = sample[:3]
    of_models = {name: tag_correlation(events, model.mean, point) for name, model in models.items()}
    if truth is None:
        return of_models
    drawn = draw_tags(truth, events.offsets, seed_sequence(seed, "injected correlation"), INJECTED_CORRELATION)
    injected = tag_correlation(events, models[nominal].mean, point, drawn)
    return {**of_models, "truth": tag_correlation(events, truth, point), "injected": injected}


def _spread(sample: AuditedSample, nominal: str, point: int) -> SpreadCheck | None:
    members, events = sample.models[nominal].members, sample.events
    if sample.truth is None or members is None or len(members) < 2:
        return None
    return spread_check(members[:, :, point], sample.truth[:, point], events.flavour, len(events.flavours))


def _ensemble_rows(results: EfficiencyResults, campaign: AuditedCampaign, point: int, seed: int) -> Rows:
    """Return the rows on the scalar's sample, on the ensemble's efficiencies and on the ensemble itself."""
    test, scalar, ensemble = results.samples[TEST], results.samples.get(SCALAR), results.ensemble
    efficiency = test.models[campaign.ensemble.model].mean
    rows = row("truth_tagging.sums.numbers", sum_of_probabilities(test.events, efficiency, point))
    if efficiency.shape[1] > 1:
        rows |= row("working_points.monotone", largest_increase(efficiency))
    if campaign.toy is not None and scalar is not None and scalar.truth is not None:
        rows |= scalar_rows(campaign.toy, scalar.events, scalar.truth)
    if ensemble is not None:
        rows |= symmetry_rows(ensemble, test.events, seed)
        rows |= tagging_rows(test.events, efficiency, point, campaign.hadron_flavours, ensemble, seed)
    return rows
