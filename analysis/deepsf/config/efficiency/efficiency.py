"""Sections of the efficiency parametrisation (arXiv:2004.02665): toy, maps, networks, truth tagging, audit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

from pydantic import Field, field_validator

from deepsf.config.base import Edges, NonNegative, OpenFraction, Section, Seed
from deepsf.config.efficiency.audit import EfficiencyAudit
from deepsf.config.efficiency.audit_rows import NEEDS, SEVERAL_POINTS, row_names
from deepsf.config.efficiency.experiments import EfficiencyExperiments, experiments_of
from deepsf.config.efficiency.networks import NETWORKS, CrossFit, EfficiencyEnsemble, EfficiencyModels, NetworkName
from deepsf.config.efficiency.ratio import EfficiencyRatio
from deepsf.config.efficiency.toy import EfficiencyToy
from deepsf.config.efficiency.truth_tagging import TruthTagging
from deepsf.config.flavours import Flavour

_COMPARISONS: Mapping[NetworkName, int] = {"closest_jet": 3, "pairwise": 3}


def _comparisons(given: Mapping[str, Any]) -> dict[NetworkName, int]:
    model = given["ensemble"].model if "ensemble" in given else None
    return {name: number for name, number in _COMPARISONS.items() if name != model}


def _working_points(given: Mapping[str, Any]) -> tuple[str, ...] | None:
    return ("M",) if given.get("toy") is None else None


class EfficiencyMaps(Section):
    """Bins of the efficiency maps; what lies beyond the pT range goes into the first or last bin."""

    pt_gev: Edges = tuple(20.0 + 580.0 / 19 * k for k in range(20))
    eta: Edges = tuple(-2.5 + 0.5 * k for k in range(11))
    delta_r: Edges = Field(
        default=(0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 2.5, 3.2),
        description="distance to the closest jet, of the map with DeltaR; the last bin is open and holds lone jets",
    )
    prior_jets: NonNegative = Field(
        default=0.5,
        description="jets that each bin gets in addition, tagged as those of all eta: keeps sparse bins off 0 and 1",
    )
    n_replicas: int = Field(default=20, ge=2, description="Poisson bootstraps by event, for the maps' errors")


class EfficiencySplit(Section):
    """How events of skims are divided; generated ones have samples of their own."""

    test_fraction: OpenFraction = 0.25
    seed: Seed = 1


class Efficiency(Section):
    """Jet tagging efficiencies as a function of the whole event, and truth tagging."""

    toy: EfficiencyToy | None = Field(default=None, description="generated jets; without it the campaign's skims")
    working_points: tuple[str, ...] | None = Field(
        default_factory=_working_points,
        min_length=1,
        description="of the tagger, loose to tight, for events of skims; toys have their own",
    )
    split: EfficiencySplit = EfficiencySplit()
    maps: EfficiencyMaps = EfficiencyMaps()
    models: EfficiencyModels = EfficiencyModels()
    ensemble: EfficiencyEnsemble = EfficiencyEnsemble()
    comparisons: dict[NetworkName, int] = Field(
        default_factory=_comparisons,
        description="members of other networks, by default without the ensemble's. Set one to null to drop it from an "
        "extended file",
    )
    cross_fit: CrossFit = CrossFit()
    truth_tagging: TruthTagging = TruthTagging()
    ratio: EfficiencyRatio | None = Field(
        default=None, description="scale factors of tag bins measured on the toy; null: not measured"
    )
    experiments: EfficiencyExperiments | None = Field(
        default=None, description="networks trained otherwise, or on changed toys, for the audit; null: none"
    )
    audit: EfficiencyAudit = EfficiencyAudit()

    @field_validator("comparisons", mode="before")
    @classmethod
    def _without_null(cls, given: Any) -> Any:
        return {name: n for name, n in given.items() if n is not None} if isinstance(given, Mapping) else given

    @property
    def wp_names(self) -> tuple[str, ...]:
        """Working points from the loosest to the tightest."""
        return tuple(self.toy.nested_points) if self.toy is not None else self.working_points or ()

    def row_names(self, flavours: Iterable[str]) -> dict[str, str]:
        """Return the rows of the campaign's audit by name, with their meaning."""
        points = self.wp_names
        present = {name for name in ("toy", "ratio", "experiments") if getattr(self, name) is not None}
        networks = (self.ensemble.model, *(name for name in self.comparisons if name != self.ensemble.model))
        if self.toy is not None and self.experiments is not None and "working_points" in experiments_of(self.toy):
            points = tuple(self.experiments.working_points)
            present.add("experiments.working_points")
        if len(points) > 1:
            present.add(SEVERAL_POINTS)
        return row_names(sorted(flavours), networks, points, {*present, *networks})

    def _possible_rows(self, flavours: Iterable[str]) -> dict[str, str]:
        """Return the rows that there could be with other sections and networks."""
        experiments = self.experiments or EfficiencyExperiments()
        points = dict.fromkeys((*self.wp_names, *experiments.working_points))
        rows = (row_names(sorted(flavours), (model, *NETWORKS), tuple(points), NEEDS) for model in NETWORKS)
        return {name: meaning for names in rows for name, meaning in names.items()}

    def problems(self, flavours: Mapping[str, Flavour], working_points: Mapping[str, float] | None) -> list[str]:
        """Return what does not fit the flavours and the tagger's working points, in words."""
        problems = [] if self.toy is None else self.toy.problems(flavours)
        if self.toy is None and self.working_points is None:
            problems.append("efficiency.working_points: null is for toys; name those of the tagger, or leave it out")
        elif self.toy is None:
            problems += _working_point_problems(self.wp_names, working_points or {})
        elif self.working_points is not None:
            problems.append(
                f"efficiency.working_points = {list(self.working_points)}: of the tagger, for events of skims; toys "
                "have those of efficiency.toy.working_points, leave these out"
            )
        problems += self.audit.problems(self.row_names(flavours), self._possible_rows(flavours))
        chosen = self.truth_tagging.working_point
        if chosen is not None and chosen not in self.wp_names:
            problems.append(f"efficiency.truth_tagging.working_point: {chosen!r} is not one of {list(self.wp_names)}")
        if self.ensemble.model in self.comparisons:
            problems.append(_own_comparison(self.ensemble.model, self.comparisons))
        for name in NETWORKS:
            problems += [
                f"efficiency.models.{name}.untagged_weight.{flavour}: not one of the flavours {list(flavours)}"
                for flavour in getattr(self.models, name).untagged_weight
                if flavour not in flavours
            ]
        if self.ratio is not None:
            problems += self.ratio.problems(flavours)
            if self.toy is None:
                problems.append("efficiency.ratio: an experiment on generated jets, needs efficiency.toy; leave it out")
        if self.experiments is not None:
            if self.toy is None:
                problems.append(
                    "efficiency.experiments: they are on generated jets, need efficiency.toy; leave them out"
                )
            else:
                problems += self.experiments.problems(self.toy, flavours)
        problems += [
            f"efficiency.comparisons.{name} = {number}: must be at least 1; leave the network out instead"
            for name, number in self.comparisons.items()
            if number < 1
        ]
        return problems


def _working_point_problems(names: tuple[str, ...], known: Mapping[str, float]) -> list[str]:
    unknown = [name for name in names if name not in known]
    if unknown:
        return [f"efficiency.working_points: {unknown} are not among the tagger's {list(known)}"]
    return [
        f"efficiency.working_points: not nested, {tight} cuts at {known[tight]:g} and {loose} before it at "
        f"{known[loose]:g}; order them from loose to tight"
        for loose, tight in pairwise(names)
        if not known[loose] < known[tight]
    ]


def _own_comparison(model: NetworkName, comparisons: Mapping[NetworkName, int]) -> str:
    others = {name: number for name, number in comparisons.items() if name != model}
    others = others or {next(name for name in NETWORKS if name != model): 3}
    named = ", ".join(f"{name}: {number}" for name, number in others.items())
    return (
        f"efficiency.comparisons.{model}: is the model of the ensemble itself; name the others under "
        f"efficiency.comparisons without it, such as {{{named}}}, or set it to null where an extended file has it"
    )
