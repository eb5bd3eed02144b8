"""Section of the jets' energy: corrections, resolution, and the uncertainties that become kinematic shifts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated

from pydantic import Field, model_validator

from deepsf.config.base import NonNegative, Positive, Section

Levels = Annotated[tuple[str, ...], Field(min_length=1)]
Source = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9_]{0,97}[A-Za-z0-9])?$")]
"""Name of a source of the jet energy scale, with the year behind ``_`` as CMS writes it: Absolute, Absolute_2017."""


class EnergyCorrection(Section):
    """Names of the levels that correct a raw jet, applied one after the other; a compound is one level.

    Jets of a kind without levels keep their stored energy.
    """

    simulation: Levels | None = Field(default=None, description="levels of simulation")
    data: Levels | None = Field(default=None, description="levels of data")
    samples: dict[str, Levels] = Field(
        default_factory=dict, description="levels of single samples instead, e.g. of one run period"
    )


class Smearing(Section):
    """The smearing of CMS as a correction: its random numbers are those of every analysis that uses the file.

    Its input ``EventID`` gets the event number.
    """

    file: str = Field(description="path of the correctionlib file (jer_smear.json.gz)")
    name: str = Field(default="JERSmear", description="name of the correction in the file")


class Resolution(Section):
    """Jet energy resolution: simulated jets are smeared to that of data (hybrid method of CMS, arXiv:1607.03663).

    Both formats of CMS are read: a scale factor with the values nom, up and down of its input ``systematic``, and,
    since 2024, a scale factor s beside a relative uncertainty u of its own, which gives s (1 + u) and s (1 - u).
    """

    resolution: str = Field(description="name of the correction with the relative pT resolution in simulation")
    scale_factor: str = Field(description="name of that with the resolution of data over simulation")
    scale_factor_uncertainty: str | None = Field(
        default=None, description="name of that with its relative uncertainty; null: the scale factor has nom, up, down"
    )
    smearing: Smearing | None = Field(
        default=None, description="smear with a correction of CMS; null: with random numbers of DeepSF's own"
    )
    stochastic_veto_abseta: tuple[NonNegative, Positive] | None = Field(
        default=None,
        description="jets in this range of |eta| without a match at the generator are not smeared; [2.5, 3.0] takes "
        "away the horns that smearing makes there; null: all are",
    )
    match_delta_r_max: Positive = Field(
        default=0.2, description="largest distance to the generator's jet; half the radius of the jets"
    )
    match_sigmas_max: Positive = Field(
        default=3.0, description="largest |pT - generator pT| of a match, in units of the resolution"
    )

    @model_validator(mode="after")
    def _is_a_range(self) -> Resolution:
        if self.stochastic_veto_abseta is not None:
            low, high = self.stochastic_veto_abseta
            if not low < high:
                raise ValueError(f"stochastic_veto_abseta: {low:g} is not below {high:g}; give the lower end first")
        return self


class JetCorrections(Section):
    """Corrections of a correctionlib file in the layout of CMS (jet_jerc.json); without the section jets are as stored.

    Corrections are named in full, as in the file, and get their inputs by the names that they have there.
    """

    file: str = Field(description="path of the correctionlib file")
    jec: EnergyCorrection = EnergyCorrection()
    jer: Resolution | None = None
    jes_sources: dict[Source, str] = Field(
        default_factory=dict,
        description="relative uncertainty by source, each a pair of shifts jes<Source>_up and jes<Source>_down",
    )
    met_pt_min_gev: Positive = Field(
        default=15.0, description="corrections of jets above this pT [GeV] also change the missing pT"
    )

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


def level_problems(corrections: JetCorrections | None, samples: Iterable[str]) -> Iterator[str]:
    """Yield samples with levels of their own that do not exist."""
    names = list(samples)
    for name in {} if corrections is None else corrections.jec.samples:
        if name not in names:
            yield f"jet_corrections.jec.samples.{name}: not one of the samples {names}"
