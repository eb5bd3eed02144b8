"""From entries to the binned scale factor as others use it: measurement, shifts, smoothing, normalisation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from deepsf.arrays import Bools, Floats
from deepsf.binned import cferr
from deepsf.binned.covariance import StatisticalCovariance
from deepsf.binned.flavour import BinnedFlavour, ShiftedValues
from deepsf.binned.flavour_tables import FlavourJets, FlavourTables
from deepsf.binned.measurement import BinnedMeasurement, measure
from deepsf.binned.optimise import optimised
from deepsf.binned.purity import flavour_purities
from deepsf.binned.scale_factor import BinnedScaleFactor
from deepsf.binned.shifts import DIRECTIONS, SystematicShifts, measure_kinematic, measure_side_by_side, measure_tag_cut
from deepsf.binned.tag_and_probe import TagAndProbe
from deepsf.config.binned import Binned
from deepsf.config.shifts import Shifts
from deepsf.probes.bins import FlavourBins
from deepsf.probes.measurement import Measurement


def measure_binned(
    measurement: Measurement, settings: Binned, shifts: SystematicShifts | None = None
) -> BinnedScaleFactor:
    """Measure the scale factors of all measured flavours and shifts, smooth them, normalise them on inclusive jets."""
    bins = {name: _bins(measurement, name, settings) for name in measurement.measured}
    tables = {name: FlavourTables(measurement, name, name, bins[name], settings.smooth_in) for name in bins}
    method = TagAndProbe(
        measurement.entries,
        measurement.regions,
        measurement.names,
        bins,
        measurement.event_weight,
        curves={n: table.curves(measurement) for n, table in tables.items() if settings.contamination == "smooth"},
        min_effective_entries=settings.min_effective_entries,
    )
    nominal = measure(method, settings)
    flavours = {
        name: replace(
            table.table(nominal.sf[name], nominal.measured[name]),
            error=nominal.error(name),
            replicas=nominal.replicas[name],
            replica_measured=nominal.replica_measured[name],
            replica_divisors=table.replica_divisors(nominal.replicas[name]),
        )
        for name, table in tables.items()
    }
    result = BinnedScaleFactor(flavours, nominal.iterated.changes[0], purities=flavour_purities(method))
    if shifts is None:
        return result
    template = shifts.settings.cferr or ""
    unit = tuple(name for name in measurement.names if template and name not in bins)
    shifted = _Shifted(tables, nominal.measured, template if unit else "")
    shifted.measure(method, nominal, settings, shifts.chosen())
    errors = shifted.template_errors(shifts.settings, measurement.region_of, nominal) if unit else ()
    return replace(
        result,
        flavours={name: replace(table, shifts=shifted.values[name]) for name, table in flavours.items()},
        unit={
            name: _unit_table(FlavourTables(measurement, name, template, bins[template], settings.smooth_in), *errors)
            for name in unit
        },
    )


def _bins(measurement: Measurement, flavour: str, settings: Binned) -> FlavourBins:
    bins = FlavourBins.of(settings.bins[flavour])
    if settings.optimise is None:
        return bins
    entries = measurement.entries[measurement.region_of[flavour]]
    return optimised(bins, entries, measurement.index(flavour), settings.optimise)


class _Shifted:
    """Values of all shifts by measured flavour; those of the flavour behind cferr, ``template``, over their mean.

    ``template`` is empty where no flavour needs cferr.
    """

    def __init__(self, tables: Mapping[str, FlavourTables], measured: Mapping[str, Bools], template: str) -> None:
        self.values: dict[str, dict[str, ShiftedValues]] = {name: {} for name in tables}
        self._tables, self._measured, self._template = tables, measured, template
        self._row_normalised: dict[str, Floats] = {}

    def measure(
        self, method: TagAndProbe, nominal: BinnedMeasurement, settings: Binned, shifts: SystematicShifts
    ) -> None:
        weights = shifts.event_weights(method.entries)
        positions = {name: table.positions for name, table in self._tables.items()}
        by_shift = measure_side_by_side(
            method, nominal, positions, settings=settings, shifts=shifts.settings, event_weights=weights
        )
        by_shift |= measure_tag_cut(method, nominal, settings, shifts)
        by_shift |= _eigenvectors(nominal, shifts.settings.eigenvectors)
        for shift, sf in by_shift.items():
            if shift in weights:
                sample = shifts.inclusive(shift)
                self._add(shift, sf, {n: table.reweighted(weights[shift], sample) for n, table in self._tables.items()})
            else:
                self._add(shift, sf, {name: table.nominal for name, table in self._tables.items()})
        for shift in shifts.kinematic:
            entries, sample = shifts.entries(shift), shifts.inclusive(shift)
            sf = measure_kinematic(method.of(entries), shift, nominal, settings)
            self._add(shift, sf, {name: table.jets(entries, sample) for name, table in self._tables.items()})

    def _add(self, shift: str, sf: Mapping[str, Floats], jets: Mapping[str, FlavourJets]) -> None:
        for name, values in sf.items():
            try:
                self.values[name][shift] = self._tables[name].values(values, self._measured[name], jets[name])
            except ValueError as error:
                raise ValueError(f"shift {shift} of flavour {name}: {error}") from None
            if name == self._template:
                self._row_normalised[shift] = self._tables[name].row_normalised(values, jets[name])

    def template_errors(
        self, shifts: Shifts, region_of: Mapping[str, str], nominal: BinnedMeasurement
    ) -> tuple[Floats, Floats]:
        """Return the errors of cferr, up and down, from the shifts that count."""
        region, names = region_of[self._template], tuple(self._row_normalised)
        elsewhere = [source for source, shift in shifts.contamination.items() if shift.region != region]
        table = self._tables[self._template]
        unshifted = table.row_normalised(nominal.sf[self._template], table.nominal)
        counted = (self._row_normalised[name] for name in names if cferr.is_counted(name, names, elsewhere, region))
        return cferr.error(unshifted, counted, self._measured[self._template])


def _eigenvectors(nominal: BinnedMeasurement, n_vectors: int) -> dict[str, dict[str, Floats]]:
    if not n_vectors:
        return {}
    covariance = StatisticalCovariance.of_replicas(nominal.replicas, nominal.replica_measured)
    shifted = {}
    for number in range(min(n_vectors, len(covariance.values))):
        step = covariance.variation(number)
        for direction, sign in DIRECTIONS:
            shifted[f"stat{number + 1}_{direction}"] = {
                name: values + np.where(nominal.measured[name], sign * step[name], 0.0)
                for name, values in nominal.sf.items()
            }
    return shifted


def _unit_table(tables: FlavourTables, up: Floats, down: Floats) -> BinnedFlavour:
    nominal = tables.table(np.ones(tables.shape), np.ones(tables.shape, np.bool_))
    varied = cferr.variations(up, down, tables.positions)
    shifts = {name: tables.values(sf, nominal.measured, tables.nominal) for name, sf in varied.items()}
    return replace(nominal, shifts=shifts)
