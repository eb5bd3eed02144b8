"""What a skim needs of the configuration, and the corrections that it names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from deepsf.config.campaign import RunRange
from deepsf.config.flavours import Tagger
from deepsf.config.jet_corrections import JetCorrections
from deepsf.config.jet_id import JetVeto
from deepsf.config.pileup import Pileup
from deepsf.config.regions import Region
from deepsf.config.samples import Sample
from deepsf.config.selection import Channel, Selection, Triggers
from deepsf.nanoaod.branches import CorrectionBranches
from deepsf.nanoaod.luminosity_blocks import LuminosityBlocks
from deepsf.skim.jet_corrections import JetEnergy, load_jet_energy
from deepsf.skim.jet_id import JetIdentification, identification_of
from deepsf.skim.jet_veto import JetVetoMap, load_jet_veto
from deepsf.skim.pileup import PileupWeights, load_pileup


@dataclass(frozen=True)
class SkimSettings:
    """The configuration of the skim of one sample's files.

    Paths must be such that they can be opened: variables in them are not resolved here.

    Attributes
    ----------
    sample_name, sample
        The sample that the files belong to.
    pileup
        Pile-up weights, without effect on data.
    jet_corrections
        Corrections of the jets' energy; without them jets stay as stored. Each of their shifts has rows of its own.
    jet_veto
        Map of detector regions; events with a jet in one are rejected.
    certified
        Path of the JSON of certified luminosity blocks; None: all are.
    runs
        Ranges that certified data must come from; empty: any.
    earlier
        Trigger paths by channel of the data sets before this one in ``campaign.data_order``.
    sources
        Sources of weight shifts to read; None: all.
    """

    sample_name: str
    sample: Sample
    tagger: Tagger
    selection: Selection
    regions: Mapping[str, Region]
    pileup: Pileup | None = None
    jet_corrections: JetCorrections | None = None
    jet_veto: JetVeto | None = None
    certified: str | None = None
    runs: tuple[RunRange, ...] = ()
    earlier: Mapping[Channel, Triggers] = field(default_factory=dict)
    sources: tuple[str, ...] | None = None


class Corrections(NamedTuple):
    """What a sample's configuration names, loaded; data have no pile-up weights, simulation no certified blocks."""

    energy: JetEnergy
    pileup: PileupWeights | None
    identification: JetIdentification
    jet_veto: JetVetoMap | None
    certified: LuminosityBlocks | None

    @property
    def branches(self) -> CorrectionBranches:
        """Which branches the corrections need."""
        veto = () if self.jet_veto is None else self.jet_veto.content
        content = tuple(dict.fromkeys((*self.identification.content, *veto)))
        return self.energy.branches._replace(pileup=self.pileup is not None, jet_content=content)

    @classmethod
    def load(cls, settings: SkimSettings) -> Corrections:
        """Return the corrections that the settings name."""
        kind, pileup = settings.sample.kind, settings.pileup
        certified = settings.certified if kind == "data" else None
        return cls(
            energy=load_jet_energy(settings.jet_corrections, settings.sample_name, kind),
            pileup=None if pileup is None or kind == "data" else load_pileup(pileup),
            identification=identification_of(settings.selection.jet),
            jet_veto=None if settings.jet_veto is None else load_jet_veto(settings.jet_veto, settings.selection.jet),
            certified=None if certified is None else LuminosityBlocks.load(certified),
        )
