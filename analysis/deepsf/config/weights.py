"""Sections of how events are weighted and scale factors normalised."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from deepsf.config.base import Count, Section


class EventWeight(Section):
    """How simulated entries are weighted; the same for every method (``design``: weights)."""

    jets: Literal["all_jets", "contamination_only"] = Field(
        default="all_jets",
        description="which jets' scale factors weight an event: that of CMS-DP-2019-003, or of the CMS code",
    )
    kappa: bool = Field(default=True, description="normalise simulation to data per (pT, |eta|) bin of the probe jet")
    n_pt: Count = 20
    n_abseta: Count = 6


class Normalisation(Section):
    """Scale factors are divided by their mean per quantile bin of (pT, |eta|) on the inclusive jets of a flavour."""

    n_pt: Count = 10
    n_abseta: Count = 3
    max_jets: Count = Field(
        default=200_000, description="jets of a flavour used, taken evenly from the inclusive sample"
    )
