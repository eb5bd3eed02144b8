"""Section of the binned measurement."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from deepsf.config.base import Count, Edges, Fraction, Positive, Section, Seed


class Bins(Section):
    """Binning of one flavour's scale factor. A first discriminant bin below 0 holds the invalid scores."""

    pt_gev: Edges = Field(description="edges in pT [GeV]; the last bin has no upper limit")
    abseta: Edges = Field(description="edges in |eta|")
    discriminant: Edges = Field(description="edges in the discriminant, the first below 0 and the second 0")

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
    """Discriminant bins that balance the expected error of the scale factor against the width of the bins."""

    n_fine: int = Field(default=100, ge=2, description="equal steps of valid discriminants that bins are built from")
    max_error: Positive = Field(default=0.5, description="bins with a larger relative error grow first")
    contamination: Fraction = Field(default=0.2, description="relative uncertainty of the contamination")


class Binned(Section):
    """Iterative tag and probe in bins, arXiv:1712.07158."""

    bins: dict[str, Bins] = Field(description="binning by flavour")
    optimise: OptimisedBinning | None = Field(
        default=None, description="choose the discriminant edges and keep the numbers of bins; null: edges as given"
    )
    max_change: Positive = Field(default=1e-6, description="converged when no scale factor changes by more than this")
    max_iterations: Count = Field(default=50, description="error if there is no convergence after this many iterations")
    smooth_in: Literal["logit", "identity"] = Field(
        default="logit", description="transform of the discriminant in which values between bins are interpolated"
    )
    contamination: Literal["smooth", "binned"] = Field(
        default="smooth",
        description="scale factors of contamination and tag jets: the curve through the bins, or the bins themselves",
    )
    min_effective_entries: float = Field(
        default=10.0,
        ge=0.0,
        description="a bin is measured if its simulated jets of the flavour have the statistics of at least so many "
        "jets of weight 1, (sum w)^2 / sum w^2",
    )
    n_bootstrap: int = Field(default=100, ge=0, description="event bootstraps for the statistical errors; 0: none")
    bootstrap_seed: Seed = 1

    @model_validator(mode="after")
    def _fine_enough(self) -> Binned:
        most = max((len(bins.discriminant) - 2 for bins in self.bins.values()), default=0)
        if self.optimise is not None and self.optimise.n_fine < most:
            raise ValueError(f"optimise.n_fine = {self.optimise.n_fine} steps are fewer than the {most} bins; raise it")
        return self
