"""Section of the efficiency maps."""

from __future__ import annotations

from pydantic import Field

from deepsf.config.base import Edges, NonNegative, Section


class EfficiencyMaps(Section):
    """Bins of the efficiency maps; jets beyond the pT range go into the first or last bin."""

    pt_gev: Edges = Field(default=tuple(20.0 + 580.0 / 19 * k for k in range(20)), description="edges in pT [GeV]")
    eta: Edges = Field(default=tuple(-2.5 + 0.5 * k for k in range(11)), description="edges in eta")
    delta_r: Edges = Field(
        default=(0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 2.5, 3.2),
        description="edges in DeltaR to the closest jet, for the map with it; the last bin is open and holds lone jets",
    )
    prior_jets: NonNegative = Field(
        default=0.5,
        description="jets added to each bin with the tag rate of all eta, which keeps sparse bins off 0 and 1",
    )
    n_replicas: int = Field(default=20, ge=2, description="Poisson bootstraps by event for the maps' errors")
