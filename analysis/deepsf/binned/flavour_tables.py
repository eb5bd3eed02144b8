"""Binned values of a flavour -> its smooth values and its normalisation, for the nominal and for every shift."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from deepsf.arrays import Bools, Floats
from deepsf.binned.curves import FlavourCurves
from deepsf.binned.flavour import BINNED_METHODS, BinnedFlavour, JetBins, ShiftedValues, unit_table
from deepsf.binned.normalised import shares
from deepsf.binned.smoothing import Space, mean_preserving, nodes
from deepsf.guards import require_finite
from deepsf.probes.bins import FlavourBins
from deepsf.probes.entries import RegionEntries
from deepsf.probes.inclusive import InclusiveJets
from deepsf.probes.measurement import Measurement
from deepsf.probes.weights import normalisation_table


@dataclass(frozen=True)
class FlavourJets:
    """Jets of a flavour that its table is made with, in one shift.

    ``probe`` and ``weight`` are bins and weights of its probe jets with a valid score in its region; ``inclusive`` is
    the sample that it is normalised on, ``inclusive_bins`` are the bins of that.
    """

    probe: JetBins
    weight: Floats
    inclusive: InclusiveJets
    inclusive_bins: JetBins


class FlavourTables:
    """Makes the tables of one flavour. The nodes, medians of its probe jets by bin, are those of the nominal.

    Parameters
    ----------
    measurement
        Entries and inclusive jets of the nominal.
    like
        The measured flavour whose region, with the simulated probe jets of ``flavour`` in it, gives nodes and means.
    """

    def __init__(self, measurement: Measurement, flavour: str, like: str, bins: FlavourBins, transform: Space) -> None:
        self._index, self._region = measurement.index(flavour), measurement.region_of[like]
        self._normalised_in = measurement.normalisation_bins(flavour)
        probe = measurement.entries[self._region].simulation.probe
        self._valid = self._valid_probes(measurement.entries)
        node = nodes(probe.discriminant[self._valid], bins.discriminant[1:], transform)
        self._table = unit_table(bins, node, transform)
        self.nominal = self.jets(measurement.entries, measurement.inclusive)

    @property
    def positions(self) -> Floats:
        """Discriminant of the node of every bin, shape ``(n_disc,)``; 0 for invalid scores."""
        return self._table.positions

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of bins in pT, |eta| and discriminant."""
        return self._table.bins.shape

    def curves(self, measurement: Measurement) -> FlavourCurves:
        """Return the curves that weight contamination and tag jets of the flavour while it is measured."""
        simulation, table = measurement.entries[self._region].simulation[self._valid], self._table
        return FlavourCurves.of_jets(table.bins, table.node, table.transform, simulation.probe, simulation.weight)

    def jets(self, entries: Mapping[str, RegionEntries], inclusive: InclusiveJets) -> FlavourJets:
        """Return the jets of a shift of the jets' kinematics."""
        simulation = entries[self._region].simulation[self._valid_probes(entries)]
        sample = inclusive.of(self._index)
        probe, inclusive_bins = self._table.jet_bins(simulation.probe), self._table.jet_bins(sample.jets)
        return FlavourJets(probe, simulation.weight, sample, inclusive_bins)

    def reweighted(self, weights: Mapping[str, Floats], inclusive: InclusiveJets) -> FlavourJets:
        """Return the jets of a shift of weights: those of the nominal, weights of the simulated entries by region."""
        sample = inclusive.of(self._index)
        return replace(self.nominal, weight=weights[self._region][self._valid], inclusive=sample)

    def table(self, sf: Floats, measured: Bools) -> BinnedFlavour:
        """Return the nominal table, still without errors and replicas."""
        values = self.values(sf, measured, self.nominal)
        return replace(self._table, sf=sf, measured=measured, smooth=values.smooth, normalisation=values.normalisation)

    def values(self, sf: Floats, measured: Bools, jets: FlavourJets) -> ShiftedValues:
        """Return values of shape (n_pt, n_abseta, n_disc), smoothed and normalised on the jets of their shift."""
        valid, probe = np.maximum(sf[..., 1:], 0.0), jets.probe
        column = probe.bin - probe.row * sf.shape[-1] - 1
        rows, used = valid.reshape(-1, valid.shape[-1]), measured[..., 1:].reshape(-1, valid.shape[-1])
        smooth = mean_preserving(rows, used, self._table.node, probe.row, column, probe.position, jets.weight)
        table = replace(self._table, sf=sf, measured=measured, smooth=smooth.reshape(valid.shape))
        sample, bins = jets.inclusive, jets.inclusive_bins
        normalisation = {
            method: normalisation_table(self._normalised_in, sample.jets, sample.weight, table.value(bins, method))
            for method in BINNED_METHODS
        }
        return ShiftedValues(sf, table.smooth, normalisation)

    def replica_divisors(self, replicas: Floats) -> Floats:
        """Return the mean of each replica on the inclusive jets, shape (n, n_pt, n_abseta).

        ``replicas`` have the shape (n, n_pt, n_abseta, n_disc).
        """
        sample, size = self.nominal.inclusive, self._table.bins.size
        row, n_rows = self._normalised_in.index(sample.jets.pt_gev, sample.jets.abseta), self._normalised_in.size
        place = row * size + self.nominal.inclusive_bins.bin
        weight = np.bincount(place, sample.weight, n_rows * size).reshape(n_rows, size)
        mean = np.maximum(replicas, 0.0).reshape(-1, size) @ (weight / weight.sum(axis=1, keepdims=True)).T
        return np.asarray(np.einsum("ijk,nk->nij", shares(self._table.bins, self._normalised_in), mean))

    def row_normalised(self, sf: Floats, jets: FlavourJets) -> Floats:
        """Return ``sf`` over its mean on the inclusive sample by (pT, |eta|) row; rows without jets as they are."""
        weight, bins = jets.inclusive.weight, jets.inclusive_bins
        n_rows = int(np.prod(sf.shape[:-1]))
        value = replace(self._table, sf=sf).value(bins, "binned")
        total, weighted = (np.bincount(bins.row, w, n_rows) for w in (weight, weight * value))
        require_finite("sums over inclusive jets", [total, weighted], "check the weights")
        mean = np.divide(weighted, total, out=np.ones(n_rows), where=(total > 0) & (weighted > 0))
        return np.asarray(sf / mean.reshape(*sf.shape[:-1], 1))

    def _valid_probes(self, entries: Mapping[str, RegionEntries]) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
        probe = entries[self._region].simulation.probe
        return np.flatnonzero((probe.flavour == self._index) & (probe.discriminant >= 0))
