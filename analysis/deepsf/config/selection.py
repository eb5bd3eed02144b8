"""Section of the selection of objects and channels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, model_validator

from deepsf.config.base import Fraction, Name, NonNegative, Positive, Section, Source
from deepsf.config.campaign import RunRange
from deepsf.config.jet_id import JetId

Channel = Literal["ee", "emu", "mumu"]
CHANNELS: tuple[Channel, ...] = ("ee", "emu", "mumu")

INPUTS = ("pt", "abseta", "discriminant")
"""Inputs of networks that every jet has."""
_STANDARD_COLUMNS = (
    *INPUTS,
    *("entry", "shift", "rank", "channel", "weight", "pt_gev", "eta", "phi", "hadron_flavour", "n_jets", "ht_gev"),
)
"""Columns of the table of all jets, which no column of the configuration may take."""


Bit = Annotated[int, Field(ge=1)]


class TriggerOfRuns(Section):
    """HLT path that counts in a range of runs of the data; in simulation always."""

    path: str = Field(description="HLT_ branch")
    runs: RunRange = Field(description="first and last run")


Triggers = tuple[str | TriggerOfRuns, ...]


class WeightBranches(Section):
    """Branches of a further event weight of simulation and its shifts, e.g. L1PreFiringWeight_Nom, _Up and _Dn."""

    nominal: str = Field(description="branch of the nominal weight")
    up: str | None = Field(default=None, description="branch of the weight shifted up; null: no shifts")
    down: str | None = Field(default=None, description="branch of the weight shifted down")

    @model_validator(mode="after")
    def _both_shifts(self) -> WeightBranches:
        if (self.up is None) != (self.down is None):
            raise ValueError("up and down belong together; give both or none")
        return self


class Electron(Section):
    """Electron selection (scale-factor measurement of CMS, arXiv:1712.07158: tight cut-based identification)."""

    pt_min_gev: NonNegative = Field(default=15.0, description="smallest pT [GeV]")
    abseta_max: Positive = Field(default=2.4, description="largest |eta|")
    crack_abseta: tuple[float, float] | None = Field(
        default=(1.4442, 1.5660),
        description="gap between barrel and endcap in supercluster |eta|, vetoed; null: no veto",
    )
    cut_based_min: int = Field(default=4, description="smallest Electron_cutBased; 4 is tight")


class Muon(Section):
    """Muon selection."""

    pt_min_gev: NonNegative = Field(default=15.0, description="smallest pT [GeV]")
    abseta_max: Positive = Field(default=2.4, description="largest |eta|")
    rel_iso_max: Positive = Field(default=0.15, description="largest Muon_pfRelIso04_all")


class Jet(Section):
    """Jet selection; the pile-up identification is skipped where the branch does not exist (PUPPI jets)."""

    pt_min_gev: NonNegative = Field(default=20.0, description="smallest pT [GeV]")
    abseta_max: Positive = Field(default=2.5, description="largest |eta|")
    jet_id_bit: Bit | None = Field(
        default=2, description="bit of Jet_jetId that must be set; 2 is tight, 4 tight with lepton veto; null: none"
    )
    id: JetId | None = Field(default=None, description="identification worked out anew, instead of jet_id_bit")
    pu_id_bit: Bit | None = Field(
        default=4,
        description="bit of Jet_puId that must be set below pu_id_pt_max_gev; loose is 4 in 2017 and 2018, but 1 in "
        "2016; null: none",
    )
    pu_id_pt_max_gev: NonNegative = Field(default=50.0, description="jets above this pT [GeV] need no pile-up bit")
    lepton_delta_r_min: NonNegative = Field(default=0.4, description="smallest distance to either lepton")


class Selection(Section):
    """Objects and the dilepton preselection common to all regions."""

    triggers: dict[Channel, Triggers] = Field(
        description="HLT paths by channel, any of which may fire; a path that a file lacks counts as not fired, a "
        "channel without any is an error"
    )
    event_filters: tuple[str, ...] = Field(description="Flag_ branches that must all be set")
    electron: Electron = Electron()
    muon: Muon = Muon()
    jet: Jet = Jet()
    lead_lepton_pt_min_gev: NonNegative = Field(default=25.0, description="smallest pT of the leading lepton [GeV]")
    mll_min_gev: NonNegative = Field(default=12.0, description="smallest dilepton mass [GeV]")
    delta_r_ll_min: NonNegative = Field(default=0.2, description="smallest distance of the two leptons")
    n_jets_min: int = Field(default=2, ge=2, description="smallest number of jets of events in the table of all jets")
    met_branches: tuple[str, ...] = Field(
        default=("MET", "PuppiMET"),
        description="missing pT: the first of these with _pt and _phi in the file; all files must have the same",
    )
    branches: dict[str, str] = Field(
        default_factory=dict,
        description="branches of custom NanoAOD that have another name, by their standard one, e.g. Jet_pt: Jet_pt_nom",
    )
    weights: dict[Source, WeightBranches] = Field(
        default_factory=dict,
        description="further weights of simulated events by source; their shifts are <source>_up and <source>_down",
    )
    max_weight_share: Fraction = Field(
        default=0.05,
        description="error if one selected event carries more of a sample's sum of absolute weights than this, and "
        "more than ten average events",
    )
    max_events_without_weights: Fraction = Field(
        default=0.05,
        description="error if a larger fraction of a file's events lacks a list of weights that others have",
    )
    jet_columns: dict[Name, str] = Field(
        default_factory=dict, description="more columns of jets by name, each with the jet branch that it is read from"
    )


def column_problems(selection: Selection) -> Iterator[str]:
    """Yield jet columns whose name is taken."""
    for name in selection.jet_columns:
        if name in _STANDARD_COLUMNS:
            yield f"selection.jet_columns.{name}: this name is taken by a standard column"
