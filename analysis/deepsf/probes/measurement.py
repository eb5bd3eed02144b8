"""What every method measures on, as one value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from deepsf.arrays import Floats
from deepsf.config.flavours import Flavour, measured_flavours
from deepsf.config.regions import Region
from deepsf.config.weights import EventWeight, Extrapolation, Normalisation
from deepsf.probes.bins import KinematicBins
from deepsf.probes.entries import Jets, RegionEntries
from deepsf.probes.inclusive import NORMALISED_ON, Half, InclusiveJets
from deepsf.probes.score_limits import ScoreLimits, score_limits
from deepsf.probes.weights import (
    NormalisationTable,
    SmoothNormalisation,
    normalisation_table,
    smooth_normalisation,
)


@dataclass(frozen=True)
class Measurement:
    """Data and simulation of a campaign, with how entries are weighted and scale factors normalised.

    Attributes
    ----------
    regions, entries
        By region, its definition and its tag-probe entries.
    flavours
        All flavours, in the order of the jets' flavour index.
    inclusive
        Simulated jets without region and tag, on which every method's scale factors get mean one.
    """

    regions: Mapping[str, Region]
    entries: Mapping[str, RegionEntries]
    flavours: Mapping[str, Flavour]
    inclusive: InclusiveJets
    event_weight: EventWeight
    normalisation: Normalisation
    extrapolation: Extrapolation = field(default_factory=Extrapolation)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all flavours."""
        return tuple(self.flavours)

    @property
    def measured(self) -> tuple[str, ...]:
        """Flavours whose scale factor is measured, in the order of the configuration."""
        return measured_flavours(self.flavours)

    @property
    def enriching(self) -> dict[str, str]:
        """Regions that enrich a measured flavour, and which one, in the order of the configuration."""
        return {n: r.enriched_flavour for n, r in self.regions.items() if r.enriched_flavour in self.measured}

    @property
    def region_of(self) -> dict[str, str]:
        """The region that enriches each measured flavour."""
        return {flavour: region for region, flavour in self.enriching.items()}

    def index(self, flavour: str) -> int:
        """Return the jets' flavour index of a flavour."""
        return self.names.index(flavour)

    def inclusive_of(self, flavour: str, half: Half = NORMALISED_ON) -> InclusiveJets:
        """Return the inclusive jets of a flavour in one half of the events."""
        return self.inclusive.of(self.index(flavour), half)

    def normalisation_bins(self, flavour: str) -> KinematicBins:
        """Return the (pT, |eta|) bins in which a flavour's scale factor has mean one."""
        settings = self.normalisation
        jets = self.inclusive_of(flavour).jets
        return KinematicBins.of_quantiles(jets.pt_gev, jets.abseta, settings.n_pt, settings.n_abseta)

    def normalisation_tables(self, sf: Callable[[str, Jets], Floats]) -> dict[str, NormalisationTable]:
        """Return by measured flavour the table that gives a scale factor the mean one.

        Parameters
        ----------
        sf
            Takes a flavour and ``n`` of its jets; returns their scale factors before normalisation, shape ``(n,)``.
        """
        return {flavour: normalisation_table(*self._normalised_on(flavour, sf)) for flavour in self.measured}

    def smooth_normalisations(self, sf: Callable[[str, Jets], Floats]) -> dict[str, SmoothNormalisation]:
        """Return the same without steps at the edges of bins, for scale factors that have none."""
        return {flavour: smooth_normalisation(*self._normalised_on(flavour, sf)) for flavour in self.measured}

    def _normalised_on(
        self, flavour: str, sf: Callable[[str, Jets], Floats]
    ) -> tuple[KinematicBins, Jets, Floats, Floats]:
        sample = self.inclusive_of(flavour)
        return self.normalisation_bins(flavour), sample.jets, sample.weight, sf(flavour, sample.jets)

    def score_limits(self) -> dict[str, ScoreLimits]:
        """Return by measured flavour the limits of the score beyond which data do not determine its scale factor."""
        enriched = {region: self.index(flavour) for region, flavour in self.enriching.items()}
        entries = {region: self.entries[region] for region in enriched}
        rules = self.extrapolation, self.event_weight
        return {f: score_limits(entries, enriched, self.index(f), *rules) for f in self.measured}
