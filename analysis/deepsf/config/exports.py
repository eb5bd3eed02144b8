"""Section of the exports: names, eras and forms of the files that analyses download."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from deepsf.config.base import Count, Edges, Layers, LearningRate, OptionalName, Positive, Section, Seed, Units

Form = Literal["strict", "safe", "csv", "deepsf", "direct", "networks", "onnx"]
METHOD_OF: dict[Form, str] = {"deepsf": "deepsf", "direct": "direct", "networks": "deepsf", "onnx": "deepsf"}
"""The method, an ensemble of networks, that a form is of; other forms are of the binned scale factors."""


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


class Student(Section):
    """One small network a flavour that stands for the mean of the DeepSF ensemble in the file of networks."""

    layers: Layers = 4
    units: Units = 64
    steps: Count = Field(default=12_000, description="steps of the training, each of 256 jets")
    learning_rate: LearningRate = 6e-3
    n_jets: Count = Field(
        default=40_000,
        description="inclusive jets of each flavour to learn from; half as many lie evenly over the inputs' ranges",
    )
    seed: Seed = 1
    largest_error: Positive = Field(
        default=0.5,
        description="largest root mean square of student minus ensemble between two working points, in units of the "
        "statistical error's; more is an error",
    )


class Exports(Section):
    """Files for analyses; every default follows from tagger and campaign."""

    name: OptionalName = Field(default="", description="name of the correction; empty: the tagger's name and _shape")
    era: str = Field(default="", description="era that the files state; empty: campaign.era")
    description: str = Field(default="", description="text to add to the descriptions in the files")
    forms: tuple[Form, ...] = Field(
        default=("strict", "safe", "csv", "deepsf", "direct", "networks", "onnx"),
        min_length=1,
        description="files to write; for a shift that a flavour lacks, strict is an error and safe gives central; "
        "direct is left out with direct: null; networks and onnx are of deepsf",
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
    student: Student = Student()
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
            "networks": f"{tagger}_deepsf_networks.json.gz",
            "onnx": f"{tagger}_deepsf.onnx",
        }
        return {**{form: names[form] for form in self.forms}, "maps": "normalisation_maps.json"}


def file_problems(exports: Exports, tagger: str) -> Iterator[str]:
    """Yield forms that would be written to one file."""
    forms: dict[str, str] = {}
    for form, name in exports.files(tagger).items():
        if (other := forms.setdefault(name, form)) != form:
            yield f"exports.name: {exports.name!r} gives the forms {other} and {form} one file, {name}; choose another"
