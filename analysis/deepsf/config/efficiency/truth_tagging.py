"""Section of truth tagging."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from deepsf.config.base import Count, NonNegative, Positive, Section, Seed

NumberOfTags = Annotated[int, Field(ge=0)]
_USUAL = "M"


class Taggable(Section):
    """Jets that may be tagged; the others still are neighbours of these."""

    pt_min_gev: NonNegative = Field(default=20.0, description="smallest pT [GeV]")
    abseta_max: Positive = Field(default=2.5, description="largest |eta|")
    n_leading: Count | None = Field(default=None, description="only this many of the hardest jets; null: all")


class TaggedScaleFactors(Section):
    """Scale factors of tagged and untagged jets from a correctionlib file, exported here or public by CMS."""

    file: str = Field(description="path of the correctionlib file")
    names: tuple[str, ...] = Field(
        min_length=1,
        description="names of corrections of working points that together cover the flavours, or of one of shapes",
    )
    systematic: str = Field(default="central", description="value of their input systematic")


class TruthTagging(Section):
    """Weights and draws of events instead of cuts on the tagger."""

    working_point: str | None = Field(
        default=None,
        description="working point of a tag; null: M where there is one, else the middle one, the looser of two",
    )
    exactly: tuple[NumberOfTags, ...] = Field(default=(1, 2), description="weights for exactly these numbers of tags")
    at_least: tuple[NumberOfTags, ...] = Field(default=(1, 2), description="weights for at least these numbers of tags")
    taggable: Taggable = Taggable()
    seed: Seed = 1
    scale_factors: TaggedScaleFactors | None = None


def tag_point(names: Sequence[str], chosen: str | None = None) -> str:
    """Return the working point that counts as a tag.

    Parameters
    ----------
    names
        All working points from the loosest to the tightest, at least one.
    chosen
        That of the configuration; None: M where there is one, else the middle one, the looser of two.
    """
    if chosen is not None:
        return chosen
    return _USUAL if _USUAL in names else names[(len(names) - 1) // 2]
