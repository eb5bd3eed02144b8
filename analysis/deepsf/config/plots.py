"""Section of everything that changes figures and nothing else."""

from __future__ import annotations

from pydantic import Field

from deepsf.config.base import Section


class Reference(Section):
    """A scale factor from elsewhere, drawn beside the measured ones."""

    file: str
    name: str
    systematic: str = "central"
    label: str


class FlavourStyle(Section):
    """Label and colour of one flavour."""

    label: str
    colour: str


class Plots(Section):
    """Everything that changes figures and nothing else."""

    experiment: str = "DeepSF"
    label: str = Field(default="", description="text after the experiment's name, e.g. Preliminary")
    discriminant_label: str = "b-tag discriminant"
    flavours: dict[str, FlavourStyle] = Field(default_factory=dict)
    regions: dict[str, str] = Field(default_factory=dict, description="labels by region")
    colours: dict[str, str] = Field(default_factory=dict, description="by method: binned, deepsf, truth, reference")
    reference: Reference | None = None
    dpi: int = Field(default=150, ge=50, le=600)
