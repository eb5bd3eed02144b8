"""Whether errors cover: pseudo-data sets with known scale factors, measured as data are.

Half of the events of the simulation, drawn at random, weigh S of both their jets and stand for data; the other half
is the simulation. What data and simulation fluctuate against each other is independent in every division. The
contamination of the data is drawn, too, with the relative errors that ``shifts.contamination`` says it has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from scipy.special import ndtri
from scipy.stats import qmc

from deepsf.adversarial.refit import AdversarialRefit, refit_settings
from deepsf.adversarial.train import train_member
from deepsf.arrays import Bools, Floats
from deepsf.audit.methods import DEEPSF, DIRECT, TrueFunction, at_own_flavours, true_method
from deepsf.audit.working_points import bin_names
from deepsf.binned.build import measure_binned
from deepsf.binned.shifts import SystematicShifts
from deepsf.config.binned import Binned
from deepsf.config.coverage import Coverage
from deepsf.config.direct import Direct
from deepsf.config.flavours import hadron_flavours
from deepsf.config.shifts import Contamination, Shifts
from deepsf.config.training import Training
from deepsf.direct.train import train_direct
from deepsf.errors.measure import errors_of, measure_errors
from deepsf.errors.method_errors import MethodErrors, Refits, total
from deepsf.errors.refit import Refit, under_shifts
from deepsf.errors.shifted import shift_names
from deepsf.networks.cpu import Precision
from deepsf.networks.scale_factor import EnsembleScaleFactor, MemberScaleFactor
from deepsf.probes.bootstrap import split_by_event
from deepsf.probes.composition import contamination_factors
from deepsf.probes.entries import Jets, ProbeEntries, RegionEntries, evenly
from deepsf.probes.measurement import Measurement
from deepsf.seeds import part_of
from deepsf.skim.shifts import NOMINAL

N_JETS = 6000
"""Inclusive jets of a cell that are looked at."""


@dataclass(frozen=True)
class Settings:
    """How a set is measured. ``contamination``, by source, is what is not known of it: it varies over the sets."""

    coverage: Coverage
    binned: Binned
    direct: Direct
    training: Training
    working_points: Mapping[str, float]
    contamination: Mapping[str, Contamination] = field(default_factory=dict)
    shift_passes: float = 2.0
    shift_learning_rate: float = 1e-3


def contaminations(
    sources: Mapping[str, Contamination], n_sets: int, seed: np.random.SeedSequence
) -> list[list[tuple[Contamination, float]]]:
    """Return for each set how far each source of contamination is off, in units of its error.

    Numbers are normal, one in each of ``n_sets`` equally likely ranges: their spread is closer to 1 than that of as
    many independent ones.
    """
    if not sources:
        return [[] for _ in range(n_sets)]
    hypercube = qmc.LatinHypercube(len(sources), rng=np.random.default_rng(part_of(seed, "places")))
    ordered = [sources[name] for name in sorted(sources)]
    return [list(zip(ordered, row, strict=True)) for row in ndtri(hypercube.random(n_sets)).tolist()]


def pseudo_data(
    measurement: Measurement,
    truth: TrueFunction,
    seed: np.random.SeedSequence,
    contamination: Sequence[tuple[Contamination, float]] = (),
) -> Measurement:
    """Return a measurement of half of the simulation, with the other half as its data.

    Parameters
    ----------
    truth
        Scale factors of jets, of their hadron flavours, |eta|, pT [GeV] and scores.
    contamination
        Of the data, with how many of its errors it is off; factors of jets are at least 0.
    """
    true = true_method(truth, measurement)
    chosen = split_by_event(measurement.entries, 0.5, np.random.default_rng(seed))

    def weighted(region: str, entries: ProbeEntries) -> ProbeEntries:
        rate = at_own_flavours(true, measurement.names, entries.probe)
        rate = rate * at_own_flavours(true, measurement.names, entries.tag)
        for shift, errors in contamination:
            if shift.region == region:
                enriched = measurement.enriching.get(region)
                factor = contamination_factors(entries.probe, measurement.names, enriched, shift, errors)
                rate = rate * np.maximum(factor, 0.0)
        return replace(entries, weight=entries.weight * rate, probe=_unlabelled(entries.probe))

    def halves(region: str, entries: ProbeEntries, is_data: Bools) -> RegionEntries:
        data, simulation = entries[np.flatnonzero(is_data)], entries[np.flatnonzero(~is_data)]
        return RegionEntries(weighted(region, data), simulation)

    entries = {name: halves(name, e.simulation, chosen[name][1]) for name, e in measurement.entries.items()}
    return replace(measurement, entries=entries)


def _unlabelled(jets: Jets) -> Jets:
    return replace(jets, flavour=np.full(len(jets), -1, np.int8))


def measured_set(measurement: Measurement, settings: Settings, seed: np.random.SeedSequence) -> dict[str, MethodErrors]:
    """Return direct density ratio and DeepSF with their errors, measured on one set; by method."""
    precision: Precision = settings.training.precision  # type: ignore[assignment]  # resolved
    inputs, coverage = settings.training.inputs, settings.coverage
    codes = hadron_flavours(measurement.flavours)
    binned = measure_binned(measurement, settings.binned)
    trained = [
        train_direct(measurement, inputs, settings.direct, part_of(seed, "direct", number), precision=precision)[0]
        for number in range(coverage.n_direct)
    ]
    refit = Refit(inputs, settings.direct, precision, trained[0])
    bootstraps = (
        refit.bootstrap(measurement, part_of(seed, "bootstrap", number))[0] for number in range(coverage.n_bootstrap)
    )
    refits = Refits(tuple(bootstraps)).with_shifts(_shifted(refit.shifted, measurement, settings, seed))
    ensembles, repeated = {DIRECT: EnsembleScaleFactor(tuple(trained), codes)}, {DIRECT: refits}
    if coverage.n_members:
        members = (
            train_member(measurement, settings.training, part_of(seed, "deepsf", number))[0]
            for number in range(coverage.n_members)
        )
        ensembles[DEEPSF] = EnsembleScaleFactor(tuple(members), codes)
        passes, rate = settings.shift_passes, settings.shift_learning_rate
        refitted = refit_settings(settings.training, trained[0], passes=passes, learning_rate=rate)
        own = AdversarialRefit(refitted, trained[0])
        repeated[DEEPSF] = refits.with_shifts(_shifted(own.shifted, measurement, settings, seed))
    thresholds = sorted(settings.working_points.values())
    report = measure_errors(ensembles, refits, binned, measurement.inclusive, measurement.names, thresholds)
    return errors_of(ensembles, repeated, report, measurement.extrapolation.error)


def _shifted(
    fit: Callable[[Measurement, np.random.SeedSequence], tuple[MemberScaleFactor, Any]],
    measurement: Measurement,
    settings: Settings,
    seed: np.random.SeedSequence,
) -> dict[str, MemberScaleFactor]:
    """Return the fit under each shift of the contamination, and without any."""
    if not settings.contamination:
        return {}
    shifts = SystematicShifts(Shifts(contamination=dict(settings.contamination)))
    found = under_shifts(fit, measurement, shifts, (NOMINAL, *shift_names(shifts)), part_of(seed, "shifts"))
    return {name: member for name, member, _ in found}


class Cell(NamedTuple):
    """Jets that a mean is taken over, in words and as shares that add up to 1."""

    flavour: str
    working_point: str
    pt: str
    jets: Jets
    share: Floats


def cells(measurement: Measurement, settings: Settings) -> list[Cell]:
    """Return all cells of flavour, range between working points, and range in pT that have jets."""
    names, edges = bin_names(settings.working_points), sorted(settings.working_points.values())
    pt_edges = np.array(settings.coverage.pt_gev)
    found = []
    for flavour in measurement.measured:
        sample = measurement.inclusive_of(flavour, 1)
        place = np.searchsorted(edges, sample.jets.discriminant, side="left")
        row = np.clip(np.searchsorted(pt_edges, sample.jets.pt_gev, side="right") - 1, 0, len(pt_edges) - 2)
        for number, name in enumerate(names):
            for pt_bin, (low, high) in enumerate(pairwise(settings.coverage.pt_gev)):
                index = evenly(np.flatnonzero((place == number) & (row == pt_bin)), N_JETS)
                weight = sample.weight[index]
                if weight.sum() > 0:
                    share = weight / weight.sum()
                    found.append(Cell(flavour, name, f"{low:g}-{high:g} GeV", sample.jets[index], share))
    return found


def compared(
    methods: Mapping[str, MethodErrors], truth: TrueFunction, measurement: Measurement, settings: Settings
) -> list[dict[str, Any]]:
    """Return for each method and cell the mean scale factor, its errors by name and the true mean.

    Besides those of the measurement itself there is the error of the ``contamination``, where that varies.
    """
    true, rows = true_method(truth, measurement), []
    for cell in cells(measurement, settings):
        expected = float(true(cell.flavour, cell.jets) @ cell.share)
        for method, errors in methods.items():
            at = errors.at(cell.flavour, cell.jets)
            parts = at.of_mean(cell.share)
            systematic = at.systematic(cell.share)
            rows.append(
                {
                    "method": method,
                    "flavour": cell.flavour,
                    "working_point": cell.working_point,
                    "pt": cell.pt,
                    "value": float(at.value @ cell.share),
                    "truth": expected,
                    "errors": parts | {"contamination": systematic},
                    "error": float(np.hypot(total(parts), systematic)),
                }
            )
    return rows
