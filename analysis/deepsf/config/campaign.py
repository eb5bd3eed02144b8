"""Section of the campaign."""

from __future__ import annotations

from pydantic import Field

from deepsf.config.base import Positive, Section


class Campaign(Section):
    """The data-taking period: its luminosity scales the simulation, and exported corrections name it."""

    era: str = Field(description="name of the data-taking period, e.g. 2017_UL")
    energy_tev: Positive = Field(description="centre-of-mass energy [TeV]")
    luminosity_ifb: Positive = Field(description="integrated luminosity of the data [1/fb]")
