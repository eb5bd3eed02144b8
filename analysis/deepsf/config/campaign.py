"""Section of the campaign."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from deepsf.config.base import Positive, Section


def _rising(runs: tuple[int, int]) -> tuple[int, int]:
    if not 0 < runs[0] <= runs[1]:
        raise ValueError(f"first and last run must be positive and rise, got {runs[0]} and {runs[1]}")
    return runs


RunRange = Annotated[tuple[int, int], AfterValidator(_rising)]
"""First and last run, both included."""


def _of_server(address: str) -> str:
    if not re.fullmatch(r"root://[^/\s]+/{0,2}", address):
        raise ValueError("must be the address of a server without a path, as root://xrootd-cms.infn.it")
    return address


Redirector = Annotated[str, AfterValidator(_of_server)]
OnBadFile = Literal["fail", "skip"]


class Campaign(Section):
    """The data-taking period: its luminosity scales the simulation, and exported corrections name it."""

    era: str = Field(description="name of the data-taking period, e.g. 2017_UL")
    energy_tev: Positive = Field(description="centre-of-mass energy [TeV]")
    luminosity_ifb: Positive = Field(description="integrated luminosity of the data [1/fb]")
    certified: str | None = Field(
        default=None,
        description="JSON of the certified luminosity blocks (golden JSON), outside of which data are dropped; data "
        "files need it, or certified: null in words, if they hold certified blocks alone",
    )
    runs: tuple[RunRange, ...] = Field(
        default=(),
        description="ranges [first run, last run] of the data-taking period; a certified event of another run is an "
        "error",
    )
    data_order: tuple[str, ...] = Field(
        default=(),
        description="overlapping data samples in their order: an event counts in the first one that takes its channel "
        "and run and has a trigger of the channel that fired",
    )
    redirectors: tuple[Redirector, ...] = Field(
        default=(),
        description="servers that are asked in this order for files named /store/..., and for a root:// file whose own "
        "server fails, e.g. [root://xrootd-cms.infn.it]",
    )
    on_bad_file: OnBadFile = Field(
        default="fail",
        description="what a file means that cannot be read, on disk or from any server: an error, or a file less, "
        "which the cut flow names",
    )


def order_problems(campaign: Campaign, data_samples: Sequence[str]) -> Iterator[str]:
    """Yield entries of ``data_order`` that are no data samples, and what is named twice."""
    order = campaign.data_order
    for name in dict.fromkeys(order):
        if name not in data_samples:
            yield f"campaign.data_order: {name!r} is not one of the data samples {list(data_samples)}"
        if order.count(name) > 1:
            yield f"campaign.data_order: {name!r} is named twice"
