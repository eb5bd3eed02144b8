"""The whole configuration of a campaign and the rules that join its sections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field, model_validator

from deepsf.config.audit import Audit
from deepsf.config.base import Section
from deepsf.config.binned import Binned
from deepsf.config.efficiency.efficiency import Efficiency
from deepsf.config.exports import Exports
from deepsf.config.flavours import Flavour, Tagger, measured_flavours
from deepsf.config.generator import Generator
from deepsf.config.htcondor import HTCondor
from deepsf.config.jet_corrections import JetCorrections
from deepsf.config.plots import Plots
from deepsf.config.regions import Region
from deepsf.config.samples import Campaign, Pileup, Sample, era_problems
from deepsf.config.selection import Selection
from deepsf.config.shifts import Shifts
from deepsf.config.shifts import problems as shift_problems
from deepsf.config.training import Direct, Ensemble, Training
from deepsf.config.validation import Validation
from deepsf.config.weights import EventWeight, Normalisation

NOT_A_JET_COLUMN = ("pt", "abseta", "discriminant")
_OF_THE_JETS_TABLE = ("entry", "shift", "rank", "channel", "weight", "pt_gev", "eta", "phi", "hadron_flavour")
_TAKEN = (*NOT_A_JET_COLUMN, *_OF_THE_JETS_TABLE, "n_jets", "ht_gev")


class EfficiencyConfig(Section):
    """A campaign of efficiencies alone, on a toy of jets: a YAML file with ``efficiency.toy``."""

    flavours: dict[str, Flavour] = Field(min_length=2)
    efficiency: Efficiency
    plots: Plots = Plots()
    htcondor: HTCondor = HTCondor()

    @model_validator(mode="before")
    @classmethod
    def _without_samples(cls, given: Any) -> Any:
        if isinstance(given, Mapping) and "samples" in given:
            raise ValueError("efficiency.toy: a campaign with samples takes its jets from their skims; leave it out")
        return given

    @model_validator(mode="after")
    def _consistent(self) -> EfficiencyConfig:
        if problems := [*_shared_codes(self.flavours), *self.efficiency.problems(self.flavours, None)]:
            raise ValueError("\n".join(problems))
        return self


class Config(Section):
    """One campaign: a YAML file in ``configs/`` or anywhere else."""

    campaign: Campaign
    tagger: Tagger
    flavours: dict[str, Flavour] = Field(min_length=2)
    samples: dict[str, Sample] = Field(min_length=2)
    generator: Generator | None = None
    selection: Selection
    regions: dict[str, Region] = Field(min_length=1)
    pileup: Pileup | None = None
    jet_corrections: JetCorrections | None = None
    event_weight: EventWeight = EventWeight()
    normalisation: Normalisation = Normalisation()
    binned: Binned
    shifts: Shifts | None = None
    training: Training = Training()
    ensemble: Ensemble = Ensemble()
    direct: Direct | None = None
    audit: Audit = Audit()
    validation: Validation = Validation()
    exports: Exports = Exports()
    efficiency: Efficiency | None = None
    plots: Plots = Plots()
    htcondor: HTCondor = HTCondor()

    @model_validator(mode="after")
    def _consistent(self) -> Config:
        problems = [
            *self._flavour_problems(),
            *self._region_problems(),
            *self._sample_problems(),
            *self._input_problems(),
            *self._shift_problems(),
            *self._efficiency_problems(),
        ]
        if problems:
            raise ValueError("\n".join(problems))
        return self

    @property
    def measured_flavours(self) -> tuple[str, ...]:
        """Flavours whose scale factor is measured, in the order of the file."""
        return measured_flavours(self.flavours)

    def _flavour_problems(self) -> list[str]:
        problems = _shared_codes(self.flavours)
        for name in self.measured_flavours:
            if name not in self.binned.bins:
                problems.append(f"binned.bins: no binning for the measured flavour {name}")
        for name in self.binned.bins:
            if name not in self.flavours:
                problems.append(f"binned.bins.{name}: not one of the flavours {list(self.flavours)}")
        return problems

    def _region_problems(self) -> list[str]:
        problems = []
        enriched = [region.enriched_flavour for region in self.regions.values()]
        for name, region in self.regions.items():
            if region.enriched_flavour not in self.flavours:
                problems.append(
                    f"regions.{name}.enriched_flavour: {region.enriched_flavour!r} is not one of {list(self.flavours)}"
                )
            for key in ("tag_above", "tag_below"):
                value = getattr(region, key)
                known = list(self.tagger.working_points)
                if isinstance(value, str) and value not in known:
                    problems.append(f"regions.{name}.{key}: {value!r} is not one of the working points {known}")
            for column in region.tag_columns:
                if column not in self.selection.jet_columns:
                    problems.append(
                        f"regions.{name}.tag_columns.{column}: not one of selection.jet_columns "
                        f"{list(self.selection.jet_columns)}"
                    )
            for channel in region.channels:
                if not self.selection.triggers.get(channel):
                    problems.append(f"selection.triggers: channel {channel} of region {name} has no trigger path")
        for flavour in self.measured_flavours:
            if enriched.count(flavour) != 1:
                problems.append(f"regions: flavour {flavour} is measured and needs exactly one region that enriches it")
        return problems

    def _sample_problems(self) -> list[str]:
        problems = []
        kinds = {sample.kind for sample in self.samples.values()}
        for kind in ("data", "simulation"):
            if kind not in kinds:
                problems.append(f"samples: none of kind {kind}")
        if self.generator is None:
            wanting = [name for name, sample in self.samples.items() if sample.generate]
            if wanting:
                problems.append(f"samples {wanting} are to be generated, but there is no generator section")
        else:
            simulated = [s.generate[0] for s in self.samples.values() if s.kind == "simulation" and s.generate]
            for process in {p for s in self.samples.values() for p in s.generate}:
                if simulated.count(process) != 1:
                    problems.append(f"samples: process {process} needs exactly one generated simulation sample")
        problems += era_problems(self.samples, self.campaign.luminosity_ifb)
        if self.jet_corrections is not None:
            problems += [
                f"jet_corrections.jec.samples.{name}: not one of the samples {list(self.samples)}"
                for name in self.jet_corrections.jec.samples
                if name not in self.samples
            ]
        return problems

    def _shift_problems(self) -> list[str]:
        if self.shifts is None:
            return []
        return shift_problems(self.shifts, self.regions, self.flavours, self.binned.n_bootstrap)

    def _efficiency_problems(self) -> list[str]:
        if self.efficiency is None:
            return []
        return self.efficiency.problems(self.flavours, self.tagger.working_points)

    def _input_problems(self) -> list[str]:
        known = [*NOT_A_JET_COLUMN, *self.selection.jet_columns]
        problems = [
            f"training.inputs.{name}: not one of {known}; declare it under selection.jet_columns"
            for name in self.training.inputs
            if name not in known
        ]
        problems += [
            f"selection.jet_columns.{name}: this name is taken by a standard column"
            for name in self.selection.jet_columns
            if name in _TAKEN
        ]
        return problems


def _shared_codes(flavours: Mapping[str, Flavour]) -> list[str]:
    problems = []
    owner: dict[int, str] = {}
    for name, flavour in flavours.items():
        for code in flavour.hadron_flavours:
            if code in owner:
                problems.append(f"flavours.{name}: hadron flavour {code} already belongs to {owner[code]}")
            owner.setdefault(code, name)
    return problems
