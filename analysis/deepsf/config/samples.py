"""Sections that describe the input: tagger, flavours, samples, object and region selection, pile-up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, model_validator

from deepsf.config.base import Positive, Section
from deepsf.config.jet_corrections import JetCorrections
from deepsf.config.selection import CHANNELS, Channel


class Campaign(Section):
    """What was taken when: enters weights (luminosity) and the descriptions of exported corrections."""

    era: str = Field(description="name of the data-taking period, e.g. 2017_UL")
    energy_tev: Positive
    luminosity_ifb: Positive = Field(description="integrated luminosity of the data [1/fb]")


class Pileup(Section):
    """Pile-up weights from a correctionlib file, evaluated at Pileup_nTrueInt."""

    file: str
    name: str
    weights: str = Field(default="nominal", description="value of the string input, if the correction has one")
    shifts: tuple[str, str] | None = Field(
        default=("up", "down"), description="its values for the shifts pileup_up and pileup_down; null for none"
    )


class Sample(Section):
    """Input files of one process or one data set: named by patterns, or made by the generator."""

    kind: Literal["data", "simulation"]
    files: tuple[str, ...] = ()
    generate: tuple[Literal["ttbar", "zjets", "zcc"], ...] = Field(
        default=(), description="processes of the generator; zcc: Z+jets whose two hardest jets are c jets"
    )
    channels: tuple[Channel, ...] = Field(default=CHANNELS, description="channels that this data set may fill")
    cross_section_pb: Positive | None = None
    era: str | None = Field(
        default=None, description="one of several data-taking periods: its data are compared with its simulation"
    )
    luminosity_ifb: Positive | None = Field(
        default=None, description="of the data of the era, to which its simulation is scaled [1/fb]"
    )
    pileup: Pileup | None = Field(default=None, description="of the era, in place of the campaign's")
    jet_corrections: JetCorrections | None = Field(default=None, description="of the era, in place of the campaign's")
    sum_weights: Literal["runs", "events"] = Field(
        default="runs",
        description="where the sum of generator weights comes from; events: of a file that was never skimmed",
    )

    @model_validator(mode="after")
    def _one_origin(self) -> Sample:
        if bool(self.files) == bool(self.generate):
            raise ValueError("give either files or generate, not both and not neither")
        if self.kind == "simulation" and self.cross_section_pb is None:
            raise ValueError("a simulated sample needs cross_section_pb")
        if self.kind == "simulation" and len(self.generate) > 1:
            raise ValueError("a simulated sample is generated from one process")
        if self.era is not None and self.generate:
            raise ValueError("generated samples belong to no era; leave era out")
        needs_luminosity = self.era is not None and self.kind == "simulation"
        if needs_luminosity != (self.luminosity_ifb is not None):
            raise ValueError("luminosity_ifb is given for the simulation of an era, and for nothing else")
        return self


def era_problems(samples: Mapping[str, Sample], luminosity_ifb: float) -> list[str]:
    """Return what is wrong with the eras of samples, in words."""
    eras = {sample.era for sample in samples.values()}
    if eras == {None}:
        return []
    found = [f"samples.{name}: give it an era as the others" for name, sample in samples.items() if sample.era is None]
    total = 0.0
    for era in sorted(era for era in eras if era is not None):
        members = [sample for sample in samples.values() if sample.era == era]
        found += [
            f"samples: era {era} has none of kind {kind}"
            for kind in ("data", "simulation")
            if kind not in {sample.kind for sample in members}
        ]
        luminosities = {sample.luminosity_ifb for sample in members if sample.luminosity_ifb is not None}
        if len(luminosities) > 1:
            found.append(f"samples: luminosity_ifb of era {era} is {sorted(luminosities)}; give its samples one value")
        total += max(luminosities, default=0.0)
    if not found and abs(total / luminosity_ifb - 1.0) > 0.01:
        found.append(
            f"campaign.luminosity_ifb = {luminosity_ifb:g} is not the sum of the eras', {total:g}; correct either"
        )
    return found
