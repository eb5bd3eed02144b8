"""Section of truth tagging."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Self

from pydantic import Field, model_validator

from deepsf.config.base import NAME_RULE, Count, NonNegative, Positive, Section, Seed, is_name

NumberOfTags = Annotated[int, Field(ge=0)]
_USUAL = "M"


class Taggable(Section):
    """Jets that may be tagged; the others still are neighbours of these."""

    pt_min_gev: NonNegative = Field(default=20.0, description="smallest pT [GeV]")
    abseta_max: Positive = Field(
        default=2.5, description="|eta| of such jets is below this, within the range of scale factors"
    )
    n_leading: Count | None = Field(default=None, description="only this many of the hardest jets; null: all")


class TaggedScaleFactors(Section):
    """Scale factors of tagged and untagged jets from a correctionlib file, exported here or public by CMS."""

    file: str = Field(description="path of the correctionlib file")
    names: tuple[str, ...] = Field(
        min_length=1,
        description="names of corrections of working points that together cover the flavours, or of one of shapes",
    )
    systematics: dict[str, str | dict[str, str]] = Field(
        default_factory=dict,
        description="by name, what varies: a key of the input systematic, for all corrections that have it, or a key "
        "for each correction; the rest is central. One * in key and name stands for any part",
    )

    @model_validator(mode="after")
    def _check_systematics(self) -> Self:
        if problems := [*_systematic_problems(self.systematics, self.names)]:
            raise ValueError("; ".join(problems))
        return self


def _systematic_problems(
    systematics: Mapping[str, str | Mapping[str, str]], corrections: Sequence[str]
) -> Iterator[str]:
    """Yield what cannot be right in any file: columns bear the names."""
    for name, given in systematics.items():
        keys = {given} if isinstance(given, str) else set(given.values())
        if not is_name(name.replace("*", "x")):
            yield f"systematics.{name}: {NAME_RULE}, since columns bear it"
        if not keys:
            yield f"systematics.{name}: varies nothing; name a key, or leave it out"
        stars = {text.count("*") for text in (name, *keys)}
        if len(stars) > 1 or max(stars) > 1:
            yield f"systematics.{name}: {sorted(keys)} and the name must all have one *, or none"
        for correction in (key for key in ({} if isinstance(given, str) else given) if key not in corrections):
            close = difflib.get_close_matches(correction, corrections, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"names has {list(corrections)}"
            yield f"systematics.{name}.{correction}: no such correction; {hint}"


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

    @property
    def selection_names(self) -> tuple[str, ...]:
        """Numbers of tags as columns and rows of the audit name them, such as ``at_least_2``."""
        return (*(f"exactly_{n}" for n in self.exactly), *(f"at_least_{n}" for n in self.at_least))


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
