"""Section of what simulation gets wrong besides the scale factor: the unkind toy."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from deepsf.config.base import Section

Process = Literal["ttbar", "zjets", "zcc"]
JetFlavour = Literal["b", "c", "udsg"]
"""Of generated jets, whatever the campaign calls its flavours."""
RankCorrelation = Annotated[float, Field(ge=0.0, le=0.85)]
PT_RANGE_GEV = (20.0, 600.0)
"""Slopes in pT end here."""
_FREQUENCIES = (0.1, 3.0)


class Departure(Section):
    """How jets of one flavour in one process of pseudo-data depart from simulation."""

    rate: float = Field(
        default=0.0, description="relative excess of such jets in pseudo-data at pT = 60 GeV; of the two leading jets"
    )
    pt_slope: float = Field(
        default=0.0,
        description="change of the excess with pT: jets are more frequent by 1 + rate + pt_slope ln(pT/60 GeV)/ln 3",
    )
    score_slope: float = Field(
        default=0.0,
        ge=-0.9,
        le=0.9,
        description="slope s in the score: the process has its own scale factor, the true one times 1 + s (2u - 1), u "
        "the fraction of simulated jets with a smaller score; the same as a composition that is wrong by score",
    )

    def frequency(self, log_pt: Any) -> Any:
        """Return how often there are such jets, over simulation, at ln(pT / 60 GeV): a number, or an array."""
        return 1.0 + self.rate + self.pt_slope * log_pt / math.log(3.0)

    @model_validator(mode="after")
    def _possible(self) -> Departure:
        low, high = _FREQUENCIES
        for pt_gev in PT_RANGE_GEV:
            frequency = self.frequency(math.log(pt_gev / 60.0))
            if not low <= frequency <= high:
                raise ValueError(
                    f"rate = {self.rate:g} and pt_slope = {self.pt_slope:g} make jets of {pt_gev:g} GeV "
                    f"{frequency:.3g} times as frequent; it must lie within {low:g} and {high:g}: lower either"
                )
        return self


class Mismodelling(Section):
    """What pseudo-data have and simulation lacks, besides the scale factor; no method corrects for it."""

    tag_probe_correlation: RankCorrelation = Field(
        default=0.0,
        description="rank correlation of the scores of two jets of an event of pseudo-data, at given flavours and "
        "kinematics; the distribution of each jet's score stays as it is",
    )
    departures: dict[Process, dict[JetFlavour, Departure]] = Field(
        default_factory=dict, description="by process and flavour: wrong composition, and scale factors of the process"
    )

    def of(self, process: Process | None) -> dict[JetFlavour, Departure]:
        """Return the departures of a process; there are none for None."""
        return {} if process is None else self.departures.get(process, {})
