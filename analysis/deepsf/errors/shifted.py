"""A measurement under each systematic shift: what networks are trained on anew to find how the shift moves them."""

from __future__ import annotations

from dataclasses import replace

from deepsf.binned.shifts import DIRECTIONS, SystematicShifts, tighter
from deepsf.config.shifts import TAG_CUT, Contamination
from deepsf.probes.composition import contamination_factors
from deepsf.probes.entries import ProbeEntries, RegionEntries
from deepsf.probes.measurement import Measurement


def shift_names(shifts: SystematicShifts) -> tuple[str, ...]:
    """Return the shifts that networks are trained for: of the contamination, weights, jets, and the tag cut upwards."""
    contamination = [f"{source}_{direction}" for source in shifts.settings.contamination for direction, _ in DIRECTIONS]
    tag_cut = [f"{TAG_CUT}_up"] if shifts.settings.tag_cuts else []
    return (*contamination, *shifts.weights, *shifts.kinematic, *tag_cut)


def shifted_measurement(measurement: Measurement, shifts: SystematicShifts, name: str) -> Measurement:
    """Return the measurement with the entries and the inclusive jets of one of `shift_names`."""
    settings, entries = shifts.settings, measurement.entries
    source, _, direction = name.rpartition("_")
    if source in settings.contamination:
        sign = dict(DIRECTIONS)[direction]
        return replace(measurement, entries=_contaminated(measurement, settings.contamination[source], sign))
    if source == TAG_CUT:
        points = shifts.working_points
        cut = {n: tighter(e, c, points) if (c := settings.tag_cuts.get(n)) else e for n, e in entries.items()}
        return replace(measurement, entries=cut)
    return replace(measurement, entries=shifts.entries(name), inclusive=shifts.inclusive(name))


def _contaminated(measurement: Measurement, shift: Contamination, sign: float) -> dict[str, RegionEntries]:
    """Return the entries with the weights of the region's contamination shifted."""
    entries = dict(measurement.entries)
    part, enriched = entries[shift.region], measurement.enriching.get(shift.region)
    factor = contamination_factors(part.simulation.probe, measurement.names, enriched, shift, sign)
    simulation: ProbeEntries = replace(part.simulation, weight=part.simulation.weight * factor)
    entries[shift.region] = RegionEntries(part.data, simulation)
    return entries
