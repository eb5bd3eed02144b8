"""The whole configuration of a campaign and the rules that join its sections."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import Field, model_validator

from deepsf.config.audit import Audit
from deepsf.config.base import Name, Section
from deepsf.config.binned import Binned
from deepsf.config.campaign import Campaign, order_problems
from deepsf.config.coverage import Coverage
from deepsf.config.direct import Direct
from deepsf.config.efficiency.efficiency import Efficiency, efficiency_problems
from deepsf.config.errors import Errors
from deepsf.config.exports import Exports, file_problems
from deepsf.config.flavours import (
    Flavour,
    Tagger,
    bins_problems,
    code_problems,
    measured_flavours,
    working_point_problems,
)
from deepsf.config.generator import Generator
from deepsf.config.htcondor import HTCondor
from deepsf.config.jet_corrections import JetCorrections, level_problems
from deepsf.config.jet_id import JetVeto
from deepsf.config.pileup import Pileup
from deepsf.config.plots import Plots
from deepsf.config.regions import Region, region_problems, tag_cut_problems
from deepsf.config.samples import (
    Sample,
    certification_problems,
    era_problems,
    mismodelling_problems,
    pileup_id_problems,
    sample_problems,
)
from deepsf.config.selection import Selection, column_problems
from deepsf.config.shifts import Shifts, shift_problems
from deepsf.config.training import Ensemble, Training, input_problems
from deepsf.config.validation import Validation
from deepsf.config.weights import EventWeight, Extrapolation, Normalisation, contamination_problems


class EfficiencyConfig(Section):
    """A campaign of efficiencies alone: a YAML file with ``efficiency.toy`` or ``efficiency.events``."""

    flavours: dict[Name, Flavour] = Field(min_length=2)
    efficiency: Efficiency
    plots: Plots = Plots()
    htcondor: HTCondor = HTCondor()

    @model_validator(mode="after")
    def _consistent(self) -> EfficiencyConfig:
        _raise([*code_problems(self.flavours), *efficiency_problems(self.efficiency, self.flavours, None)])
        return self


class Config(Section):
    """One campaign: a YAML file in ``configs/`` or anywhere else."""

    campaign: Campaign
    tagger: Tagger
    flavours: dict[Name, Flavour] = Field(min_length=2)
    samples: dict[Name, Sample] = Field(min_length=2)
    generator: Generator | None = None
    selection: Selection
    regions: dict[Name, Region] = Field(min_length=1)
    pileup: Pileup | None = None
    jet_corrections: JetCorrections | None = None
    jet_veto: JetVeto | None = None
    event_weight: EventWeight = EventWeight()
    normalisation: Normalisation = Normalisation()
    extrapolation: Extrapolation = Extrapolation()
    binned: Binned
    shifts: Shifts | None = None
    training: Training = Training()
    ensemble: Ensemble = Ensemble()
    direct: Direct | None = Direct()
    errors: Errors = Errors()
    coverage: Coverage | None = None
    audit: Audit = Audit()
    validation: Validation = Validation()
    exports: Exports = Exports()
    efficiency: Efficiency | None = None
    plots: Plots = Plots()
    htcondor: HTCondor = HTCondor()

    @model_validator(mode="after")
    def _consistent(self) -> Config:
        problems = [
            *code_problems(self.flavours),
            *bins_problems(self.binned.bins, self.flavours),
            *working_point_problems(self.tagger.working_points, self._discriminant_max),
            *tag_cut_problems(self.regions, self._discriminant_max),
            *region_problems(self.regions, self.flavours, self.tagger, self.selection),
            *sample_problems(self.samples, self.generator),
            *mismodelling_problems(self.generator, self.samples),
            *certification_problems(self.samples, self.campaign),
            *order_problems(self.campaign, [name for name, s in self.samples.items() if s.kind == "data"]),
            *pileup_id_problems(self.samples, self.campaign, self.selection),
            *era_problems(self.samples, self.campaign.luminosity_ifb),
            *level_problems(self.jet_corrections, self.samples),
            *input_problems(self.training, self.selection),
            *column_problems(self.selection),
            *file_problems(self.exports, self.tagger.name),
            *contamination_problems(self.event_weight, self.regions),
            *shift_problems(self.shifts, self.regions, self.flavours, self.tagger, self.binned.n_bootstrap),
        ]
        if self.efficiency is not None:
            simulated = [name for name, sample in self.samples.items() if sample.kind == "simulation"]
            problems += efficiency_problems(self.efficiency, self.flavours, self.tagger.working_points, simulated)
            if self.efficiency.toy is not None:
                problems.append("efficiency.toy: a campaign with samples takes its jets from their skims; leave it out")
            if self.efficiency.events is not None:
                problems.append(
                    "efficiency.events: a campaign with samples takes its jets from their skims; write a file of its "
                    "own, with flavours, efficiency and plots"
                )
        _raise(problems)
        return self

    @property
    def _discriminant_max(self) -> float:
        """Upper end of the discriminant: 1 where its logit is taken, otherwise the last edge of its bins."""
        logits = [self.binned.smooth_in, *(variable.transform for variable in self.training.inputs.values())]
        edges = [bins.discriminant[-1] for bins in self.binned.bins.values()]
        return 1.0 if "logit" in logits or not edges else max(edges)

    @property
    def measured_flavours(self) -> tuple[str, ...]:
        """Flavours whose scale factor is measured, in the order of the file."""
        return measured_flavours(self.flavours)


def _raise(problems: Iterable[str]) -> None:
    text = "\n".join(problems)
    if text:
        raise ValueError(text)
