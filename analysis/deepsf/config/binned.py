"""Section of the binned measurement."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from deepsf.config.base import Count, Edges, Fraction, Positive, Section, Seed


class Bins(Section):
    """Binning of one flavour's scale factor. A first discriminant bin below 0 holds the invalid scores."""

    pt_gev: Edges = Field(description="the last bin is open upwards")
    abseta: Edges
    discriminant: Edges

    @model_validator(mode="after")
    def _invalid_bin(self) -> Bins:
        below = [edge for edge in self.discriminant if edge < 0]
        if len(below) != 1 or self.discriminant[1] != 0.0:
            raise ValueError(
                "discriminant edges must start with one edge below 0, then 0 (the bin of invalid scores), "
                f"got {self.discriminant[:3]}"
            )
        return self


class OptimisedBinning(Section):
    """Discriminant bins put where the expected error of the scale factor and the width of the bins balance."""

    n_fine: int = Field(default=100, ge=2, description="equal steps of valid discriminants that bins are made of")
    max_error: Positive = Field(default=0.5, description="bins of larger relative error grow first")
    contamination: Fraction = Field(default=0.2, description="relative uncertainty of the contamination")


class Binned(Section):
    """Iterative tag and probe in bins, arXiv:1712.07158."""

    bins: dict[str, Bins] = Field(description="by flavour")
    optimise: OptimisedBinning | None = Field(
        default=None, description="keep the numbers of bins, choose their discriminant edges; as they are by default"
    )
    max_change: Positive = Field(default=1e-6, description="converged when no scale factor moves by more")
    max_iterations: Count = 50
    smooth_in: Literal["logit", "identity"] = Field(
        default="logit", description="space of the discriminant in which bins are interpolated"
    )
    n_bootstrap: int = Field(default=100, ge=0, description="event bootstraps behind the statistical errors; 0: none")
    bootstrap_seed: Seed = 1

    @model_validator(mode="after")
    def _fine_enough(self) -> Binned:
        most = max((len(bins.discriminant) - 2 for bins in self.bins.values()), default=0)
        if self.optimise is not None and self.optimise.n_fine < most:
            raise ValueError(f"optimise.n_fine = {self.optimise.n_fine} steps are fewer than the {most} bins; raise it")
        return self
