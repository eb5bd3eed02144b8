"""Section of the toy: jets with known tagging efficiencies."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated

from pydantic import Field, model_validator

from deepsf.config.base import Count, Fraction, NonNegative, OpenFraction, Positive, Section, Seed
from deepsf.config.flavours import Flavour

Efficiency01 = Annotated[float, Field(gt=0.0, le=1.0)]


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
        problems = []
        for key, given in (
            ("base", set(self.base)),
            ("neighbours.width", set(self.neighbours.width)),
            ("neighbours.amplitude", set(self.neighbours.amplitude)),
            *((f"neighbours.amplitude.{own}", set(row)) for own, row in self.neighbours.amplitude.items()),
        ):
            if given != set(flavours):
                problems.append(
                    f"efficiency.toy.{key}: needs exactly the flavours {list(flavours)}, got {sorted(given)}"
                )
        for name, factors in self.working_points.items():
            problems += [
                f"efficiency.toy.working_points.{name}.{flavour}: not one of the flavours {list(flavours)}"
                for flavour in factors
                if flavour not in flavours
            ]
        for (loose, low), (tight, high) in pairwise(self.nested_points.items()):
            problems += [
                f"efficiency.toy.working_points: not nested for {flavour}, {tight} ({high.get(flavour, 1.0):g}) passes "
                f"more jets than {loose} ({low.get(flavour, 1.0):g}), but not of all flavours"
                for flavour in flavours
                if high.get(flavour, 1.0) > low.get(flavour, 1.0)
            ]
        return problems
