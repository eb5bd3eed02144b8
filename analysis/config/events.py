"""Sections that describe the input: tagger, flavours, samples, object and region selection, pile-up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, model_validator

from analysis.config.base import Count, Fraction, NonNegative, Positive, Section
from analysis.config.jets import JetCorrections

Channel = Literal["ee", "emu", "mumu"]
CHANNELS: tuple[Channel, ...] = ("ee", "emu", "mumu")


class Campaign(Section):
    """What was taken when: enters weights (luminosity) and the descriptions of exported corrections."""

    era: str = Field(description="name of the data-taking period, e.g. 2017_UL")
    energy_tev: Positive
    luminosity_ifb: Positive = Field(description="integrated luminosity of the data [1/fb]")


class Tagger(Section):
    """The discriminant that is calibrated."""

    name: str
    branch: str = Field(description="jet branch without the collection's name, e.g. btagDeepFlavB")
    working_points: dict[str, float] = Field(min_length=1)
    max_invalid_fraction: Fraction = Field(
        default=0.05, description="error above this fraction of selected jets with a NaN or negative score"
    )


class Flavour(Section):
    """A jet flavour by its hadron-flavour codes; every code belongs to exactly one flavour."""

    hadron_flavours: tuple[int, ...] = Field(min_length=1)
    scale_factor: Literal["measured", "unity"] = "measured"


def measured_flavours(flavours: Mapping[str, Flavour]) -> tuple[str, ...]:
    """Return the flavours whose scale factor is measured, in the order of the configuration."""
    return tuple(name for name, flavour in flavours.items() if flavour.scale_factor == "measured")


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


class SameFlavourCuts(Section):
    """Cuts on ee and mumu events of a region; emu events pass without them."""

    z_window: Literal["inside", "outside"]
    z_window_gev: Positive = 10.0
    met_min_gev: NonNegative | None = None
    met_max_gev: NonNegative | None = None
    pt_ll_min_gev: NonNegative | None = None
    z_diamond: bool = Field(default=False, description="the mll-MHT diamond of the CMS measurement around the Z")


class ColumnCut(Section):
    """Interval of a jet column, both ends excluded."""

    above: float | None = None
    below: float | None = None

    @model_validator(mode="after")
    def _cuts(self) -> ColumnCut:
        if self.above is None and self.below is None:
            raise ValueError("give above, below or both")
        return self


class Region(Section):
    """One flavour-enriched selection of tag-and-probe entries."""

    enriched_flavour: str
    channels: tuple[Channel, ...] = Field(min_length=1)
    n_jets: int = Field(default=2, ge=2, description="exact number of selected jets in the measurement")
    tag_above: str | float | None = Field(default=None, description="working point or value the tag jet must exceed")
    tag_below: str | float | None = Field(
        default=None, description="working point or value the tag jet must stay below"
    )
    tag_columns: dict[str, ColumnCut] = Field(
        default_factory=dict, description="further cuts on the tag jet, by column of selection.jet_columns"
    )
    same_flavour: SameFlavourCuts | None = None

    @model_validator(mode="after")
    def _tagged(self) -> Region:
        if self.tag_above is None and self.tag_below is None:
            raise ValueError("a region needs tag_above or tag_below: without a tag jet there is no probe jet")
        if self.n_jets != 2:
            raise ValueError("tag and probe is defined for n_jets: 2")
        return self


class EventWeight(Section):
    """How simulated entries are weighted; the same for every method (``design``: weights)."""

    jets: Literal["all_jets", "contamination_only"] = Field(
        default="all_jets",
        description="which jets' scale factors weight an event: the talk's choice, or the CMS code's",
    )
    kappa: bool = Field(default=True, description="normalise simulation to data per (pT, |eta|) bin of the probe jet")
    n_pt: Count = 20
    n_abseta: Count = 6


class Normalisation(Section):
    """Scale factors are divided by their mean per quantile bin of (pT, |eta|) on the inclusive jets of a flavour."""

    n_pt: Count = 10
    n_abseta: Count = 3
    max_jets: Count = Field(
        default=200_000, description="jets of a flavour used, taken evenly from the inclusive sample"
    )
