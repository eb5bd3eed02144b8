"""Systematic shifts of the binned scale factors, each a variation of the iteration with scale factors of its own.

The scale factors of a shift weight the contamination and the tag jets of the same shift (arXiv:1712.07158). Shifts of
weights, of the contamination and the statistical shapes differ from the nominal in factors alone: they run side by
side over the nominal entries. Shifts of the jets' kinematics have other entries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from deepsf.arrays import Floats
from deepsf.binned.measurement import BinnedMeasurement
from deepsf.binned.tag_and_probe import TagAndProbe
from deepsf.binned.variations import Variations
from deepsf.config.binned import Binned
from deepsf.config.shifts import TAG_CUT, Contamination, Shifts, TagCut
from deepsf.probes.composition import contamination_factors
from deepsf.probes.entries import ProbeEntries, RegionEntries
from deepsf.probes.inclusive import InclusiveJets
from deepsf.skim.shifts import NOMINAL

DIRECTIONS = (("up", 1.0), ("down", -1.0))


def _no_tables(shift: str) -> Any:
    raise KeyError(f"shift {shift} has no tables")


@dataclass(frozen=True)
class SystematicShifts:
    """The systematic shifts to measure; of those in the skim, the names (``jer_up``) and the tables of each.

    Kinematic shifts have entries and inclusive jets of their own, weight shifts those of the nominal with other
    weights. ``working_points`` are thresholds that cuts on the tag jet may be named by.
    """

    settings: Shifts
    kinematic: tuple[str, ...] = ()
    weights: tuple[str, ...] = ()
    entries: Callable[[str], Mapping[str, RegionEntries]] = _no_tables
    inclusive: Callable[[str], InclusiveJets] = _no_tables
    working_points: Mapping[str, float] = field(default_factory=dict)

    def chosen(self) -> SystematicShifts:
        """Return the shifts without those of the skim whose source the configuration leaves out.

        Raises
        ------
        ValueError
            If the skim lacks a source that the configuration names.
        """
        kinematic = _chosen("kinematic", self.settings.kinematic, self.kinematic)
        return replace(self, kinematic=kinematic, weights=_chosen("weights", self.settings.weights, self.weights))

    def event_weights(self, nominal: Mapping[str, RegionEntries]) -> dict[str, dict[str, Floats]]:
        """Return by shift of weights and region the weights of the simulated entries, shapes ``(n_simulation,)``.

        Raises
        ------
        ValueError
            If a shift has other entries than the nominal.
        """
        return {shift: _weights_of(shift, self.entries(shift), nominal) for shift in self.weights}


def _weights_of(
    shift: str, entries: Mapping[str, RegionEntries], nominal: Mapping[str, RegionEntries]
) -> dict[str, Floats]:
    for name, region in nominal.items():
        if not np.array_equal(entries[name].simulation.event, region.simulation.event):
            raise ValueError(
                f"shift {shift} of weights has other entries than the nominal in region {name}; "
                "a shift of the jets is a kinematic one"
            )
    return {name: entries[name].simulation.weight for name in nominal}


def _chosen(key: str, wanted: Sequence[str] | None, offered: Sequence[str]) -> tuple[str, ...]:
    sources = {name: source_of(name) for name in offered if name != NOMINAL}
    missing = [source for source in wanted or () if source not in sources.values()]
    if missing:
        raise ValueError(
            f"shifts.{key}: the skim has no {', '.join(missing)}; it offers {sorted(set(sources.values())) or 'none'}: "
            "name one of these, or add what the skim makes it from (branches of the files, jet_corrections)"
        )
    return tuple(name for name, source in sources.items() if wanted is None or source in wanted)


def source_of(shift: str) -> str:
    """Return ``jer`` of ``jer_up``."""
    return shift.rsplit("_", 1)[0]


def linear(position: Floats) -> Floats:
    """Return 1 - 2x at discriminants x: the shape of the first statistical shift."""
    return np.asarray(1.0 - 2.0 * position)


def quadratic(position: Floats) -> Floats:
    """Return 1 - 6x(1 - x) at discriminants x: the shape of the second statistical shift."""
    return np.asarray(1.0 - 6.0 * position * (1.0 - position))


class _Shift(NamedTuple):
    """What tells a shift of the nominal entries from the nominal: weights, factor of the contamination, step of S.

    ``weights`` are those of the simulated entries, by region; the nominal ones in regions that are not there.
    """

    name: str
    weights: Mapping[str, Floats] | None = None
    contamination: Contamination | None = None
    factor: float = 1.0
    offset: Floats | None = None


def measure_side_by_side(
    method: TagAndProbe,
    nominal: BinnedMeasurement,
    positions: Mapping[str, Floats],
    *,
    settings: Binned,
    shifts: Shifts,
    event_weights: Mapping[str, Mapping[str, Floats]],
) -> dict[str, dict[str, Floats]]:
    """Return by shift and measured flavour the scale factors, shape (n_pt, n_abseta, n_disc), of the nominal entries.

    Parameters
    ----------
    positions
        By flavour the discriminant at which the statistical shapes are taken in each bin, shape ``(n_disc,)``; 0 for
        invalid scores.
    event_weights
        Weights of the simulated entries by shift and region, shapes ``(n_simulation,)``.
    """
    variations = side_by_side(method, nominal, positions, shifts=shifts, event_weights=event_weights)
    return _iterate(method, variations, nominal, settings) if variations.names else {}


def measure_kinematic(
    method: TagAndProbe, name: str, nominal: BinnedMeasurement, settings: Binned
) -> dict[str, Floats]:
    """Return by measured flavour the scale factors of a shift of the jets, whose entries ``method`` has."""
    return _iterate(method, method.variations((name,)), nominal, settings)[name]


def measure_tag_cut(
    method: TagAndProbe, nominal: BinnedMeasurement, settings: Binned, shifts: SystematicShifts
) -> dict[str, dict[str, Floats]]:
    """Return the scale factors with tighter cuts on the tag jet, and their mirror image at the nominal.

    The cut does not touch the probe jet. Where the scores of both jets are correlated and the simulation does not know
    how, the scale factor moves. What it moves by statistics is in the shift, too: it has a part of the entries.
    """
    cuts = shifts.settings.tag_cuts
    if not cuts:
        return {}
    points = shifts.working_points
    entries = {n: tighter(part, cuts[n], points) if n in cuts else part for n, part in method.entries.items()}
    up, down = (f"{TAG_CUT}_{direction}" for direction, _ in DIRECTIONS)
    shifted = measure_kinematic(method.of(entries), up, nominal, settings)
    return {up: shifted, down: {name: 2.0 * nominal.sf[name] - sf for name, sf in shifted.items()}}


def tighter(entries: RegionEntries, cut: TagCut, points: Mapping[str, float]) -> RegionEntries:
    """Return the entries whose tag jet passes the cuts; working points may name them."""

    def kept(part: ProbeEntries) -> ProbeEntries:
        score = part.tag.discriminant
        above, below = (points[c] if isinstance(c, str) else c for c in (cut.above, cut.below))
        passes = (score > (-np.inf if above is None else above)) & (score < (np.inf if below is None else below))
        return part[np.flatnonzero(passes)]

    return RegionEntries(kept(entries.data), kept(entries.simulation))


def _iterate(
    method: TagAndProbe, variations: Variations, nominal: BinnedMeasurement, settings: Binned
) -> dict[str, dict[str, Floats]]:
    unshifted = nominal.iterated
    # more steps than the nominal may take: with more contamination the iteration is slower
    iterated = method.iterate(
        variations,
        max_change=settings.max_change,
        max_iterations=2 * settings.max_iterations,
        start=unshifted.sf[0],
    )
    # what the shift or the nominal could not measure does not deviate
    shifted = np.where(iterated.measured & unshifted.measured, iterated.sf, unshifted.sf)
    return {name: method.split(sf) for name, sf in zip(variations.names, shifted, strict=True)}


def _contamination(method: TagAndProbe, shifts: Mapping[str, Contamination]) -> Iterator[_Shift]:
    """Yield flat shifts as a factor of the flavours, which costs no column of weights, and tilted ones as weights."""
    for source, shift in shifts.items():
        for direction, sign in DIRECTIONS:
            name, region = f"{source}_{direction}", shift.region
            if not shift.is_tilted or region not in method.entries:
                yield _Shift(name, contamination=shift, factor=1.0 + sign * shift.size)
                continue
            simulation, enriched = method.entries[region].simulation, method.regions[region].enriched_flavour
            factors = contamination_factors(simulation.probe, method.flavours, enriched, shift, sign)
            yield _Shift(name, weights={region: simulation.weight * factors})


def _statistics(method: TagAndProbe, nominal: BinnedMeasurement, positions: Mapping[str, Floats]) -> Iterator[_Shift]:
    """Yield the shapes by region; a bin whose error is not known keeps its value."""
    for region in method.entries:
        flavour = method.regions[region].enriched_flavour
        error = nominal.error(flavour)
        for number, shape in enumerate((linear, quadratic), start=1):
            step = method.joined({flavour: error * shape(positions[flavour])})
            for direction, sign in DIRECTIONS:
                yield _Shift(f"{region}stats{number}_{direction}", offset=sign * step)


def side_by_side(
    method: TagAndProbe,
    nominal: BinnedMeasurement,
    positions: Mapping[str, Floats],
    *,
    shifts: Shifts,
    event_weights: Mapping[str, Mapping[str, Floats]],
) -> Variations:
    """Return the variations of all shifts of the nominal entries; parameters are those of `measure_side_by_side`."""
    every = [
        *_contamination(method, shifts.contamination),
        *(_statistics(method, nominal, positions) if shifts.statistics else ()),
        *(_Shift(name, weights=weights) for name, weights in event_weights.items()),
    ]
    own = [shift.weights for shift in every if shift.weights is not None]
    simulation = {}
    for name, entries in method.entries.items():
        weight = entries.simulation.weight
        simulation[name] = np.stack([weight, *(weights.get(name, weight) for weights in own)], axis=1)
    has_own = np.array([shift.weights is not None for shift in every], np.bool_)
    factor = {name: np.ones((len(method.flavours), len(every))) for name in method.entries}
    offset = np.zeros((method.size, len(every)))
    for number, shift in enumerate(every):
        if shift.offset is not None:
            offset[:, number] = shift.offset
        if shift.contamination is None or shift.contamination.region not in method.entries:
            continue
        enriched = method.regions[shift.contamination.region].enriched_flavour
        scaled = [shift.contamination.flavour in (None, name) and name != enriched for name in method.flavours]
        factor[shift.contamination.region][scaled, number] = shift.factor
    return method.variations(
        tuple(shift.name for shift in every),
        simulation=simulation,
        column=np.where(has_own, np.cumsum(has_own), 0).astype(np.int32),
        factor=factor,
        offset=offset,
    )
