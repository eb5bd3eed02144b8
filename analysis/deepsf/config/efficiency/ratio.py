"""Section of the experiment that measures scale factors of tag bins on the toy of efficiencies."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from pydantic import Field, model_validator

from deepsf.config.base import (
    Count,
    Fraction,
    Layers,
    LearningRate,
    LearningRateFinal,
    LearningRateWarmup,
    Name,
    NonNegative,
    Positive,
    Section,
    Seed,
    Units,
)


class TrueTagScaleFactor(Section):
    """True scale factor in pseudo-data: constant + rise tanh((pT - pt_gev) / pt_gev) + eta (|eta|/2.5)^2."""

    constant: Positive = Field(description="value at pT = pt_gev and eta = 0")
    rise: float = Field(default=0.0, description="size of the change with pT")
    pt_gev: Positive = Field(default=100.0, description="pT in the middle of that change [GeV]")
    eta: float = Field(default=0.0, description="change from |eta| = 0 to 2.5")


class RatioFit(Section):
    """Networks of the scale factors of tag bins, and the cells of (pT, |eta|) in which their jets are summed."""

    n_pt: Count = Field(default=40, description="quantile cells in pT; efficiencies must hardly vary within one")
    n_abseta: Count = Field(default=8, description="quantile cells in |eta|")
    layers: Layers = 2
    units: Units = 16
    steps: Count = Field(default=1000, description="steps of the fit to data, each on all cells of all regions")
    simulation_steps: Count = Field(
        default=400, description="steps of the fits to simulation: efficiencies and compositions"
    )
    learning_rate: LearningRate = 5e-3
    learning_rate_warmup: LearningRateWarmup = 0.05
    learning_rate_final: LearningRateFinal = 0.01
    weight_decay: NonNegative = Field(
        default=1.0, description="decoupled weight decay (AdamW) of the fit to data, of matrices only"
    )


class EfficiencyRatio(Section):
    """Pseudo-data with known scale factors in regions of mixed flavours, and the fit that finds them."""

    seed: Seed = 1
    n_events: Count = Field(default=200_000, description="events of the toy whose jets give the kinematics")
    n_data: Positive = Field(default=5e7, description="jets of each region in pseudo-data")
    regions: dict[Name, dict[str, Fraction]] = Field(
        default={
            "hf": {"b": 0.70, "c": 0.10, "udsg": 0.20},
            "lf": {"b": 0.05, "c": 0.15, "udsg": 0.80},
            "c": {"b": 0.10, "c": 0.70, "udsg": 0.20},
        },
        min_length=1,
        description="fraction of each flavour by region; as many regions as flavours that are not fixed",
    )
    true_sf: dict[str, TrueTagScaleFactor] = Field(
        default={
            "b": TrueTagScaleFactor(constant=0.95, rise=0.03, pt_gev=150.0),
            "c": TrueTagScaleFactor(constant=1.10, rise=-0.05, pt_gev=100.0),
            "udsg": TrueTagScaleFactor(constant=1.30, eta=-0.10),
        },
        description="true scale factor by flavour",
    )
    fixed: dict[str, Positive] = Field(
        default_factory=dict, description="scale factors of tagged jets that are known, by flavour"
    )
    pt_tilt_gev: Positive = Field(default=2000.0, description="pseudo-data are weighted with exp(-pT / this) [GeV]")
    fit: RatioFit = RatioFit()

    @model_validator(mode="after")
    def _fractions(self) -> EfficiencyRatio:
        for name, mixture in self.regions.items():
            if abs(sum(mixture.values()) - 1.0) > 1e-6:
                raise ValueError(f"regions.{name}: fractions add up to {sum(mixture.values()):g}, must be 1")
        return self


def ratio_problems(ratio: EfficiencyRatio, flavours: Collection[str]) -> Iterator[str]:
    """Yield what does not fit the flavours, and fits without a unique solution."""
    given = {f"regions.{name}": set(mixture) for name, mixture in ratio.regions.items()}
    for key, names in {**given, "true_sf": set(ratio.true_sf)}.items():
        if names != set(flavours):
            yield f"efficiency.ratio.{key}: needs exactly the flavours {list(flavours)}, got {sorted(names)}"
    for name in ratio.fixed:
        if name not in flavours:
            yield f"efficiency.ratio.fixed.{name}: not one of the flavours {list(flavours)}"
    for name in flavours:
        if not any(mixture.get(name) for mixture in ratio.regions.values()):
            yield f"efficiency.ratio.regions: no region has {name} jets; give one a fraction of them"
    n_free = len(set(flavours) - set(ratio.fixed))
    if n_free == 0:
        yield "efficiency.ratio.fixed: all scale factors are taken as known, none is left to find"
    if n_free > len(ratio.regions):
        yield (
            f"efficiency.ratio.regions: {len(ratio.regions)} cannot tell {n_free} scale factors apart; add a "
            "region, or take one as known under fixed"
        )
