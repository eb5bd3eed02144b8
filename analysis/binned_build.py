"""From entries to the binned scale factor as others use it: measurement, shifts, smoothing, normalisation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from analysis import cferr
from analysis.binned import FlavourBins, TagAndProbe
from analysis.binned_measurement import BinnedMeasurement, measure
from analysis.binned_scale_factor import BinnedFlavour, BinnedScaleFactor, ShiftedValues
from analysis.binning import optimised
from analysis.config.events import EventWeight, Flavour, Normalisation, Region, measured_flavours
from analysis.config.methods import Binned
from analysis.config.shifts import Shifts
from analysis.covariance import StatisticalCovariance
from analysis.flavour_system import flavour_system
from analysis.flavour_tables import FlavourJets, FlavourTables
from analysis.inclusive import InclusiveJets, normalisation_bins
from analysis.shifts import DIRECTIONS, SkimShifts, measure_kinematic, measure_side_by_side
from analysis.tables import Floats, RegionEntries


def measure_and_build(
    regions: Mapping[str, RegionEntries],
    definitions: Mapping[str, Region],
    flavours: Mapping[str, Flavour],
    inclusive: InclusiveJets,
    *,
    settings: Binned,
    event_weight: EventWeight,
    normalisation: Normalisation,
    shifts: Shifts | None = None,
    skim: SkimShifts | None = None,
) -> BinnedScaleFactor:
    """Measure the scale factors of all measured flavours and shifts, smooth them, normalise them on inclusive jets.

    Parameters
    ----------
    regions, inclusive
        Entries and inclusive jets of the nominal.
    shifts
        Which systematic shifts there are; none by default.
    skim
        The shifts of jets and weights that the skim offers; none by default.

    Raises
    ------
    analysis.binned.NotConvergedError
        If an iteration does not converge.
    ValueError
        If scale factors cannot be normalised, or the skim lacks a shift that the configuration names.
    """
    names, measured = tuple(flavours), measured_flavours(flavours)
    region_of = {definition.enriched_flavour: name for name, definition in definitions.items()}
    bins = {name: FlavourBins.of(settings.bins[name]) for name in measured}
    if settings.optimise is not None:
        bins = {
            name: optimised(edges, regions[region_of[name]], names.index(name), settings.optimise)
            for name, edges in bins.items()
        }
    method = TagAndProbe(regions, definitions, names, measured, bins, event_weight)
    measurement = measure(method, settings)

    with_table = {name: name for name in measured}  # and whose bins and region it has
    if shifts is not None and shifts.cferr is not None:
        with_table |= {name: shifts.cferr for name in names if name not in measured}
    normalised_in = normalisation_bins(inclusive, names, with_table, normalisation)
    tables = {
        name: FlavourTables(
            names.index(name),
            region_of[like],
            bins[like],
            normalised_in[name],
            settings.smooth_in,
            regions,
            inclusive,
        )
        for name, like in with_table.items()
    }
    result = {
        name: tables[name].table(measurement.sf[name], measurement.error(name), measurement.replicas[name])
        for name in measured
    }
    system = flavour_system(method)
    if shifts is None:
        return BinnedScaleFactor(result, measurement.changes, system=system)
    chosen = None if skim is None else skim.of(shifts)
    shifted = _Shifted(tables, measured, shifts.cferr)
    shifted.measure(method, measurement, settings, shifts, chosen, inclusive)
    result = {name: replace(table, shifts=shifted.values[name]) for name, table in result.items()}
    unit = {}
    if shifts.cferr is not None:
        counted = shifted.deviating(shifts, region_of[shifts.cferr], definitions)
        up, down = cferr.error(
            tables[shifts.cferr].row_normalised(measurement.sf[shifts.cferr], tables[shifts.cferr].nominal), counted
        )
        unit = {name: _unit_table(tables[name], up, down) for name in with_table if name not in measured}
    return BinnedScaleFactor(result, measurement.changes, unit, system)


class _Shifted:
    """Values of all shifts by measured flavour, and those of one flavour over their mean, behind cferr."""

    def __init__(self, tables: Mapping[str, FlavourTables], measured: tuple[str, ...], template: str | None) -> None:
        self.values: dict[str, dict[str, ShiftedValues]] = {name: {} for name in measured}
        self._tables, self._template = tables, template
        self._row_normalised: dict[str, Floats] = {}

    def measure(
        self,
        method: TagAndProbe,
        measurement: BinnedMeasurement,
        settings: Binned,
        shifts: Shifts,
        skim: SkimShifts | None,
        inclusive: InclusiveJets,
    ) -> None:
        positions = {name: self._tables[name].positions for name in self.values}
        weights = {} if skim is None else skim.event_weights(method.entries)
        found = measure_side_by_side(
            method, measurement, positions, settings=settings, shifts=shifts, event_weights=weights
        )
        for shift, sf in (found | _eigenvectors(measurement, shifts.eigenvectors)).items():
            if shift in weights:
                assert skim is not None
                sample = skim.inclusive(shift)
                self._add(shift, sf, {n: self._tables[n].reweighted(weights[shift], sample) for n in sf})
            else:
                self._add(shift, sf, {n: self._tables[n].nominal for n in sf})
        for shift in () if skim is None else skim.kinematic:
            assert skim is not None
            regions, sample = skim.regions(shift), skim.inclusive(shift)
            sf = measure_kinematic(method.of(regions), shift, measurement, settings)
            self._add(shift, sf, {n: self._tables[n].jets(regions, sample) for n in sf})

    def _add(self, shift: str, sf: Mapping[str, Floats], jets: Mapping[str, FlavourJets]) -> None:
        for name, values in sf.items():
            try:
                self.values[name][shift] = self._tables[name].values(values, jets[name])
            except ValueError as error:
                raise ValueError(f"shift {shift} of flavour {name}: {error}") from None
            if name == self._template:
                self._row_normalised[shift] = self._tables[name].row_normalised(values, jets[name])

    def deviating(self, shifts: Shifts, own: str, definitions: Mapping[str, Region]) -> list[Floats]:
        """Return the values of the shifts that enter cferr."""
        elsewhere = [source for source, shift in shifts.contamination.items() if shift.region != own]
        names = tuple(self._row_normalised)
        return [self._row_normalised[name] for name in names if cferr.is_counted(name, names, elsewhere, own)]


def _eigenvectors(measurement: BinnedMeasurement, n_vectors: int) -> dict[str, dict[str, Floats]]:
    if not n_vectors:
        return {}
    covariance = StatisticalCovariance.of_replicas(measurement.replicas)
    found = {}
    for number in range(min(n_vectors, len(covariance.values))):
        step = covariance.variation(number)
        for direction, sign in DIRECTIONS:
            found[f"stat{number + 1}_{direction}"] = {
                name: values + sign * step[name] for name, values in measurement.sf.items()
            }
    return found


def _unit_table(tables: FlavourTables, up: Floats, down: Floats) -> BinnedFlavour:
    nominal = tables.table(np.ones(tables.shape), np.zeros(tables.shape), np.empty((0, *tables.shape)))
    varied = cferr.variations(up, down, tables.positions)
    return replace(nominal, shifts={name: tables.values(sf, tables.nominal) for name, sf in varied.items()})
