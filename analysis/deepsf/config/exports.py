"""Section of the exports: names, eras and forms of the files that analyses download."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from deepsf.config.base import Count, Edges, Section

Form = Literal["strict", "safe", "csv", "deepsf"]


class MapEdges(Section):
    """Bins of the normalisation maps; the outer ones are open."""

    n_jets: Edges = (2, 3, 4, 5, 6, 7)
    ht_gev: Edges = (0, 75, 100, 150, 200, 300, 500, 10000)


class DeepSFTable(Section):
    """Size of the table of the ensemble: cells in log(pT), |eta| and logit(discriminant), linear inside of each.

    Cells end at the edges of the normalisation's bins besides, so that there are more than asked for.
    """

    n_pt: Count = 6
    n_abseta: Count = 6
    n_discriminant: Count = 24
    n_jets: Count = Field(default=20_000, description="jets of a flavour at which table and ensemble are compared")


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

    def shape_name(self, tagger: str) -> str:
        """Return the name of the shape correction of a tagger."""
        return self.name or f"{tagger}_shape"

    def files(self, tagger: str) -> dict[str, str]:
        """Return the names of the files by form; ``maps`` are the normalisation maps, which there always are."""
        name = self.shape_name(tagger)
        names = {
            "strict": f"{name}.json.gz",
            "safe": f"{name}_safe.json.gz",
            "csv": f"{name}.csv.gz",
            "deepsf": f"{tagger}_deepsf.json.gz",
        }
        return {**{form: names[form] for form in self.forms}, "maps": "normalisation_maps.json"}
