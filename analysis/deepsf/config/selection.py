"""Section of the selection of objects and channels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from deepsf.config.base import Name, NonNegative, Positive, Section

Channel = Literal["ee", "emu", "mumu"]
CHANNELS: tuple[Channel, ...] = ("ee", "emu", "mumu")

INPUTS = ("pt", "abseta", "discriminant")
"""Inputs of networks that every jet has."""
_STANDARD_COLUMNS = (
    *INPUTS,
    *("entry", "shift", "rank", "channel", "weight", "pt_gev", "eta", "phi", "hadron_flavour", "n_jets", "ht_gev"),
)
"""Columns of the table of all jets, which no column of the configuration may take."""


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
    jet_id_bit: int = Field(default=2, description="bit of Jet_jetId that must be set; 2 is tight")
    pu_id_bit: int = Field(default=4, description="bit of Jet_puId that must be set below pu_id_pt_max_gev")
    pu_id_pt_max_gev: NonNegative = Field(default=50.0, description="jets above this pT [GeV] need no pile-up bit")
    lepton_delta_r_min: NonNegative = Field(default=0.4, description="smallest distance to either lepton")


class Selection(Section):
    """Objects and the dilepton preselection common to all regions."""

    triggers: dict[Channel, tuple[str, ...]] = Field(
        description="HLT paths by channel, any of which may fire; a missing path counts as not fired, all is an error"
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
        default=("MET", "PuppiMET"), description="missing pT: the first of these with _pt and _phi in the file"
    )
    jet_columns: dict[Name, str] = Field(
        default_factory=dict, description="more columns of jets by name, each with the jet branch that it is read from"
    )


def column_problems(selection: Selection) -> Iterator[str]:
    """Yield jet columns whose name is taken."""
    for name in selection.jet_columns:
        if name in _STANDARD_COLUMNS:
            yield f"selection.jet_columns.{name}: this name is taken by a standard column"
