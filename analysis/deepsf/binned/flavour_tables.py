"""Binned values of a flavour -> its smooth values and its normalisation, for the nominal and for every shift."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from deepsf.binned.scale_factor import FORMS, BinnedFlavour, Places, ShiftedValues, Space
from deepsf.binned.smoothing import mean_preserving, nodes
from deepsf.probes.bins import FlavourBins, KinematicBins
from deepsf.probes.entries import Floats, RegionEntries
from deepsf.probes.inclusive import InclusiveJets
from deepsf.probes.weights import normalisation_table


@dataclass(frozen=True)
class FlavourJets:
    """Jets of a flavour that its table is made with, in one shift.

    ``own`` and ``weight`` are places and weights of its probe jets with a valid score in its region; ``inclusive`` is
    the sample that it is normalised on, ``inclusive_places`` where that lies.
    """

    own: Places
    weight: Floats
    inclusive: InclusiveJets
    inclusive_places: Places


class FlavourTables:
    """Makes the tables of one flavour. The nodes, medians of its probe jets by bin, are those of the nominal.

    Parameters
    ----------
    number
        Index of the flavour in the configuration.
    region
        Region whose simulated probe jets of this flavour give nodes and means.
    normalised_in
        Bins of (pT, |eta|) in which the mean on the inclusive sample becomes 1.
    """

    def __init__(
        self,
        number: int,
        region: str,
        bins: FlavourBins,
        normalised_in: KinematicBins,
        space: Space,
        regions: Mapping[str, RegionEntries],
        inclusive: InclusiveJets,
    ) -> None:
        self._number, self._region, self._normalised_in = number, region, normalised_in
        probe = regions[region].simulation.probe
        self._own = self._own_entries(regions)
        node = nodes(probe.discriminant[self._own], bins.discriminant[1:], space)
        ones = np.ones(bins.shape)
        self._table = BinnedFlavour(bins, ones, ones, ones[None], node, ones[..., 1:], space, {})
        self.nominal = self.jets(regions, inclusive)

    @property
    def positions(self) -> Floats:
        """Discriminant of the node of every bin, shape ``(n_disc,)``; 0 for invalid scores."""
        return self._table.positions

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of bins in pT, |eta| and discriminant."""
        return self._table.bins.shape

    def jets(self, regions: Mapping[str, RegionEntries], inclusive: InclusiveJets) -> FlavourJets:
        """Return the jets of a shift of the jets' kinematics."""
        own = regions[self._region].simulation[self._own_entries(regions)]
        sample = inclusive.of(self._number)
        return FlavourJets(self._table.places(own.probe), own.weight, sample, self._table.places(sample.jets))

    def reweighted(self, weights: Mapping[str, Floats], inclusive: InclusiveJets) -> FlavourJets:
        """Return the jets of a shift of weights: those of the nominal, weights of the simulated entries by region."""
        sample = inclusive.of(self._number)
        return replace(self.nominal, weight=weights[self._region][self._own], inclusive=sample)

    def table(self, sf: Floats, error: Floats, replicas: Floats) -> BinnedFlavour:
        """Return the nominal table; replicas of shape (n_bootstraps, n_pt, n_abseta, n_disc)."""
        values = self.values(sf, self.nominal)
        return replace(
            self._table,
            sf=values.sf,
            error=error,
            replicas=replicas,
            smooth=values.smooth,
            normalisation=values.normalisation,
        )

    def values(self, sf: Floats, jets: FlavourJets) -> ShiftedValues:
        """Return values of shape (n_pt, n_abseta, n_disc), smoothed and normalised on the jets of their shift.

        Raises
        ------
        ValueError
            If they cannot be normalised.
        """
        valid, own = sf[..., 1:], jets.own
        column = own.bin - own.row * sf.shape[-1] - 1
        rows = valid.reshape(-1, valid.shape[-1])
        smooth = mean_preserving(rows, self._table.node, own.row, column, own.position, jets.weight)
        table = replace(self._table, sf=sf, smooth=smooth.reshape(valid.shape))
        sample, places = jets.inclusive, jets.inclusive_places
        normalisation = {
            form: normalisation_table(self._normalised_in, sample.jets, sample.weight, table.value(places, form))
            for form in FORMS
        }
        return ShiftedValues(sf, table.smooth, normalisation)

    def row_normalised(self, sf: Floats, jets: FlavourJets) -> Floats:
        """Return ``sf`` over its mean on the inclusive sample by (pT, |eta|) row; rows without jets as they are."""
        weight, places = jets.inclusive.weight, jets.inclusive_places
        n_rows = int(np.prod(sf.shape[:-1]))
        value = replace(self._table, sf=sf).value(places, "binned")
        total, weighted = (np.bincount(places.row, w, n_rows) for w in (weight, weight * value))
        mean = np.divide(weighted, total, out=np.ones(n_rows), where=(total > 0) & (weighted > 0))
        return np.asarray(sf / mean.reshape(*sf.shape[:-1], 1))

    def _own_entries(self, regions: Mapping[str, RegionEntries]) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
        probe = regions[self._region].simulation.probe
        return np.flatnonzero((probe.flavour == self._number) & (probe.discriminant >= 0))
