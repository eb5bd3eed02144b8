"""Sections of how events are weighted and scale factors normalised."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import Field

from deepsf.config.base import Count, Fraction, NonNegative, Positive, Section


class EventWeight(Section):
    """Weights of simulated probe entries, the same for every method (docs/physics.md, Weights of simulation)."""

    jets: Literal["all_jets", "contamination_only"] = Field(
        default="all_jets",
        description="tag jets whose scale factors weight an event: all (CMS-DP-2019-003), or those of other flavours "
        "than the region's (CMS code)",
    )
    kappa: bool = Field(
        default=True, description="normalise simulation to data in bins of (pT, |eta|) of the probe jet"
    )
    n_pt: Count = Field(default=20, description="quantile bins of kappa in pT")
    n_abseta: Count = Field(default=6, description="quantile bins of kappa in |eta|")
    contamination: dict[str, Positive] = Field(
        default_factory=dict,
        description="by region, factor on the simulation of other flavours than the enriched one, such as that of the "
        "audit; empty: 1",
    )


def contamination_problems(event_weight: EventWeight, regions: Mapping[str, Any]) -> Iterator[str]:
    """Yield factors of the contamination of regions that do not exist."""
    for name in event_weight.contamination:
        if name not in regions:
            yield f"event_weight.contamination.{name}: not one of the regions {list(regions)}"


class Normalisation(Section):
    """Scale factors are divided by their mean per quantile bin of (pT, |eta|) on the inclusive jets of a flavour."""

    n_pt: Count = Field(default=10, description="quantile bins in pT")
    n_abseta: Count = Field(default=3, description="quantile bins in |eta|")
    max_jets: Count = Field(
        default=200_000, description="jets of each flavour to use, taken evenly from the inclusive sample"
    )


class Extrapolation(Section):
    """Scores beyond which no region determines a flavour's scale factor; networks are held at their value there."""

    purity: Fraction = Field(
        default=0.3,
        description="a scale factor counts as measured where the flavour is at least this fraction of a region's jets; "
        "0: everywhere",
    )
    counting_error: Positive = Field(
        default=0.2,
        description="or where all data with scores beyond give a common scale factor with at most this error",
    )
    contamination: NonNegative = Field(
        default=0.2,
        description="relative error of the contamination, which gives that of a held scale factor: times "
        "(1 - purity) / purity",
    )

    @property
    def error(self) -> float:
        """Relative error of a scale factor beyond its limits; 0 without limits."""
        return self.contamination * (1.0 - self.purity) / self.purity if self.purity > 0 else 0.0
