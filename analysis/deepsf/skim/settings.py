"""What a skim needs of the configuration, and the corrections that it names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from deepsf.config.flavours import Tagger
from deepsf.config.jet_corrections import JetCorrections
from deepsf.config.pileup import Pileup
from deepsf.config.regions import Region
from deepsf.config.samples import Sample
from deepsf.config.selection import Selection
from deepsf.nanoaod.branches import CorrectionBranches
from deepsf.skim.jet_corrections import JetEnergy, load_jet_energy
from deepsf.skim.pileup import PileupWeights, load_pileup


@dataclass(frozen=True)
class SkimSettings:
    """The configuration of the skim of one sample's files.

    The ``file`` of either correction must be a path that can be opened: variables in it are not resolved here.

    Attributes
    ----------
    sample_name, sample
        The sample that the files belong to.
    pileup
        Pile-up weights, without effect on data.
    jet_corrections
        Corrections of the jets' energy; without them jets stay as stored. Each of their shifts has rows of its own.
    """

    sample_name: str
    sample: Sample
    tagger: Tagger
    selection: Selection
    regions: Mapping[str, Region]
    pileup: Pileup | None = None
    jet_corrections: JetCorrections | None = None


class Corrections(NamedTuple):
    """The loaded corrections of a sample; data have no pile-up weights."""

    energy: JetEnergy
    pileup: PileupWeights | None

    @property
    def branches(self) -> CorrectionBranches:
        """Which branches the corrections need."""
        return self.energy.branches._replace(pileup=self.pileup is not None)

    @classmethod
    def load(cls, settings: SkimSettings) -> Corrections:
        """Return the corrections that the settings name."""
        kind, pileup = settings.sample.kind, settings.pileup
        energy = load_jet_energy(settings.jet_corrections, settings.sample_name, kind)
        return cls(energy, None if pileup is None or kind == "data" else load_pileup(pileup))
