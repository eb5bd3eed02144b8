"""Section of the figures' looks."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from deepsf.config.base import Section


def _different(formats: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(formats)) < len(formats):
        raise ValueError("each format is made once; leave out what is there twice")
    return formats


Formats = Annotated[tuple[Literal["pdf", "png"], ...], Field(min_length=1), AfterValidator(_different)]


class Reference(Section):
    """A scale factor from elsewhere, drawn beside the measured ones."""

    file: str = Field(description="path of the correctionlib file")
    name: str = Field(description="name of the correction in the file")
    systematic: str = Field(default="central", description="value of its input systematic")
    label: str = Field(description="text in the legend")


class FlavourStyle(Section):
    """Label and colour of one flavour."""

    label: str = Field(description="text in the legend, e.g. b jets")
    colour: str = Field(description='colour as in matplotlib, e.g. "#3f90da"')


class Plots(Section):
    """Looks of the figures; a change redraws them and nothing else."""

    experiment: str = Field(default="DeepSF", description="name in bold at the top of each figure")
    label: str = Field(default="", description="text after the experiment's name, e.g. Preliminary")
    discriminant_label: str = Field(default="b-tag discriminant", description="axis title of the discriminant")
    flavours: dict[str, FlavourStyle] = Field(default_factory=dict, description="label and colour by flavour")
    regions: dict[str, str] = Field(default_factory=dict, description="label by region")
    colours: dict[str, str] = Field(
        default_factory=dict, description="colour by method: binned, deepsf, truth, reference"
    )
    reference: Reference | None = None
    formats: Formats = Field(default=("pdf", "png"), description="files of each figure; PDF takes most of the time")
    dpi: int = Field(default=150, ge=50, le=600, description="resolution of the PNG files [dots per inch]")
