"""Section of the selection of objects and channels."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from deepsf.config.base import NonNegative, Positive, Section

Channel = Literal["ee", "emu", "mumu"]


CHANNELS: tuple[Channel, ...] = ("ee", "emu", "mumu")


class Electron(Section):
    """Electron selection (scale-factor measurement of CMS, arXiv:1712.07158: tight cut-based identification)."""

    pt_min_gev: NonNegative = 15.0
    abseta_max: Positive = 2.4
    crack_abseta: tuple[float, float] | None = Field(
        default=(1.4442, 1.5660), description="gap between barrel and endcap in supercluster |eta|, vetoed"
    )
    cut_based_min: int = Field(default=4, description="4 is tight in NanoAOD")


class Muon(Section):
    """Muon selection."""

    pt_min_gev: NonNegative = 15.0
    abseta_max: Positive = 2.4
    rel_iso_max: Positive = 0.15


class Jet(Section):
    """Jet selection; the pile-up identification is skipped where the branch does not exist (PUPPI jets)."""

    pt_min_gev: NonNegative = 20.0
    abseta_max: Positive = 2.5
    jet_id_bit: int = Field(default=2, description="bit of Jet_jetId that must be set; 2 is tight")
    pu_id_bit: int = Field(default=4, description="bit of Jet_puId that must be set below pu_id_pt_max_gev")
    pu_id_pt_max_gev: NonNegative = 50.0
    lepton_delta_r_min: NonNegative = 0.4


class Selection(Section):
    """Objects and the dilepton preselection common to all regions."""

    triggers: dict[Channel, tuple[str, ...]] = Field(
        description="HLT paths by channel, joined by OR; a path that a file lacks did not fire, all lacking is an error"
    )
    event_filters: tuple[str, ...] = Field(description="Flag_ branches that must all be set")
    electron: Electron = Electron()
    muon: Muon = Muon()
    jet: Jet = Jet()
    lead_lepton_pt_min_gev: NonNegative = 25.0
    mll_min_gev: NonNegative = 12.0
    delta_r_ll_min: NonNegative = 0.2
    n_jets_min: int = Field(default=2, ge=2, description="of the preselection and of the table of all jets")
    met_branches: tuple[str, ...] = Field(
        default=("MET", "PuppiMET"), description="first of these with _pt and _phi in the file is taken"
    )
    jet_columns: dict[str, str] = Field(
        default_factory=dict, description="extra probe-jet columns by name: the jet branch that each is read from"
    )
