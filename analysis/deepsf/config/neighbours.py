"""Section of the effect that generated jets have on the scores of jets beside them."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import Field, model_validator

from deepsf.config.base import NonNegative, Positive, Section
from deepsf.config.mismodelling import JetFlavour

_FLAVOURS = ("b", "c", "udsg")
_LOWEST = -5.0


class NeighbourEffect(Section):
    """Jets near other jets: the odds to pass any cut on the score are multiplied by a factor.

    Each neighbour j multiplies the odds of jet i by 1 - amplitude exp(-(DeltaR_ij / width)^2).
    """

    width: dict[JetFlavour, Positive] = Field(description="range in DeltaR by the neighbour's flavour: b, c and udsg")
    amplitude: dict[JetFlavour, dict[JetFlavour, float]] = Field(
        description="by the jet's flavour, then by the neighbour's; negative: the neighbour raises the odds"
    )
    pt_min_gev: NonNegative = Field(default=20.0, description="smallest pT of a neighbour [GeV]")
    abseta_max: Positive = Field(default=2.5, description="largest |eta| of a neighbour")

    @model_validator(mode="after")
    def _complete(self) -> NeighbourEffect:
        rows: dict[str, Iterable[str]] = {"width": self.width, "amplitude": self.amplitude}
        rows |= {f"amplitude.{flavour}": row for flavour, row in self.amplitude.items()}
        for key, given in rows.items():
            if set(given) != set(_FLAVOURS):
                raise ValueError(f"{key}: needs exactly the flavours {list(_FLAVOURS)}, got {sorted(given)}")
        for flavour, row in self.amplitude.items():
            for other, value in row.items():
                if not _LOWEST <= value < 1.0:
                    raise ValueError(
                        f"amplitude.{flavour}.{other} = {value:g} must lie in [{_LOWEST:g}, 1): the factor is positive"
                    )
        return self
