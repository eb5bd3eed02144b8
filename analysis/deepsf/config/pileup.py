"""Section of the pile-up weights."""

from __future__ import annotations

from pydantic import Field

from deepsf.config.base import Section


class Pileup(Section):
    """Pile-up weights from a correctionlib file, evaluated at Pileup_nTrueInt."""

    file: str = Field(description="path of the correctionlib file")
    name: str = Field(description="name of the correction in the file")
    weights: str = Field(default="nominal", description="value of the string input, if the correction has one")
    shifts: tuple[str, str] | None = Field(
        default=("up", "down"), description="values of that input for pileup_up and pileup_down; null: no shifts"
    )
