"""From entries to the binned scale factor as others use it: measurement, shifts, smoothing, normalisation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from deepsf.binned import cferr
from deepsf.binned.covariance import StatisticalCovariance
from deepsf.binned.flavour_tables import FlavourJets, FlavourTables
from deepsf.binned.measurement import BinnedMeasurement, measure
from deepsf.binned.optimise import optimised
from deepsf.binned.purity import flavour_system
from deepsf.binned.scale_factor import BinnedFlavour, BinnedScaleFactor, ShiftedValues
from deepsf.binned.shifts import DIRECTIONS, SkimShifts, measure_kinematic, measure_side_by_side
from deepsf.binned.tag_and_probe import TagAndProbe
from deepsf.config.binned import Binned
from deepsf.config.flavours import Flavour, measured_flavours
from deepsf.config.regions import Region
from deepsf.config.shifts import Shifts
from deepsf.config.weights import EventWeight, Normalisation
from deepsf.probes.bins import FlavourBins
from deepsf.probes.entries import Floats, RegionEntries
from deepsf.probes.inclusive import InclusiveJets, normalisation_bins


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
    deepsf.binned.tag_and_probe.NotConvergedError
        If an iteration does not converge.
    ValueError
        If scale factors cannot be normalised, or the skim lacks a shift that the configuration names.
    """
    names, measured = tuple(flavours), measured_flavours(flavours)
    region_of = {definition.enriched_flavour: name for name, definition in definitions.items()}
    bins = {name: FlavourBins.of(settings.bins[name]) for name in measured}
    if settings.optimise is not None:
        for name, edges in bins.items():
            bins[name] = optimised(edges, regions[region_of[name]], names.index(name), settings.optimise)
    method = TagAndProbe(regions, definitions, names, measured, bins, event_weight)
    measurement = measure(method, settings)

    template = None if shifts is None else shifts.cferr
    unit = () if template is None else tuple(name for name in names if name not in measured)
    # a flavour of unit scale factor has the bins and the region of the one that its error is taken from
    like = {name: name for name in measured} | dict.fromkeys(unit, template or "")
    normalised_in = normalisation_bins(inclusive, names, like, normalisation)
    tables = {
        name: FlavourTables(
            names.index(name), region_of[of], bins[of], normalised_in[name], settings.smooth_in, regions, inclusive
        )
        for name, of in like.items()
    }
    result = BinnedScaleFactor(
        {
            name: tables[name].table(measurement.sf[name], measurement.error(name), measurement.replicas[name])
            for name in measured
        },
        measurement.changes,
        system=flavour_system(method),
    )
    if shifts is None:
        return result
    shifted = _Shifted(tables, measured, template if unit else None)
    shifted.measure(method, measurement, settings, shifts, None if skim is None else skim.of(shifts))
    errors = shifted.template_errors(shifts, region_of, measurement) if unit else ()
    return replace(
        result,
        flavours={name: replace(table, shifts=shifted.values[name]) for name, table in result.flavours.items()},
        unit={name: _unit_table(tables[name], *errors) for name in unit},
    )


class _Shifted:
    """Values of all shifts by measured flavour; those of the flavour behind cferr, ``template``, over their mean."""

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
    ) -> None:
        tables = {name: self._tables[name] for name in self.values}
        positions = {name: table.positions for name, table in tables.items()}
        weights = {} if skim is None else skim.event_weights(method.entries)
        found = measure_side_by_side(
            method, measurement, positions, settings=settings, shifts=shifts, event_weights=weights
        )
        for shift, sf in (found | _eigenvectors(measurement, shifts.eigenvectors)).items():
            if skim is None or shift not in weights:
                self._add(shift, sf, {name: table.nominal for name, table in tables.items()})
                continue
            sample = skim.inclusive(shift)
            self._add(shift, sf, {name: table.reweighted(weights[shift], sample) for name, table in tables.items()})
        if skim is None:
            return
        for shift in skim.kinematic:
            regions, sample = skim.regions(shift), skim.inclusive(shift)
            sf = measure_kinematic(method.of(regions), shift, measurement, settings)
            self._add(shift, sf, {name: table.jets(regions, sample) for name, table in tables.items()})

    def _add(self, shift: str, sf: Mapping[str, Floats], jets: Mapping[str, FlavourJets]) -> None:
        for name, values in sf.items():
            try:
                self.values[name][shift] = self._tables[name].values(values, jets[name])
            except ValueError as error:
                raise ValueError(f"shift {shift} of flavour {name}: {error}") from None
            if name == self._template:
                self._row_normalised[shift] = self._tables[name].row_normalised(values, jets[name])

    def template_errors(
        self, shifts: Shifts, region_of: Mapping[str, str], measurement: BinnedMeasurement
    ) -> tuple[Floats, Floats]:
        """Return the errors of cferr, up and down, from the shifts that count."""
        assert self._template is not None
        own, names = region_of[self._template], tuple(self._row_normalised)
        elsewhere = [source for source, shift in shifts.contamination.items() if shift.region != own]
        table = self._tables[self._template]
        nominal = table.row_normalised(measurement.sf[self._template], table.nominal)
        counted = (self._row_normalised[name] for name in names if cferr.is_counted(name, names, elsewhere, own))
        return cferr.error(nominal, counted)


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
