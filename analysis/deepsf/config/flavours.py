"""Sections of the tagger and of the jet flavours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from deepsf.config.base import Fraction, Section


class Tagger(Section):
    """The discriminant that is calibrated."""

    name: str
    branch: str = Field(description="jet branch without the collection's name, e.g. btagDeepFlavB")
    working_points: dict[str, float] = Field(min_length=1)
    max_invalid_fraction: Fraction = Field(
        default=0.05, description="error above this fraction of selected jets with a NaN or negative score"
    )


class Flavour(Section):
    """A jet flavour by its hadron-flavour codes; every code belongs to exactly one flavour."""

    hadron_flavours: tuple[int, ...] = Field(min_length=1)
    scale_factor: Literal["measured", "unity"] = "measured"


def hadron_flavours(flavours: Mapping[str, Flavour]) -> dict[str, tuple[int, ...]]:
    """Return the hadron-flavour codes of each flavour."""
    return {name: flavour.hadron_flavours for name, flavour in flavours.items()}


def measured_flavours(flavours: Mapping[str, Flavour]) -> tuple[str, ...]:
    """Return the flavours whose scale factor is measured, in the order of the configuration."""
    return tuple(name for name, flavour in flavours.items() if flavour.scale_factor == "measured")
