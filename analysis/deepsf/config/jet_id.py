"""Sections of the identification of jets, and of the maps of regions where jets are not to be trusted."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from deepsf.config.base import Fraction, NonNegative, Section

Cuts = Literal["run3", "v12", "ul_2016", "ul_2017"]


class JetId(Section):
    """Jet identification worked out from the jet's content: by a correctionlib file, or by published cuts.

    ``v12`` takes the stored bit and repairs what NanoAOD v12 to v14 store wrongly at |eta| > 2.7; ``run3``,
    ``ul_2016`` and ``ul_2017`` (also 2018) need energy fractions and multiplicities alone, as in v15.
    """

    file: str | None = Field(default=None, description="correctionlib file of identifications (jetid.json)")
    name: str | None = Field(default=None, description="name of the correction in the file, e.g. AK4PUPPI_Tight")
    cuts: Cuts | None = Field(default=None, description="published cuts on the jet's content, instead of a file")
    lepton_veto: bool = Field(default=False, description="with cuts: also veto jets that are leptons")

    @model_validator(mode="after")
    def _one_way(self) -> JetId:
        if (self.file is None) != (self.name is None):
            raise ValueError("file and name belong together; give both")
        if (self.file is None) == (self.cuts is None):
            raise ValueError("give either file and name, or cuts")
        if self.file is not None and self.lepton_veto:
            raise ValueError("lepton_veto belongs to cuts; with a file, name the correction with the veto")
        return self


class JetVeto(Section):
    """Map of detector regions to avoid: an event with a jet in one is rejected, in data and in simulation."""

    file: str = Field(description="correctionlib file of veto maps (jetvetomaps.json)")
    name: str = Field(description="name of the map in the file")
    type: str = Field(default="jetvetomap", description="value of the map's input type")
    pt_min_gev: NonNegative = Field(default=15.0, description="jets below this pT [GeV] veto nothing")
    em_fraction_max: Fraction | None = Field(
        default=0.9, description="jets with a larger electromagnetic fraction veto nothing; null: no limit"
    )
    id: JetId | None = Field(
        default=None, description="identification of the jets that veto; null: that of selection.jet"
    )
