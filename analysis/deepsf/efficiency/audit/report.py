"""All checks of efficiencies, joined into the audit's two artefacts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from deepsf.config.efficiency.audit import EfficiencyAudit
from deepsf.config.efficiency.networks import EfficiencyEnsemble as EnsembleSettings
from deepsf.config.efficiency.toy import EfficiencyToy
from deepsf.efficiency.audit.closure import n_tag_yields, region_yields
from deepsf.efficiency.audit.correlation import TagCorrelation, tag_correlation
from deepsf.efficiency.audit.jet_closure import jet_profiles, reliability
from deepsf.efficiency.audit.results import EfficiencyClosure, SampleClosure, plain
from deepsf.efficiency.audit.rows import Limit, Row, judged
from deepsf.efficiency.audit.sample_figures import sample_figures, sum_of_probabilities, tables
from deepsf.efficiency.audit.sample_rows import Findings, coverage_rows, sample_rows
from deepsf.efficiency.audit.spread import SpreadCheck, non_closure, spread_check
from deepsf.efficiency.audit.symmetries import Evaluates, largest_increase, symmetries
from deepsf.efficiency.audit.toy_rows import scalar_rows
from deepsf.efficiency.audit.truth_tagging_rows import tagging_rows
from deepsf.efficiency.events.events import Floats, JetEvents
from deepsf.efficiency.events.observables import JET_VARIABLES, n_jets_edges
from deepsf.efficiency.toy import draw_tags

if TYPE_CHECKING:
    from deepsf.efficiency.evaluation import ModelEfficiencies

TEST, SCALAR, TRAIN = "test", "scalar", "train"
INJECTED_CORRELATION = 0.2
"""Of tags that the residual correlation must find."""
_REPORTED_OF_PUBLISHED = ("19.batch_order", "19.padding", "19.phi_rotation")
"""What the publication's network does not keep: it sees phi itself, and its sums depend on the batch by rounding."""


class AuditedSample(NamedTuple):
    """Events, their true efficiencies (n_jets, K) if they are known, and those of models by name."""

    events: JetEvents
    truth: Floats | None
    models: Mapping[str, ModelEfficiencies]


class AuditResult(NamedTuple):
    """The artefacts as JSON texts: all figures, row by row; and what plots draw.

    `deepsf.efficiency.audit.results.EfficiencyClosure.from_json` reads the latter.
    """

    audit: str
    closure: str


def audit_efficiencies(  # noqa: PLR0913 - becomes fewer
    *,
    provenance: Mapping[str, str | int],
    config_name: str,
    seeds: Mapping[str, int],
    samples: Mapping[str, AuditedSample],
    settings: EfficiencyAudit,
    nominal: EnsembleSettings,
    hadron_flavours: Mapping[str, Sequence[int]],
    working_point: str | None = None,
    coverage: Mapping[str, Mapping[str, float]] | None = None,
    ensemble: Evaluates | None = None,
    toy: EfficiencyToy | None = None,
    n_members_used: int | None = None,
    further: Mapping[str, Row] | None = None,
) -> AuditResult:
    """Compare all models to direct tags, and to the truth where it is known.

    Parameters
    ----------
    provenance
        ``commit``, ``cpu``, ``cores``: written as they are.
    seeds
        Seeds that the figures depend on; ``audit`` is added.
    samples
        ``test``, independent of the training; ``scalar``, another process; ``train``, with efficiencies that were
        cross-fitted. Only the first is needed.
    settings
        Bins, seeds and limits.
    nominal
        The ensemble's settings; its ``model`` must be among the models of every sample.
    hadron_flavours
        Codes of each flavour.
    working_point
        That counts as a tag; the loosest by default.
    coverage
        What `deepsf.efficiency.audit.coverage.coverage` returns.
    ensemble
        The ensemble itself, for what it must not depend on, and for truth tagging with it.
    toy
        Settings of generated samples.
    n_members_used
        Of how many members the ensemble consists; by default as many as the test sample's efficiencies have.
    further
        Rows made elsewhere, such as the agreement of exports.

    Raises
    ------
    ValueError
        If there is no test sample, the ensemble's model is missing, efficiencies do not belong to the events, or a
        limit is given for a row that there is not.
    """
    _check(samples, nominal.model)
    test = samples[TEST]
    points = test.events.working_points
    point = points.index(working_point) if working_point is not None else 0
    closure = _closure(samples, nominal.model, point, settings)
    figures = {name: sample_figures(*sample, point, settings.low_pt_gev) for name, sample in samples.items()}
    used = n_members_used or closure.n_members.get(closure.nominal, nominal.n_members)
    rows = {
        **sample_rows(Findings(figures, closure, points, point, settings.low_pt_gev)),
        **_own_rows(test, nominal.model, point),
        **({} if coverage is None else coverage_rows(coverage)),
        **({} if toy is None else _scalar_rows(toy, samples)),
        "27.members": Row(used / nominal.n_members, "members of the ensemble over those configured"),
        **(further or {}),
    }
    if ensemble is not None:
        mean = test.models[nominal.model].mean
        rows |= _symmetry_rows(ensemble, test.events, settings.seed)
        rows |= tagging_rows(test.events, mean, point, hadron_flavours, ensemble, settings.seed)
    report = {
        **provenance,
        "config": config_name,
        "seeds": {**seeds, "audit": settings.seed},
        "model": closure.nominal,
        "working_point": closure.working_point,
        "members": {"used": used, "configured": nominal.n_members},
        "rows": judged(rows, _limits(settings, nominal.model), default_limits=settings.default_limits),
        "samples": tables(figures, closure.samples, closure.flavours),
        "correlation": closure.correlation,
        "spread": closure.spread,
        "non_closure": closure.non_closure,
    }
    return AuditResult(json.dumps(plain(report), indent=1, allow_nan=False), closure.to_json())


def _closure(
    samples: Mapping[str, AuditedSample], nominal: str, point: int, settings: EfficiencyAudit
) -> EfficiencyClosure:
    test = samples[TEST]
    edges = _edges(settings, [sample.events for sample in samples.values()])
    cells = {
        "pt_gev": np.array(settings.non_closure_pt_gev, np.float64),
        "delta_r": np.array(settings.non_closure_delta_r, np.float64),
    }
    return EfficiencyClosure(
        flavours=test.events.flavours,
        working_point=test.events.working_points[point],
        nominal=nominal,
        n_members={name: len(model.members) for name, model in test.models.items() if model.members is not None},
        samples={name: _sample_closure(sample, edges, point) for name, sample in samples.items()},
        reliability={name: reliability(test.events, model.mean, point) for name, model in test.models.items()},
        correlation=_correlations(test, nominal, point, settings.seed),
        spread=_spread(test, nominal, point),
        non_closure=non_closure(test.events, test.models[nominal], test.truth, cells, point),
    )


def _limits(settings: EfficiencyAudit, model: str) -> dict[str, Limit]:
    return {**(dict.fromkeys(_REPORTED_OF_PUBLISHED) if model == "gnn_2004_02665" else {}), **settings.limits}


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


def _sample_closure(sample: AuditedSample, edges: Mapping[str, Floats], point: int) -> SampleClosure:
    events, truth, models = sample
    return SampleClosure(
        n_events=len(events),
        has_truth=truth is not None,
        regions=region_yields(events, models, truth, edges, point),
        n_tags=n_tag_yields(events, models, truth, point),
        profiles=jet_profiles(events, models, truth, {name: edges[name] for name in JET_VARIABLES}, point),
    )


def _correlations(sample: AuditedSample, nominal: str, point: int, seed: int) -> dict[str, TagCorrelation]:
    events, truth, models = sample
    found = {name: tag_correlation(events, model.mean, point) for name, model in models.items()}
    if truth is None:
        return found
    drawn = draw_tags(truth, events.offsets, np.random.SeedSequence([seed, 0x636F7272]), INJECTED_CORRELATION)
    injected = tag_correlation(events, models[nominal].mean, point, drawn)
    return {**found, "truth": tag_correlation(events, truth, point), "injected": injected}


def _spread(sample: AuditedSample, nominal: str, point: int) -> SpreadCheck | None:
    members, events = sample.models[nominal].members, sample.events
    if sample.truth is None or members is None or len(members) < 2:
        return None
    return spread_check(members[:, :, point], sample.truth[:, point], events.flavour, len(events.flavours))


def _own_rows(test: AuditedSample, nominal: str, point: int) -> dict[str, Row]:
    efficiency = test.models[nominal].mean
    total = sum_of_probabilities(test.events, efficiency, point)
    rows = {"15.sum_of_probabilities": Row(total, "largest deviation of an event's sum over N of P(=N) from 1")}
    if efficiency.shape[1] > 1:
        text = "largest rise of an efficiency from a working point to the next tighter one"
        rows["17.monotone"] = Row(largest_increase(efficiency), text)
    return rows


def _scalar_rows(toy: EfficiencyToy, samples: Mapping[str, AuditedSample]) -> dict[str, Row]:
    scalar = samples.get(SCALAR)
    return {} if scalar is None or scalar.truth is None else scalar_rows(toy, scalar.events, scalar.truth)


def _symmetry_rows(ensemble: Evaluates, events: JetEvents, seed: int) -> dict[str, Row]:
    found = symmetries(ensemble, events, seed)
    return {
        "19.permutation": Row(
            found.permutation, "largest change of an efficiency under permutation of an event's jets"
        ),
        "19.phi_rotation": Row(found.phi_rotation, "largest change under rotation of the event in phi"),
        "19.batch_order": Row(found.batch_order, "largest change when events come in reverse order"),
        "19.padding": Row(found.padding, "largest change without the events of most jets"),
        "19.single_jet": Row(found.n_bad_single, "events of one jet whose efficiency is not between 0 and 1"),
        "26.not_finite": Row(found.n_not_finite, "jets far out of range whose efficiency is not a number above 0"),
        "26.flagged": Row(found.flagged, "share of jets far out of range that are flagged"),
    }
