"""Section of truth tagging."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from deepsf.config.base import Count, NonNegative, Positive, Section, Seed

NumberOfTags = Annotated[int, Field(ge=0)]


class Taggable(Section):
    """Jets that may be tagged; all others stay in the graph of those."""

    pt_min_gev: NonNegative = 20.0
    abseta_max: Positive = 2.5
    n_leading: Count | None = Field(default=None, description="only so many jets, the hardest; all by default")


class TaggedScaleFactors(Section):
    """Scale factors of tagged and untagged jets: a correctionlib file, ours or a public one of CMS."""

    file: str
    names: tuple[str, ...] = Field(
        min_length=1, description="corrections of working points that share the flavours; or one of shapes"
    )
    systematic: str = "central"


class TruthTagging(Section):
    """Weights and draws of events instead of cuts on the tagger."""

    working_point: str | None = Field(default=None, description="that counts as a tag; the loosest by default")
    exactly: tuple[NumberOfTags, ...] = (1, 2)
    at_least: tuple[NumberOfTags, ...] = (1, 2)
    taggable: Taggable = Taggable()
    seed: Seed = 1
    scale_factors: TaggedScaleFactors | None = None
