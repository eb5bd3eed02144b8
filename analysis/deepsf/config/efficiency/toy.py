"""Section of the toy: jets with known tagging efficiencies."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from itertools import pairwise
from typing import Annotated

from pydantic import Field, model_validator

from deepsf.config.base import Count, Fraction, Name, NonNegative, OpenFraction, Positive, Section, Seed

Efficiency01 = Annotated[float, Field(gt=0.0, le=1.0)]


class BaseEfficiency(Section):
    """Efficiency of a jet alone: scale tanh(t0 + t1 x) exp(-falling x) (1 + rising x) (1 + eta (|eta|/2.5)^2).

    x is pT/100 GeV; without ``tanh`` that factor is 1.
    """

    scale: Positive = Field(description="overall factor")
    tanh: tuple[float, float] | None = Field(default=None, description="t0 and t1 of the rise with pT; null: none")
    falling: NonNegative = Field(default=0.0, description="rate of the exponential fall, per 100 GeV of pT")
    rising: NonNegative = Field(default=0.0, description="slope of the linear rise, per 100 GeV of pT")
    eta: float = Field(default=0.0, gt=-1.0, description="relative change from |eta| = 0 to 2.5")


class Neighbours(Section):
    """Each neighbour j multiplies the efficiency of jet i by 1 - amplitude exp(-(DeltaR_ij / width)^2)."""

    width: dict[str, Positive] = Field(description="range in DeltaR by the neighbour's flavour")
    amplitude: dict[str, dict[str, float]] = Field(
        description="by the jet's flavour, then by the neighbour's; negative: the neighbour raises the efficiency"
    )

    @model_validator(mode="after")
    def _factors(self) -> Neighbours:
        for flavour, row in self.amplitude.items():
            for other, value in row.items():
                if not -5.0 <= value < 1.0:
                    raise ValueError(
                        f"amplitude.{flavour}.{other} = {value:g} must lie in [-5, 1): the factor is positive"
                    )
        return self


class ToyKinematics(Section):
    """Kinematics of the toy: half-normal pT, the other jets around the first one."""

    pt_min_gev: Positive = Field(default=20.0, description="smallest pT of a jet [GeV]")
    pt_sigma_gev: Positive = Field(default=200.0, description="width of the half-normal pT spectrum [GeV]")
    pt_max_gev: Positive = Field(default=1000.0, description="largest pT of a jet [GeV]")
    eta_sigma: Positive = Field(default=0.5, description="width of the first jet's eta")
    eta_max_leading: Positive = Field(default=2.0, description="largest |eta| of the first jet")
    abseta_max: Positive = Field(default=2.5, description="largest |eta| of the other jets")
    delta_r_min: Positive = Field(default=0.011, description="smallest distance of the other jets to the first")
    delta_r_max: Positive = Field(default=3.0, description="largest distance of the other jets to the first")
    n_extra_max: int = Field(default=4, ge=0, le=20, description="largest number of jets beyond the first two")
    n_extra_mean: Positive = Field(default=4.0, description="mean of the exponential law of that number")
    single_jet_fraction: Fraction = Field(default=0.0, description="fraction of events that keep only one jet")

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

    mass_gev: Positive = Field(default=90.0, description="mass of the scalar [GeV]")
    pt_mean_gev: Positive = Field(default=150.0, description="mean of its exponential pT spectrum [GeV]")
    rapidity_sigma: Positive = Field(default=0.8, description="width of its rapidity")
    n_events: Count = Field(default=300_000, description="events of the sample")


class EfficiencyToy(Section):
    """Events of jets with known efficiencies."""

    seed: Seed = 1
    n_train: Count = Field(default=1_000_000, description="events to train on")
    n_test: Count = Field(default=300_000, description="events of the test sample")
    kinematics: ToyKinematics = ToyKinematics()
    base: dict[str, BaseEfficiency] = Field(description="efficiency of a jet alone, by flavour")
    neighbours: Neighbours
    working_points: dict[Name, dict[str, Efficiency01]] = Field(
        default={"M": {}},
        min_length=1,
        description="by name: factor on the efficiency by flavour, 1 if not given; tighter points have smaller ones",
    )
    efficiency_min: OpenFraction = Field(
        default=1e-4, description="lower limit of efficiencies, before the factors of working points"
    )
    efficiency_max: OpenFraction = Field(default=0.99, description="upper limit of efficiencies")
    max_clipped_fraction: Fraction = Field(
        default=1e-3, description="error above this fraction of jets that are moved to one of these limits"
    )
    latent_correlation: float = Field(
        default=0.0, ge=0.0, lt=1.0, description="correlation of the tags of an event's jets, by a Gaussian copula"
    )
    hidden_variable: float = Field(
        default=0.0,
        ge=0.0,
        le=0.3,
        description="size a of a hidden variable: efficiencies are multiplied by 1 + a h, with h normal and unknown",
    )
    negative_weight_fraction: float = Field(
        default=0.0, ge=0.0, lt=0.4, description="fraction of events with a negative weight"
    )
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


def toy_problems(toy: EfficiencyToy, flavours: Collection[str]) -> Iterator[str]:
    """Yield what does not fit the flavours, and working points that are not nested."""
    for key, given in (
        ("base", set(toy.base)),
        ("neighbours.width", set(toy.neighbours.width)),
        ("neighbours.amplitude", set(toy.neighbours.amplitude)),
        *((f"neighbours.amplitude.{flavour}", set(row)) for flavour, row in toy.neighbours.amplitude.items()),
    ):
        if given != set(flavours):
            yield f"efficiency.toy.{key}: needs exactly the flavours {list(flavours)}, got {sorted(given)}"
    yield from working_point_problems(toy, flavours, "efficiency.toy.working_points")


def working_point_problems(toy: EfficiencyToy, flavours: Collection[str], key: str) -> Iterator[str]:
    """Yield factors of unknown flavours, and pairs of working points that are not nested; ``key`` is where they are."""
    for name, factors in toy.working_points.items():
        for flavour in factors:
            if flavour not in flavours:
                yield f"{key}.{name}.{flavour}: not one of the flavours {list(flavours)}"
    for (loose, low), (tight, high) in pairwise(toy.nested_points.items()):
        for flavour in flavours:
            if high.get(flavour, 1.0) > low.get(flavour, 1.0):
                yield (
                    f"{key}: not nested for {flavour}, {tight} ({high.get(flavour, 1.0):g}) passes more jets than "
                    f"{loose} ({low.get(flavour, 1.0):g}), but not of all flavours"
                )
