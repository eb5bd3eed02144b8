"""Section of the jets' energy: corrections, resolution, and the uncertainties that become kinematic shifts."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from deepsf.config.base import Positive, Section

Levels = Annotated[tuple[str, ...], Field(min_length=1)]
Source = Annotated[str, Field(pattern=r"^[A-Za-z0-9]+$")]


class EnergyCorrection(Section):
    """Names of the levels that take a raw jet to the corrected one, one after the other; a compound is one level.

    What is not given leaves the jets of that kind with their stored energy.
    """

    simulation: Levels | None = None
    data: Levels | None = None
    samples: dict[str, Levels] = Field(
        default_factory=dict, description="other levels by sample, e.g. of one run period"
    )


class Resolution(Section):
    """Jet energy resolution: simulated jets are smeared to that of data (hybrid method of CMS, arXiv:1607.03663)."""

    resolution: str = Field(description="relative pT resolution in simulation")
    scale_factor: str = Field(description="resolution of data over that of simulation: nom, up, down")
    match_delta_r_max: Positive = Field(default=0.2, description="half the radius of the jets")
    match_sigmas_max: Positive = Field(default=3.0, description="|pT - generator pT| in units of the resolution")


class JetCorrections(Section):
    """Corrections of a correctionlib file in the layout of CMS (jet_jerc.json); without the section jets are as stored.

    The names are the file's, in full; inputs are passed by their name there.
    """

    file: str
    jec: EnergyCorrection = EnergyCorrection()
    jer: Resolution | None = None
    jes_sources: dict[Source, str] = Field(
        default_factory=dict, description="relative uncertainties by source: shifts jes<Source>_up and _down"
    )
    met_pt_min_gev: Positive = Field(default=15.0, description="changes of jets above this pT change the missing pT")

    @model_validator(mode="after")
    def _does_something(self) -> JetCorrections:
        corrected = self.jec.simulation or self.jec.data or self.jec.samples
        if not (corrected or self.jer or self.jes_sources):
            raise ValueError("give at least one of jec, jer and jes_sources, or drop the section")
        return self

    @property
    def shifts(self) -> tuple[str, ...]:
        """Names of the kinematic shifts of simulation, ``nominal`` first."""
        sources = [*(["jer"] if self.jer else []), *(f"jes{source}" for source in self.jes_sources)]
        return ("nominal", *(f"{source}_{direction}" for source in sources for direction in ("up", "down")))
