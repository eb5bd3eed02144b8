"""Section of the validation, a region that the measurement never saw; phase spaces and what is compared in them."""

from __future__ import annotations

from pydantic import Field, model_validator

from deepsf.config.base import Edges, Section
from deepsf.config.selection import CHANNELS, Channel

N_JETS_FIRST, N_JETS_LAST = 2, 8
"""The last bin in the number of jets is open."""
RANKS = ("leading", "second", "further")
VARIABLES = (*RANKS, "n_jets", "ht")
SPACES = ("measurement", "closure", "validation")


class Validation(Section):
    """Events with more jets than the two of tag and probe: disjoint from all regions by construction."""

    n_jets_min: int = Field(
        default=3, ge=3, le=N_JETS_LAST, description="smallest number of jets; the measurement has exactly two"
    )
    n_jets_max: int | None = Field(
        default=None, lt=N_JETS_LAST, description="largest number of jets; null: no upper limit"
    )
    channels: tuple[Channel, ...] = Field(default=CHANNELS, min_length=1, description="channels to compare in")
    pt_gev: Edges = Field(
        default=(20, 25, 30, 36, 44, 55, 70, 100, 1000),
        description="edges in pT [GeV]; the tests leave the rate of jets free in each of these bins",
    )
    ht_gev: Edges = Field(
        default=(40, 60, 80, 100, 120, 150, 180, 220, 270, 350, 500, 1000), description="edges in HT [GeV]"
    )

    @model_validator(mode="after")
    def _some_jets(self) -> Validation:
        if self.n_jets_max is not None and self.n_jets_max < self.n_jets_min:
            raise ValueError(f"n_jets_max = {self.n_jets_max} is below n_jets_min = {self.n_jets_min}")
        return self

    @property
    def n_jets(self) -> tuple[int, int]:
        """First and last number of jets of the region; the last one may stand for more."""
        return self.n_jets_min, self.n_jets_max or N_JETS_LAST


def n_jets_of(space: str, validation: Validation) -> tuple[int, int]:
    """Return first and last number of jets of a phase space; `N_JETS_LAST` stands for more, too."""
    return {"measurement": (2, 2), "closure": (2, N_JETS_LAST), "validation": validation.n_jets}[space]


def variables_of(space: str) -> tuple[str, ...]:
    """Return the variables of a phase space; events of exactly two jets have no further ones."""
    return ("leading", "second", "ht") if space == "measurement" else VARIABLES
