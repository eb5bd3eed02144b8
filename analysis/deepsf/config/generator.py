"""Section of the generator."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from deepsf.config.base import Count, OpenFraction, Positive, Section, Seed
from deepsf.config.mismodelling import Mismodelling, RankCorrelation
from deepsf.config.neighbours import NeighbourEffect
from deepsf.config.selection import Channel


class TrueScaleFactor(Section):
    """The injected scale factor: any correctionlib correction of (flavor, abseta, pt, discriminant[, systematic])."""

    file: str = Field(description="path of the correctionlib file")
    name: str = Field(description="name of the correction in the file")
    systematic: str = Field(default="central", description="value of its input systematic, if it has one")


class Generator(Section):
    """Generated ttbar and Z+jets events: simulation, and pseudo-data with an injected scale factor."""

    seed: Seed = 1
    nanoaod: Literal["v9", "v12", "v15"] = Field(
        default="v9", description="version of NanoAOD: branches, their names and types, taggers"
    )
    events_per_file: Count = Field(default=250_000, description="events of a file before the generator's filter")
    simulation_over_data: Positive = Field(
        default=2.0, description="luminosity of the simulation over that of the data"
    )
    purity_hf: OpenFraction = Field(
        default=0.85, description="fraction of b among probe jets of the standard HF region"
    )
    purity_lf: OpenFraction = Field(
        default=0.88, description="fraction of udsg among probe jets of the standard LF region"
    )
    negative_weight_fraction: float = Field(
        default=0.10, ge=0.0, lt=0.4, description="fraction of Z+jets events in simulation with a negative weight"
    )
    rate_offsets: dict[Channel, float] = Field(
        default_factory=dict, description="relative change of the pseudo-data rate by channel"
    )
    pt_tilt: float = Field(
        default=0.10,
        ge=-0.3,
        le=0.3,
        description="tilt t of the pT spectrum of pseudo-data: jets weigh 1 + t ln(pT/60 GeV)/ln 3",
    )
    true_sf: TrueScaleFactor
    tagger_correlation: RankCorrelation = Field(
        default=0.0,
        description="rank correlation of the scores that two taggers give a jet, at given flavour and kinematics, in "
        "simulation and pseudo-data alike",
    )
    neighbours: NeighbourEffect | None = Field(
        default=None, description="effect of jets on the scores of jets beside them, data alike; null: none"
    )
    mismodelling: Mismodelling = Mismodelling()

    @model_validator(mode="after")
    def _measurable(self) -> Generator:
        total = self.purity_hf + self.purity_lf
        if total < 1.2:
            raise ValueError(
                f"purity_hf + purity_lf = {total:g} is below 1.2: the two regions are too alike to tell b from udsg; "
                "raise either purity"
            )
        for channel, offset in self.rate_offsets.items():
            if abs(offset) > 0.5:
                raise ValueError(f"rate_offsets.{channel} = {offset:g} must lie within -0.5 and 0.5")
        return self
