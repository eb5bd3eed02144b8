"""Sections of the efficiency parametrisation (arXiv:2004.02665): toy, maps, networks, truth tagging, audit."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from pydantic import Field

from deepsf.config.base import OpenFraction, Section, Seed
from deepsf.config.efficiency.audit import EfficiencyAudit, limit_problems
from deepsf.config.efficiency.audit_rows import (
    NEEDS,
    POINTS_OF_SAMPLES,
    SCALE_FACTORS,
    SEVERAL_POINTS,
    row_names,
)
from deepsf.config.efficiency.events import EfficiencyEvents, event_problems, nesting_problems
from deepsf.config.efficiency.experiments import EfficiencyExperiments, experiment_problems, experiments_of
from deepsf.config.efficiency.maps import EfficiencyMaps
from deepsf.config.efficiency.networks import NETWORKS, CrossFit, EfficiencyEnsemble, EfficiencyModels, NetworkName
from deepsf.config.efficiency.processes import EfficiencyProcesses, process_problems, transfer_names
from deepsf.config.efficiency.ratio import EfficiencyRatio, ratio_problems
from deepsf.config.efficiency.toy import EfficiencyToy, toy_problems
from deepsf.config.efficiency.truth_tagging import TruthTagging

_COMPARISONS: Mapping[NetworkName, int] = {"closest_jet": 3, "pairwise": 3}


def _comparisons(given: Mapping[str, Any]) -> dict[NetworkName, int]:
    model = given["ensemble"].model if "ensemble" in given else None
    return {name: number for name, number in _COMPARISONS.items() if name != model}


def _working_points(given: Mapping[str, Any]) -> tuple[str, ...] | None:
    return ("M",) if given.get("toy") is None else None


class EfficiencySplit(Section):
    """Division of events into training and test sample, of skims and of files without a test sample."""

    test_fraction: OpenFraction = Field(default=0.25, description="fraction of the events in the test sample")
    seed: Seed = 1


class Efficiency(Section):
    """Jet tagging efficiencies as a function of the whole event, and truth tagging."""

    toy: EfficiencyToy | None = Field(default=None, description="generated jets; null: the campaign's skims")
    events: EfficiencyEvents | None = Field(default=None, description="events in files; null: a toy or skims")
    working_points: tuple[str, ...] | None = Field(
        default_factory=_working_points,
        min_length=1,
        description="working points from loose to tight, of the tagger of skims or of the tag bins in files; toys have "
        "their own",
    )
    split: EfficiencySplit = EfficiencySplit()
    processes: EfficiencyProcesses = EfficiencyProcesses()
    maps: EfficiencyMaps = EfficiencyMaps()
    models: EfficiencyModels = EfficiencyModels()
    ensemble: EfficiencyEnsemble = EfficiencyEnsemble()
    comparisons: dict[NetworkName, int] = Field(
        default_factory=_comparisons,
        description="number of members of other networks",
    )
    cross_fit: CrossFit = CrossFit()
    truth_tagging: TruthTagging = TruthTagging()
    ratio: EfficiencyRatio | None = Field(
        default=None, description="scale factors of tag bins measured on the toy; null: not measured"
    )
    experiments: EfficiencyExperiments | None = Field(
        default=None, description="single networks on changed toys or with other settings, for the audit; null: none"
    )
    audit: EfficiencyAudit = EfficiencyAudit()

    @property
    def wp_names(self) -> tuple[str, ...]:
        """Working points from the loosest to the tightest."""
        return tuple(self.toy.nested_points) if self.toy is not None else self.working_points or ()

    @property
    def transfer_names(self) -> tuple[str, ...]:
        """Samples of other processes, of files or of skims; those of toys have no names."""
        return transfer_names(self.processes.transfer, None if self.events is None else self.events.transfer)

    def row_names(self, flavours: Iterable[str]) -> dict[str, str]:
        """Return the rows of the campaign's audit by name, with their meaning."""
        points = self.wp_names
        present = {name for name in ("toy", "ratio", "experiments") if getattr(self, name) is not None}
        if len(points) > 1:
            present.add(POINTS_OF_SAMPLES)
        networks = (self.ensemble.model, *(name for name in self.comparisons if name != self.ensemble.model))
        if self.toy is not None and self.experiments is not None and "working_points" in experiments_of(self.toy):
            points = tuple(self.experiments.working_points)
            present.add("experiments.working_points")
        if len(points) > 1:
            present.add(SEVERAL_POINTS)
        if self.transfer_names:
            present.add("transfer")
        if self.truth_tagging.scale_factors is not None:
            present.add(SCALE_FACTORS)
        tags = self.truth_tagging.selection_names
        return row_names(sorted(flavours), networks, points, {*present, *networks}, self.transfer_names, tags)

    def possible_rows(self, flavours: Iterable[str]) -> dict[str, str]:
        """Return the rows that the audit would have with all sections and networks."""
        experiments = self.experiments or EfficiencyExperiments()
        points = dict.fromkeys((*self.wp_names, *experiments.working_points))
        of_all = tuple(points), NEEDS, self.transfer_names, self.truth_tagging.selection_names
        rows = (row_names(sorted(flavours), (model, *NETWORKS), *of_all) for model in NETWORKS)
        return {name: meaning for names in rows for name, meaning in names.items()}


def efficiency_problems(
    efficiency: Efficiency,
    flavours: Collection[str],
    working_points: Mapping[str, float] | None,
    simulated: Collection[str] = (),
) -> Iterator[str]:
    """Yield what does not fit flavours, the tagger's working points, simulated samples, or other parts."""
    yield from process_problems(efficiency.processes, simulated)
    yield from _source_problems(efficiency, flavours, working_points or {})
    yield from limit_problems(efficiency.audit, efficiency.row_names(flavours), efficiency.possible_rows(flavours))
    chosen = efficiency.truth_tagging.working_point
    if chosen is not None and chosen not in efficiency.wp_names:
        yield f"efficiency.truth_tagging.working_point: {chosen!r} is not one of {list(efficiency.wp_names)}"
    for name in NETWORKS:
        for flavour in getattr(efficiency.models, name).untagged_weight:
            if flavour not in flavours:
                yield f"efficiency.models.{name}.untagged_weight.{flavour}: not one of the flavours {list(flavours)}"
    if efficiency.ensemble.model in efficiency.comparisons:
        yield _model_of_the_ensemble(efficiency.ensemble.model, efficiency.comparisons)
    for name, number in efficiency.comparisons.items():
        if number < 1:
            yield f"efficiency.comparisons.{name} = {number}: must be at least 1; leave the network out instead"


def _source_problems(
    efficiency: Efficiency, flavours: Collection[str], working_points: Mapping[str, float]
) -> Iterator[str]:
    """Yield problems of the toy or, without one, of what skims need and cannot have."""
    toy, ratio, experiments = efficiency.toy, efficiency.ratio, efficiency.experiments
    if ratio is not None:
        yield from ratio_problems(ratio, flavours)
    if toy is None:
        if efficiency.events is not None:
            yield from event_problems(efficiency.events, efficiency.working_points)
        else:
            yield from _tagger_problems(efficiency.working_points, working_points)
        if ratio is not None:
            yield "efficiency.ratio: an experiment on generated jets, needs efficiency.toy; leave it out"
        if experiments is not None:
            yield "efficiency.experiments: they are on generated jets, need efficiency.toy; leave them out"
        return
    if efficiency.events is not None:
        yield "efficiency.events: files beside a toy; give one of the two, and leave out the other"
    yield from toy_problems(toy, flavours)
    if experiments is not None:
        yield from experiment_problems(experiments, toy, flavours)
    if efficiency.working_points is not None:
        yield (
            f"efficiency.working_points = {list(efficiency.working_points)}: of the tagger, for events of skims; toys "
            "have those of efficiency.toy.working_points, leave these out"
        )


def _tagger_problems(names: tuple[str, ...] | None, known: Mapping[str, float]) -> Iterator[str]:
    if names is None:
        yield "efficiency.working_points: null is for toys; name those of the tagger, or leave it out"
        return
    if unknown := [name for name in names if name not in known]:
        yield f"efficiency.working_points: {unknown} are not among the tagger's {list(known)}"
        return
    yield from nesting_problems(names, known)


def _model_of_the_ensemble(model: NetworkName, comparisons: Mapping[NetworkName, int]) -> str:
    others = {name: number for name, number in comparisons.items() if name != model}
    others = others or {next(name for name in NETWORKS if name != model): 3}
    named = ", ".join(f"{name}: {number}" for name, number in others.items())
    return (
        f"efficiency.comparisons.{model}: is the model of the ensemble itself; name the others under "
        f"efficiency.comparisons without it, such as {{{named}}}, or set it to null where an extended file has it"
    )
