"""Sections of the tagger and of the jet flavours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import Field

from deepsf.config.base import Fraction, Section
from deepsf.config.binned import Bins


class Tagger(Section):
    """The discriminant to calibrate."""

    name: str = Field(description="name of the tagger in exported files, e.g. deepJet")
    branch: str = Field(description="jet branch without the collection's name, e.g. btagDeepFlavB")
    working_points: dict[str, float] = Field(min_length=1, description="lower limit on the discriminant by name")
    max_invalid_fraction: Fraction = Field(
        default=0.05, description="error above this fraction of selected jets with a NaN or negative score"
    )


class Flavour(Section):
    """A jet flavour by its hadron-flavour codes; every code belongs to exactly one flavour."""

    hadron_flavours: tuple[int, ...] = Field(min_length=1, description="values of Jet_hadronFlavour, e.g. [5]")
    scale_factor: Literal["measured", "unity"] = Field(
        default="measured", description="measured in a region that enriches the flavour, or fixed to 1"
    )


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
