"""Sections of the tagger and of the jet flavours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Literal

from pydantic import Field

from deepsf.config.base import Fraction, Name, Section
from deepsf.config.binned import Bins


class Tagger(Section):
    """The discriminant to calibrate."""

    name: Name = Field(description="name of the tagger in exported files, e.g. deepJet")
    branch: str = Field(description="jet branch without the collection's name, e.g. btagDeepFlavB")
    working_points: dict[Name, float] = Field(min_length=1, description="lower limit on the discriminant by name")
    max_invalid_fraction: Fraction = Field(
        default=0.05, description="error above this fraction of selected jets with a NaN or negative score"
    )


class Flavour(Section):
    """A jet flavour by its hadron-flavour codes; every code belongs to exactly one flavour."""

    hadron_flavours: tuple[int, ...] = Field(min_length=1, description="values of Jet_hadronFlavour, e.g. [5]")
    scale_factor: Literal["measured", "unity"] = Field(
        default="measured", description="measured in a region that enriches the flavour, or fixed to 1"
    )


def working_point_problems(points: Mapping[str, float], upper: float) -> Iterator[str]:
    """Yield working points that the discriminant, between 0 and ``upper``, never reaches, and such that are not nested.

    Names have an order only by convention: L, M, T, XT, XXT.
    """
    for name, cut in points.items():
        if not 0.0 < cut < upper:
            yield f"tagger.working_points.{name} = {cut:g}: the discriminant lies between 0 and {upper:g}"
    for loose, tight in pairwise(name for name in ("L", "M", "T", "XT", "XXT") if name in points):
        if points[loose] > points[tight]:
            yield (
                f"tagger.working_points: not nested, {loose} cuts at {points[loose]:g} and {tight} at "
                f"{points[tight]:g}; a tighter one cuts at a higher value"
            )
    for one, other in pairwise(sorted(points, key=lambda name: points[name])):
        if points[one] == points[other]:
            yield f"tagger.working_points: {one} and {other} both cut at {points[one]:g}; keep one of them"


def hadron_flavours(flavours: Mapping[str, Flavour]) -> dict[str, tuple[int, ...]]:
    """Return the hadron-flavour codes of each flavour."""
    return {name: flavour.hadron_flavours for name, flavour in flavours.items()}


def measured_flavours(flavours: Mapping[str, Flavour]) -> tuple[str, ...]:
    """Return the flavours whose scale factor is measured, in the order of the configuration."""
    return tuple(name for name, flavour in flavours.items() if flavour.scale_factor == "measured")


def code_problems(flavours: Mapping[str, Flavour]) -> Iterator[str]:
    """Yield hadron flavours that belong to two flavours."""
    owner: dict[int, str] = {}
    for name, flavour in flavours.items():
        for code in flavour.hadron_flavours:
            if code in owner:
                yield f"flavours.{name}: hadron flavour {code} already belongs to {owner[code]}"
            owner.setdefault(code, name)


def bins_problems(bins: Mapping[str, Bins], flavours: Mapping[str, Flavour]) -> Iterator[str]:
    """Yield measured flavours without a binning, and binnings of unknown flavours."""
    for name in measured_flavours(flavours):
        if name not in bins:
            yield f"binned.bins: no binning for the measured flavour {name}"
    for name in bins:
        if name not in flavours:
            yield f"binned.bins.{name}: not one of the flavours {list(flavours)}"
