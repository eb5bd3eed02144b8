"""The contamination of every region as data have it: what backs the size of the shifts ``lf`` and ``hf``.

It is measured where it is strongest (`deepsf.probes.control_range`): in a region of tags above a working point, with
probe jets below the loosest one; in a region of tags below one, with probe jets above the tightest, which are nearly
all b jets. Tag and probe are taken as independent, and scale factors as those of all processes. Contamination of
several flavours has the factor of those in that range of the score (``shares``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from deepsf.arrays import Floats
from deepsf.audit.methods import at_own_flavours
from deepsf.binned.envelope import envelope_shifts, form_of, sum_over_sources
from deepsf.binned.scale_factor import BinnedScaleFactor
from deepsf.binned.shifts import source_of
from deepsf.config.audit import Audit
from deepsf.config.shifts import Contamination
from deepsf.probes.bootstrap import EventBootstrap
from deepsf.probes.control_range import PRIOR, ControlFit, ControlRange, ControlRangeError, control_fit
from deepsf.probes.measurement import Measurement
from deepsf.seeds import seed_sequence
from deepsf.skim.shifts import NOMINAL

PULL_MAX = 2.0
"""A larger pull of the factor is said aloud."""
_EXPECTED = np.array([1.0, 0.0, 0.0])


def measured_contamination(
    measurement: Measurement,
    binned: BinnedScaleFactor,
    working_points: Mapping[str, float],
    shifts: Mapping[str, Contamination],
    settings: Audit,
) -> dict[str, dict[str, Any]]:
    """Return by region the contamination factor of data over simulation; {} without working points.

    The error ``stat`` is the spread over bootstraps by event, in each of which the expected scale factor of the
    enriched flavour is drawn from `deepsf.probes.control_range.PRIOR`, too. ``other`` is what scale factors of the
    contamination bring in: under their statistical shapes or eigenvectors, and under all shifts of the contamination.

    Parameters
    ----------
    shifts
        Those of the contamination, by source.

    Returns
    -------
    dict
        ``factor``; ``error``, of ``stat`` and ``other``, which is None without such shifts; ``chi2`` and ``n_bins``;
        ``range`` of the score; ``shares`` of flavours in the contamination there; ``assumed``, the largest size of flat
        shifts of all of the region's contamination, None without one; ``pull`` = (factor - 1) / sqrt(error^2 +
        assumed^2). Or ``factor``, None, and the ``reason`` why it cannot be measured.
    """
    if not working_points:
        return {}
    found: dict[str, dict[str, Any]] = {}
    for name in measurement.enriching:
        assumed = max((s.size for s in shifts.values() if _is_of_all(s, name)), default=None)
        try:
            control = _control(measurement, name, binned, working_points)
            stat = float(np.std(control.replicas(settings), ddof=1))
            found[name] = control.report(stat, shifts, assumed)
        except ControlRangeError as error:
            found[name] = {"factor": None, "reason": str(error)}
    return found


def _is_of_all(shift: Contamination, region: str) -> bool:
    return shift.region == region and shift.flavour is None and not shift.is_tilted


def _control(
    measurement: Measurement, name: str, binned: BinnedScaleFactor, working_points: Mapping[str, float]
) -> _Control:
    """Return a region in its control range, if there is one."""
    region, points = measurement.regions[name], working_points.values()
    if region.tag_above is not None and region.tag_below is not None:
        raise ControlRangeError(
            "its tags lie between two scores, so that neither end of the score is all contamination"
        )
    limits = (-math.inf, min(points)) if region.tag_below is None else (max(points), math.inf)
    enriched = measurement.index(measurement.enriching[name])
    entries = ControlRange.of(measurement.entries[name], enriched, measurement.event_weight, *limits)
    return _Control(measurement, name, binned, limits, entries)


@dataclass(frozen=True)
class _Control:
    """A region in its control range, scores between the ``limits``."""

    measurement: Measurement
    region: str
    binned: BinnedScaleFactor
    limits: tuple[float, float]
    entries: ControlRange

    def _sf(self, role: str, shift: str = NOMINAL) -> Floats:
        """Return the scale factors of the simulated ``probe`` or ``tag`` jets, each of its own flavour."""
        jets = getattr(self.measurement.entries[self.region].simulation, role)
        method = partial(self.binned.evaluate, method="binned_smooth", shift=shift)
        return at_own_flavours(method, self.measurement.names, jets)

    @cached_property
    def _nominal(self) -> tuple[Floats, Floats, Floats]:
        data = self.measurement.entries[self.region].data.weight
        return data, self.entries.weights.weighted(self._sf("tag")), self._sf("probe")

    def fit(
        self, data: Any = 1.0, simulation: Any = 1.0, probe_sf: Floats | None = None, expected: Floats = _EXPECTED
    ) -> ControlFit:
        """Return the fit with factors on the weights of data and simulation, or other scale factors of probe jets."""
        weights = self._nominal
        sf = weights[2] if probe_sf is None else probe_sf
        return control_fit(self.entries.sums(data * weights[0], simulation * weights[1], sf), expected)

    def replicas(self, settings: Audit) -> list[float]:
        """Return the factor of every bootstrap by event; events of other regions are not of this one's statistics."""
        bootstrap = EventBootstrap({self.region: self.measurement.entries[self.region]})
        factors = []
        for number in range(settings.n_bootstrap):
            rng = np.random.default_rng(seed_sequence(settings.seed, "contamination", self.region, number))
            drawn = bootstrap.draw(rng)[self.region]
            expected = _EXPECTED + rng.standard_normal(len(PRIOR)) * PRIOR
            factors.append(self.fit(*drawn, expected=expected).factor)
        return factors

    def report(self, stat: float, shifts: Mapping[str, Contamination], assumed: float | None) -> dict[str, Any]:
        """Return the figures of the region."""
        nominal = self.fit()
        if nominal.is_at_limit:
            raise ControlRangeError(f"no factor describes its data, the fit ends at {nominal.factor:g}")
        moved = {
            name: self.fit(probe_sf=self._sf("probe", name)).factor - nominal.factor
            for name in envelope_shifts(self.binned.shift_names, statistical=True)
            if source_of(name) in shifts or form_of(source_of(name)) is not None
        }
        other = sum_over_sources(moved) if moved else None
        error = math.hypot(stat, other or 0.0)
        side = ("above", self.limits[0]) if math.isfinite(self.limits[0]) else ("below", self.limits[1])
        return {
            "factor": nominal.factor,
            "error": error,
            "stat": stat,
            "other": other,
            "chi2": nominal.chi2,
            "n_bins": len(self.entries.place),
            "range": {side[0]: side[1]},
            "shares": self._shares(),
            "assumed": assumed,
            "pull": (nominal.factor - 1.0) / math.hypot(error, assumed or 0.0),
        }

    def _shares(self) -> dict[str, float]:
        """Return the fraction of each flavour in the simulated contamination of the control range."""
        _, weight, sf = self._nominal
        flavour = self.measurement.entries[self.region].simulation.probe.flavour
        counted = weight * sf * self.entries.is_in_range * ~self.entries.is_enriched
        of_flavour = np.array([counted[flavour == number].sum() for number in range(len(self.measurement.names))])
        shares = of_flavour / of_flavour.sum()
        enriched = self.measurement.enriching[self.region]
        return {n: float(s) for n, s in zip(self.measurement.names, shares, strict=True) if n != enriched}


def contamination_notes(report: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return a sentence for every region whose contamination cannot be measured, or is not the assumed one.

    It is not, if its pull exceeds `PULL_MAX`. Errors that lack scale factors are said, too.
    """
    notes = [note for name, found in report.items() if (note := _note(name, found))]
    lacking = [name for name, found in report.items() if found["factor"] is not None and found["other"] is None]
    if lacking:
        notes.append(
            f"contamination of {', '.join(lacking)}: errors without those of scale factors of the contamination, as "
            "there are no shifts"
        )
    return notes


def _note(region: str, found: Mapping[str, Any]) -> str:
    if found["factor"] is None:
        return f"contamination of region {region} cannot be measured: {found['reason']}"
    if abs(found["pull"]) <= PULL_MAX:
        return ""
    assumed = "1" if found["assumed"] is None else f"1 +- {found['assumed']:g}"
    return (
        f"contamination of region {region}: data have {found['factor']:.2f} +- {found['error']:.2f} times that of "
        f"simulation, which is {abs(found['pull']):.1f} standard deviations from the assumed {assumed}; see "
        "docs/physics.md, Contamination"
    )
