"""Section of the exports: names, eras and forms of the files that analyses download."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from deepsf.config.base import Count, Edges, OptionalName, Section

Form = Literal["strict", "safe", "csv", "deepsf", "direct"]
NETWORK_FORMS: tuple[Form, ...] = ("deepsf", "direct")


class MapEdges(Section):
    """Bins of the normalisation maps; the outer ones are open."""

    n_jets: Edges = Field(default=(2, 3, 4, 5, 6, 7), description="edges in the number of jets")
    ht_gev: Edges = Field(default=(0, 75, 100, 150, 200, 300, 500, 10000), description="edges in HT [GeV]")


class DeepSFTable(Section):
    """Size of the tables of ensembles, whose cells lie in log(pT), |eta| and logit(discriminant)."""

    n_pt: Count = Field(default=8, description="cells in pT; more follow the ensemble more closely in a larger file")
    n_abseta: Count = Field(default=6, description="cells in |eta|")
    n_discriminant: Count = Field(default=24, description="cells in the discriminant")
    n_jets: Count = Field(default=20_000, description="jets of each flavour at which table and ensemble are compared")


class Exports(Section):
    """Files for analyses; every default follows from tagger and campaign."""

    name: OptionalName = Field(default="", description="name of the correction; empty: the tagger's name and _shape")
    era: str = Field(default="", description="era that the files state; empty: campaign.era")
    description: str = Field(default="", description="text to add to the descriptions in the files")
    forms: tuple[Form, ...] = Field(
        default=("strict", "safe", "csv", "deepsf", "direct"),
        min_length=1,
        description="files to write; for a shift that a flavour lacks, strict is an error and safe gives central; "
        "direct is left out with direct: null",
    )
    correlated: tuple[str, ...] | None = Field(
        default=None,
        description="sources that are correlated between eras, as files call them, all others are not; null: by kind, "
        "as CMS combines years",
    )
    statistics: Literal["shapes", "eigenvectors"] = Field(
        default="shapes",
        description="form of the statistical error: two shapes a region, as in files of CMS, or the eigenvectors of "
        "the covariance; files hold one of them, since they are the same error",
    )
    deepsf: DeepSFTable = DeepSFTable()
    normalisation: MapEdges = MapEdges()

    def shape_name(self, tagger: str) -> str:
        """Return the name of the shape correction of a tagger."""
        return self.name or f"{tagger}_shape"

    def files(self, tagger: str) -> dict[str, str]:
        """Return the names of the files by form, and that of the normalisation maps, ``maps``, which always exist."""
        name = self.shape_name(tagger)
        names = {
            "strict": f"{name}.json.gz",
            "safe": f"{name}_safe.json.gz",
            "csv": f"{name}.csv.gz",
            "deepsf": f"{tagger}_deepsf.json.gz",
            "direct": f"{tagger}_direct.json.gz",
        }
        return {**{form: names[form] for form in self.forms}, "maps": "normalisation_maps.json"}


def file_problems(exports: Exports, tagger: str) -> Iterator[str]:
    """Yield forms that would be written to one file."""
    forms: dict[str, str] = {}
    for form, name in exports.files(tagger).items():
        if (other := forms.setdefault(name, form)) != form:
            yield f"exports.name: {exports.name!r} gives the forms {other} and {form} one file, {name}; choose another"
