"""Section of the exports: names, eras and forms of the files that analyses download."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from analysis.config.base import Count, Edges, Section

Form = Literal["strict", "safe", "csv", "deepsf"]


class MapEdges(Section):
    """Bins of the normalisation maps; the outer ones are open."""

    n_jets: Edges = (2, 3, 4, 5, 6, 7)
    ht_gev: Edges = (0, 75, 100, 150, 200, 300, 500, 10000)


class DeepSFTable(Section):
    """Size of the table of the ensemble: cells in log(pT), |eta| and logit(discriminant), linear inside of each."""

    n_pt: Count = 10
    n_abseta: Count = 5
    n_discriminant: Count = 32
    n_jets: Count = Field(default=20_000, description="jets of a flavour at which the table is compared to the ensemble")


class Exports(Section):
    """Files for analyses; everything has a default that follows from tagger and campaign."""

    name: str = Field(default="", description="of the correction; default: the tagger's name and _shape")
    era: str = Field(default="", description="default: campaign.era")
    description: str = Field(default="", description="text added to the descriptions in the files")
    forms: tuple[Form, ...] = Field(default=("strict", "safe", "csv", "deepsf"), min_length=1)
    correlated: tuple[str, ...] = Field(
        default=("hf", "lf", "cferr1", "cferr2"), description="sources that are correlated between eras"
    )
    deepsf: DeepSFTable = DeepSFTable()
    normalisation: MapEdges = MapEdges()
