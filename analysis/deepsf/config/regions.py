"""Section of the regions."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from deepsf.config.base import NonNegative, Positive, Section
from deepsf.config.selection import Channel


class SameFlavourCuts(Section):
    """Cuts on ee and mumu events of a region; emu events pass without them."""

    z_window: Literal["inside", "outside"]
    z_window_gev: Positive = 10.0
    met_min_gev: NonNegative | None = None
    met_max_gev: NonNegative | None = None
    pt_ll_min_gev: NonNegative | None = None
    z_diamond: bool = Field(default=False, description="the mll-MHT diamond of the CMS measurement around the Z")


class ColumnCut(Section):
    """Interval of a jet column, both ends excluded."""

    above: float | None = None
    below: float | None = None

    @model_validator(mode="after")
    def _cuts(self) -> ColumnCut:
        if self.above is None and self.below is None:
            raise ValueError("give above, below or both")
        return self


class Region(Section):
    """One flavour-enriched selection of tag-and-probe entries."""

    enriched_flavour: str
    channels: tuple[Channel, ...] = Field(min_length=1)
    n_jets: int = Field(default=2, ge=2, description="exact number of selected jets in the measurement")
    tag_above: str | float | None = Field(default=None, description="working point or value the tag jet must exceed")
    tag_below: str | float | None = Field(
        default=None, description="working point or value the tag jet must stay below"
    )
    tag_columns: dict[str, ColumnCut] = Field(
        default_factory=dict, description="further cuts on the tag jet, by column of selection.jet_columns"
    )
    same_flavour: SameFlavourCuts | None = None

    @model_validator(mode="after")
    def _tagged(self) -> Region:
        if self.tag_above is None and self.tag_below is None:
            raise ValueError("a region needs tag_above or tag_below: without a tag jet there is no probe jet")
        if self.n_jets != 2:
            raise ValueError("tag and probe is defined for n_jets: 2")
        return self
