"""Sections of the efficiency parametrisation (arXiv:2004.02665): toy, maps, networks, truth tagging, audit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from analysis.config.base import Count, Edges, Fraction, NonNegative, OpenFraction, Positive, Section, Seed
from analysis.config.efficiency_audit import EfficiencyAudit
from analysis.config.efficiency_experiments import EfficiencyExperiments
from analysis.config.efficiency_ratio import EfficiencyRatio
from analysis.config.events import Flavour

ModelName = Literal["map", "map_delta_r", "closest_jet", "product", "invariant", "paper"]
NetworkName = Literal["closest_jet", "product", "invariant", "paper"]
NETWORKS: tuple[NetworkName, ...] = ("closest_jet", "product", "invariant", "paper")
Efficiency01 = Annotated[float, Field(gt=0.0, le=1.0)]
NumberOfTags = Annotated[int, Field(ge=0)]
_COMPARISONS: Mapping[NetworkName, int] = {"closest_jet": 3, "product": 3}
_WORKING_POINTS = ("M",)


class BaseEfficiency(Section):
    """Efficiency of a jet alone: scale tanh(t0 + t1 x) exp(-falling x) (1 + rising x) (1 + eta (|eta|/2.5)^2).

    x is pT/100 GeV; without ``tanh`` that factor is 1.
    """

    scale: Positive
    tanh: tuple[float, float] | None = None
    falling: NonNegative = 0.0
    rising: NonNegative = 0.0
    eta: float = Field(default=0.0, gt=-1.0)


class Neighbours(Section):
    """Each neighbour j multiplies the efficiency of jet i by 1 - amplitude exp(-(DeltaR_ij / width)^2)."""

    width: dict[str, Positive] = Field(description="by the neighbour's flavour")
    amplitude: dict[str, dict[str, float]] = Field(
        description="by own flavour, then by the neighbour's; negative: a neighbour raises the efficiency"
    )

    @model_validator(mode="after")
    def _factors(self) -> Neighbours:
        for own, row in self.amplitude.items():
            for other, value in row.items():
                if not -5.0 <= value < 1.0:
                    raise ValueError(f"amplitude.{own}.{other} = {value:g} must lie in [-5, 1): the factor is positive")
        return self


class ToyKinematics(Section):
    """Kinematics of the toy: half-normal pT, the other jets around the first one."""

    pt_min_gev: Positive = 20.0
    pt_sigma_gev: Positive = 200.0
    pt_max_gev: Positive = 1000.0
    eta_sigma: Positive = 0.5
    eta_max_leading: Positive = 2.0
    abseta_max: Positive = 2.5
    delta_r_min: Positive = 0.011
    delta_r_max: Positive = 3.0
    n_extra_max: int = Field(default=4, ge=0, le=20, description="jets beyond the two of every event")
    n_extra_mean: Positive = Field(default=4.0, description="of the exponential law that their number is drawn from")
    single_jet_fraction: Fraction = Field(default=0.0, description="events whose second jet, and all others, is lost")

    @model_validator(mode="after")
    def _ranges(self) -> ToyKinematics:
        for low, high in (("pt_min_gev", "pt_max_gev"), ("delta_r_min", "delta_r_max")):
            if getattr(self, low) >= getattr(self, high):
                raise ValueError(f"{low} = {getattr(self, low):g} must be below {high} = {getattr(self, high):g}")
        if self.eta_max_leading > self.abseta_max:
            raise ValueError(
                f"eta_max_leading = {self.eta_max_leading:g} must be at most abseta_max = {self.abseta_max:g}"
            )
        if self.delta_r_max > math.pi:
            raise ValueError(f"delta_r_max = {self.delta_r_max:g} must be at most pi: beyond, phi comes round again")
        return self


class ScalarSample(Section):
    """The transfer sample: a scalar decaying to two quarks of one flavour."""

    mass_gev: Positive = 90.0
    pt_mean_gev: Positive = 150.0
    rapidity_sigma: Positive = 0.8
    n_events: Count = 300_000


class EfficiencyToy(Section):
    """Events of jets with known efficiencies."""

    seed: Seed = 1
    n_train: Count = 1_000_000
    n_test: Count = 300_000
    kinematics: ToyKinematics = ToyKinematics()
    base: dict[str, BaseEfficiency] = Field(description="by flavour")
    neighbours: Neighbours
    working_points: dict[str, dict[str, Efficiency01]] = Field(
        default={"M": {}},
        min_length=1,
        description="efficiency over that of the toy, by flavour; 1 if not given. They are nested",
    )
    efficiency_min: OpenFraction = Field(default=1e-4, description="before the factors of working points")
    efficiency_max: OpenFraction = 0.99
    max_clipped_fraction: Fraction = Field(
        default=1e-3, description="of a sample's jets, whose efficiency is moved into that range; more are an error"
    )
    latent_correlation: float = Field(
        default=0.0, ge=0.0, lt=1.0, description="of the tags of an event's jets, by a Gaussian copula"
    )
    hidden_variable: float = Field(
        default=0.0, ge=0.0, le=0.3, description="efficiencies weigh 1 + this h, h normal, unknown to all models"
    )
    negative_weight_fraction: float = Field(default=0.0, ge=0.0, lt=0.4)
    scalar: ScalarSample = ScalarSample()

    @model_validator(mode="after")
    def _range(self) -> EfficiencyToy:
        if self.efficiency_min >= self.efficiency_max:
            raise ValueError(
                f"efficiency_min = {self.efficiency_min:g} must be below efficiency_max = {self.efficiency_max:g}"
            )
        return self

    @property
    def nested_points(self) -> dict[str, dict[str, float]]:
        """Working points from the loosest to the tightest, whatever the order of keys in the file."""
        names = sorted(set().union(*self.working_points.values()))

        def looseness(name: str) -> tuple[float, str]:
            factors = self.working_points[name]
            return -sum(factors.get(flavour, 1.0) for flavour in names), name

        return {name: self.working_points[name] for name in sorted(self.working_points, key=looseness)}

    def problems(self, flavours: Mapping[str, Flavour]) -> list[str]:
        """Return what does not fit the flavours, and working points that are not nested, in words."""
        found = []
        for key, given in (
            ("base", set(self.base)),
            ("neighbours.width", set(self.neighbours.width)),
            ("neighbours.amplitude", set(self.neighbours.amplitude)),
            *((f"neighbours.amplitude.{own}", set(row)) for own, row in self.neighbours.amplitude.items()),
        ):
            if given != set(flavours):
                found.append(f"efficiency.toy.{key}: needs exactly the flavours {list(flavours)}, got {sorted(given)}")
        for name, factors in self.working_points.items():
            found += [
                f"efficiency.toy.working_points.{name}.{flavour}: not one of the flavours {list(flavours)}"
                for flavour in factors
                if flavour not in flavours
            ]
        for (loose, low), (tight, high) in pairwise(self.nested_points.items()):
            found += [
                f"efficiency.toy.working_points: not nested for {flavour}, {tight} ({high.get(flavour, 1.0):g}) passes "
                f"more jets than {loose} ({low.get(flavour, 1.0):g}), but not of all flavours"
                for flavour in flavours
                if high.get(flavour, 1.0) > low.get(flavour, 1.0)
            ]
        return found


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


class NetworkTraining(Section):
    """Training of an efficiency network: cross-entropy of the tag bit, or of the bins between working points."""

    passes: Positive = 8.0
    batch_events: int = Field(default=1024, ge=8)
    learning_rate: Positive = 2e-3
    learning_rate_warmup: Fraction = 0.05
    learning_rate_final: Fraction = 0.01
    weight_decay: NonNegative = Field(default=0.1, description="decoupled; of matrices alone, not of embeddings")
    resample: Literal["bootstrap", "none"] = Field(
        default="bootstrap", description="bootstrap: each member has its own Poisson bootstrap by event"
    )
    balance: Fraction = Field(
        default=0.5,
        description="flavours weigh (variance of the tag)^-balance in the loss, so that rarely tagged ones are not "
        "shaped after the others; their efficiencies are not changed",
    )
    untagged_weight: dict[str, OpenFraction] = Field(
        default_factory=dict,
        description="mu of arXiv:2004.02665, by flavour: untagged jets weigh this in the loss, undone in the result",
    )


class ClosestJet(NetworkTraining):
    """Feed-forward network on pT, eta, flavour, and distance and flavour of the closest jet."""

    layers: Count = 4
    units: Count = 128
    passes: Positive = 6.0
    weight_decay: NonNegative = 0.3


class Product(NetworkTraining):
    """Own efficiency times one factor for each neighbour."""

    units: Count = 64


class Invariant(NetworkTraining):
    """Graph network on distances and ratios of pT: invariant under rotation in phi and reflection in eta."""

    blocks: Count = 2
    units: Count = 32
    learning_rate: Positive = 4e-3


class Paper(NetworkTraining):
    """Graph network of arXiv:2004.02665: three blocks of 256, raw phi among its inputs."""

    blocks: Count = 3
    units: Count = Field(default=256, multiple_of=2, description="half of a jet itself, half of its neighbours")
    batch_events: int = Field(default=2048, ge=8)
    passes: Positive = 20.0


class EfficiencyModels(Section):
    """Settings of all networks."""

    closest_jet: ClosestJet = ClosestJet()
    product: Product = Product()
    invariant: Invariant = Invariant()
    paper: Paper = Paper()


class EfficiencyEnsemble(Section):
    """The network that is used: members with their own initialisation and Poisson bootstrap by event."""

    model: NetworkName = "invariant"
    n_members: int = Field(default=20, ge=2)
    seed: Seed = 1


class CrossFit(Section):
    """Two-fold: members trained on even events serve the odd ones, for events that are also trained on."""

    n_members: int = Field(default=2, ge=1, description="of each of the two folds")


class Taggable(Section):
    """Jets that may be tagged; all others stay in the graph of those."""

    pt_min_gev: NonNegative = 20.0
    abseta_max: Positive = 2.5
    n_leading: Count | None = Field(default=None, description="only so many jets, the hardest; all by default")


class TaggedScaleFactors(Section):
    """Scale factors of tagged and untagged jets: a correctionlib file, ours or a public one of CMS."""

    file: str
    names: tuple[str, ...] = Field(
        min_length=1, description="corrections of working points that share the flavours; or one of shapes"
    )
    systematic: str = "central"


class TruthTagging(Section):
    """Weights and draws of events instead of cuts on the tagger."""

    working_point: str | None = Field(default=None, description="that counts as a tag; the loosest by default")
    exactly: tuple[NumberOfTags, ...] = (1, 2)
    at_least: tuple[NumberOfTags, ...] = (1, 2)
    taggable: Taggable = Taggable()
    seed: Seed = 1
    scale_factors: TaggedScaleFactors | None = None


class EfficiencySplit(Section):
    """How events of skims are divided; generated ones have samples of their own."""

    test_fraction: OpenFraction = 0.25
    seed: Seed = 1


class Efficiency(Section):
    """Jet tagging efficiencies as a function of the whole event, and truth tagging."""

    toy: EfficiencyToy | None = Field(default=None, description="generated jets; without it the campaign's skims")
    working_points: tuple[str, ...] | None = Field(
        default=None,
        min_length=1,
        description="of the tagger, loose to tight, for events of skims; default: [M]. Toys have their own",
    )
    split: EfficiencySplit = EfficiencySplit()
    maps: EfficiencyMaps = EfficiencyMaps()
    models: EfficiencyModels = EfficiencyModels()
    ensemble: EfficiencyEnsemble = EfficiencyEnsemble()
    comparisons: dict[NetworkName, int] = Field(
        default=dict(_COMPARISONS),
        description="members of the other networks; by default without that of the ensemble. null: not this one, where "
        "a file that is extended has it",
    )
    cross_fit: CrossFit = CrossFit()
    truth_tagging: TruthTagging = TruthTagging()
    ratio: EfficiencyRatio | None = Field(
        default=None, description="scale factors of working-point bins measured on the toy; null: not measured"
    )
    experiments: EfficiencyExperiments | None = Field(
        default=None, description="networks trained otherwise, or on changed toys, for the audit; null: none"
    )
    audit: EfficiencyAudit = EfficiencyAudit()

    @model_validator(mode="before")
    @classmethod
    def _defaults_that_follow(cls, given: Any) -> Any:
        """Fill in what follows from other keys, so that whoever reads the section finds it there."""
        if not isinstance(given, Mapping):
            return given
        filled, is_toy = dict(given), given.get("toy") is not None
        audit = given.get("audit", {})
        if isinstance(audit, Mapping) and audit.get("default_limits") is None:
            filled["audit"] = {**audit, "default_limits": is_toy}
        if not is_toy and given.get("working_points") is None:
            filled["working_points"] = _WORKING_POINTS
        if "comparisons" not in given:
            ensemble = given.get("ensemble", {})
            model = ensemble.get("model") if isinstance(ensemble, Mapping) else getattr(ensemble, "model", None)
            filled["comparisons"] = {name: number for name, number in _COMPARISONS.items() if name != model}
        elif isinstance(given["comparisons"], Mapping):
            filled["comparisons"] = {name: n for name, n in given["comparisons"].items() if n is not None}
        return filled

    @property
    def wp_names(self) -> tuple[str, ...]:
        """Working points from the loosest to the tightest."""
        return tuple(self.toy.nested_points) if self.toy is not None else self.working_points or ()

    def problems(self, flavours: Mapping[str, Flavour], working_points: Mapping[str, float] | None) -> list[str]:
        """Return what does not fit the flavours and the tagger's working points, in words."""
        found = [] if self.toy is None else self.toy.problems(flavours)
        if self.toy is None:
            found += _working_point_problems(self.wp_names, working_points or {})
        elif self.working_points is not None:
            found.append(
                f"efficiency.working_points = {list(self.working_points)}: of the tagger, for events of skims; toys "
                "have those of efficiency.toy.working_points, leave these out"
            )
        found += self.audit.problems()
        chosen = self.truth_tagging.working_point
        if chosen is not None and chosen not in self.wp_names:
            found.append(f"efficiency.truth_tagging.working_point: {chosen!r} is not one of {list(self.wp_names)}")
        if self.ensemble.model in self.comparisons:
            found.append(_own_comparison(self.ensemble.model, self.comparisons))
        for name in NETWORKS:
            found += [
                f"efficiency.models.{name}.untagged_weight.{flavour}: not one of the flavours {list(flavours)}"
                for flavour in getattr(self.models, name).untagged_weight
                if flavour not in flavours
            ]
        if self.ratio is not None:
            found += self.ratio.problems(flavours)
            if self.toy is None:
                found.append("efficiency.ratio: an experiment on generated jets, needs efficiency.toy; leave it out")
        if self.experiments is not None:
            if self.toy is None:
                found.append("efficiency.experiments: they are on generated jets, need efficiency.toy; leave them out")
            else:
                found += self.experiments.problems(self.toy, flavours)
        found += [
            f"efficiency.comparisons.{name} = {number}: must be at least 1; leave the network out instead"
            for name, number in self.comparisons.items()
            if number < 1
        ]
        return found


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
