"""Section of the regions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import Field, model_validator

from deepsf.config.base import NonNegative, Positive, Section
from deepsf.config.flavours import Flavour, Tagger, measured_flavours
from deepsf.config.selection import Channel, Selection


class SameFlavourCuts(Section):
    """Cuts on ee and mumu events of a region; emu events pass without them."""

    z_window: Literal["inside", "outside"] = Field(description="dilepton mass inside or outside of the window at the Z")
    z_window_gev: Positive = Field(default=10.0, description="half the width of the window [GeV]")
    met_min_gev: NonNegative | None = Field(default=None, description="smallest missing pT [GeV]; null: no limit")
    met_max_gev: NonNegative | None = Field(default=None, description="largest missing pT [GeV]; null: no limit")
    pt_ll_min_gev: NonNegative | None = Field(
        default=None, description="smallest pT of the dilepton system [GeV]; null: no limit"
    )
    z_diamond: bool = Field(default=False, description="also require the mll-MHT diamond of the CMS measurement")


class ColumnCut(Section):
    """Interval of a jet column, both ends excluded."""

    above: float | None = Field(default=None, description="lower limit; null: none")
    below: float | None = Field(default=None, description="upper limit; null: none")

    @model_validator(mode="after")
    def _cuts(self) -> ColumnCut:
        if self.above is None and self.below is None:
            raise ValueError("give above, below or both")
        return self


class Region(Section):
    """A selection of probe entries that enriches one flavour."""

    enriched_flavour: str = Field(description="flavour that is measured in this region")
    channels: tuple[Channel, ...] = Field(min_length=1, description="dilepton channels of the region")
    n_jets: int = Field(default=2, ge=2, description="exact number of selected jets; tag and probe needs 2")
    tag_above: str | float | None = Field(default=None, description="working point or value the tag jet must exceed")
    tag_below: str | float | None = Field(
        default=None, description="working point or value the tag jet must stay below"
    )
    tag_columns: dict[str, ColumnCut] = Field(
        default_factory=dict, description="more cuts on the tag jet, by column of selection.jet_columns"
    )
    same_flavour: SameFlavourCuts | None = None

    @model_validator(mode="after")
    def _tagged(self) -> Region:
        if self.tag_above is None and self.tag_below is None:
            raise ValueError("a region needs tag_above or tag_below: without a tag jet there is no probe jet")
        if self.n_jets != 2:
            raise ValueError("tag and probe is defined for n_jets: 2")
        return self


def tag_cut_problems(regions: Mapping[str, Region], upper: float) -> Iterator[str]:
    """Yield cuts on the tag jet that all jets or none pass; the discriminant lies between 0 and ``upper``."""
    for name, region in regions.items():
        for key, cut in (("tag_above", region.tag_above), ("tag_below", region.tag_below)):
            if isinstance(cut, float) and not 0.0 < cut < upper:
                yield f"regions.{name}.{key} = {cut:g}: the discriminant lies between 0 and {upper:g}"


def region_problems(
    regions: Mapping[str, Region], flavours: Mapping[str, Flavour], tagger: Tagger, selection: Selection
) -> Iterator[str]:
    """Yield names that no other section has, channels without trigger, and flavours without a region."""
    known = list(tagger.working_points)
    for name, region in regions.items():
        if region.enriched_flavour not in flavours:
            yield f"regions.{name}.enriched_flavour: {region.enriched_flavour!r} is not one of {list(flavours)}"
        for key in ("tag_above", "tag_below"):
            value = getattr(region, key)
            if isinstance(value, str) and value not in known:
                yield f"regions.{name}.{key}: {value!r} is not one of the working points {known}"
        for column in region.tag_columns:
            if column not in selection.jet_columns:
                yield (
                    f"regions.{name}.tag_columns.{column}: not one of selection.jet_columns "
                    f"{list(selection.jet_columns)}"
                )
        for channel in region.channels:
            if not selection.triggers.get(channel):
                yield f"selection.triggers: channel {channel} of region {name} has no trigger path"
    enriched = [region.enriched_flavour for region in regions.values()]
    for flavour in measured_flavours(flavours):
        if enriched.count(flavour) != 1:
            yield f"regions: flavour {flavour} is measured and needs exactly one region that enriches it"
