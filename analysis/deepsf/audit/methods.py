"""What is compared: scale factors by method name, and their values at the entries of every region.

A method is a function of a flavour's name and jets. Every other part of the audit goes over a mapping of methods, so
that another one needs an entry there and nothing else. Four names have a meaning of their own: ``none`` is S = 1,
``deepsf`` the mean of an ensemble whose members are looked at too, ``direct`` the mean over the trainings of
`deepsf.direct.train`, where there are any, and ``truth`` what generated data were made with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from deepsf.arrays import Bools, Floats
from deepsf.binned.envelope import envelope_shifts
from deepsf.binned.flavour import BINNED_METHODS
from deepsf.binned.scale_factor import BinnedScaleFactor
from deepsf.errors.method_errors import MethodErrors
from deepsf.guards import require_finite
from deepsf.networks.ensemble import EntryScaleFactors
from deepsf.networks.scale_factor import EnsembleScaleFactor
from deepsf.probes.entries import Jets, RegionEntries, joined_jets
from deepsf.probes.measurement import Measurement
from deepsf.probes.weights import NormalisationTable, RegionWeights

NONE, DIRECT, DEEPSF, TRUTH = "none", "direct", "deepsf", "truth"

TrueFunction = Callable[[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]], npt.NDArray[Any]]
"""Effective truth S / <S> of hadron-flavour codes, |eta|, pT [GeV] and discriminant, all ``(n,)``."""


class Method(Protocol):
    """Scale factors of the jets of one flavour, shape ``(n,)``; 1 for flavours that are not measured."""

    def __call__(self, flavour: str, jets: Jets, *, normalised: bool = True) -> Floats:
        """Return the scale factors, as delivered or before normalisation."""
        ...


class EntryValues(NamedTuple):
    """Scale factors at a region's simulated entries, each shape ``(n,)``: of the probe jet and of the tag jet."""

    probe: Floats
    tag: Floats


@dataclass(frozen=True)
class TrueScaleFactor:
    """The truth as a method: ``normalised`` divides by its mean on the inclusive jets, as for every other method."""

    function: TrueFunction
    hadron_flavour: Mapping[str, int]
    normalisation: Mapping[str, NormalisationTable]

    def __call__(self, flavour: str, jets: Jets, *, normalised: bool = True) -> Floats:
        """Return the true scale factor of each jet, shape ``(n,)``."""
        codes = np.full(len(jets), self.hadron_flavour[flavour])
        value = np.asarray(self.function(codes, jets.abseta, jets.pt_gev, jets.discriminant), np.float64)
        if normalised and flavour in self.normalisation:
            value = value / self.normalisation[flavour].divisor(jets.pt_gev, jets.abseta)
        return value


def no_scale_factor(flavour: str, jets: Jets, *, normalised: bool = True) -> Floats:
    """Return 1 for every jet."""
    return np.ones(len(jets))


@dataclass(frozen=True)
class ExactMean:
    """The mean of an ensemble from the networks themselves."""

    ensemble: EnsembleScaleFactor

    def __call__(self, flavour: str, jets: Jets, *, normalised: bool = True) -> Floats:
        """Return the mean at each jet, shape ``(n,)``."""
        return np.asarray(self.ensemble.member_values(flavour, jets, normalised=normalised).mean(axis=0))


class HeldOut(NamedTuple):
    """Seeds of an ensemble's members, in their order, and the fraction of events that each did not train on."""

    seeds: Sequence[np.random.SeedSequence]
    fraction: float


@dataclass(frozen=True)
class Results:
    """The scale factors of a campaign, by every method.

    Attributes
    ----------
    at_entries
        The ensemble ``deepsf`` at the simulated entries, by region.
    grids
        By flavour, axes of the grid on which the truth overlay is given, too.
    other
        Ensembles of other methods by name.
    errors
        Of ``deepsf`` and ``other``, by name.
    members
        By name of an ensemble, or of what errors are made of, the report of `deepsf.training.members` on its trainings.
    training
        Of ensembles whose members are tested where they were not trained, by name: the seed of each member, and the
        fraction of events that it held out.
    """

    binned: BinnedScaleFactor
    deepsf: EnsembleScaleFactor
    at_entries: Mapping[str, EntryScaleFactors] = field(default_factory=dict)
    grids: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    other: Mapping[str, EnsembleScaleFactor] = field(default_factory=dict)
    errors: Mapping[str, MethodErrors] = field(default_factory=dict)
    members: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    training: Mapping[str, HeldOut] = field(default_factory=dict)

    def ensembles(self) -> dict[str, EnsembleScaleFactor]:
        """Return the methods that are means over networks."""
        return {DEEPSF: self.deepsf, **self.other}

    def errors_lacking(self) -> dict[str, list[str]]:
        """Return by method which parts its errors lack: those of `MethodErrors.lacking`, ``shifts`` of the binned."""
        shifts = [envelope_shifts(table.shift_names, statistical=False) for table in self.binned.flavours.values()]
        return {
            "binned": [] if all(shifts) else ["shifts"],
            **{name: list(errors.lacking) for name, errors in self.errors.items()},
        }

    def methods(self) -> dict[str, Method]:
        """Return all methods but the truth."""
        return {
            NONE: no_scale_factor,
            **{method: partial(self.binned.evaluate, method=method) for method in BINNED_METHODS},
            **{name: ExactMean(ensemble) for name, ensemble in self.ensembles().items()},
        }


def true_method(function: TrueFunction, measurement: Measurement) -> TrueScaleFactor:
    """Return the truth, normalised on the inclusive jets of each measured flavour as the methods are."""
    codes = {name: flavour.hadron_flavours[0] for name, flavour in measurement.flavours.items()}
    unnormalised = TrueScaleFactor(function, codes, {})
    return replace(unnormalised, normalisation=measurement.normalisation_tables(unnormalised))


def at_own_flavours(method: Method, flavours: Sequence[str], jets: Jets) -> Floats:
    """Return the scale factor of every jet, each of its own flavour, shape ``(n,)``."""
    values = np.ones(len(jets))
    for number, flavour in enumerate(flavours):
        chosen = np.flatnonzero(jets.flavour == number)
        if len(chosen):
            values[chosen] = method(flavour, jets[chosen])
            require_finite(f"scale factors of {flavour} jets", values[chosen], "measure them anew")
    return values


def at_entries(method: Method, entries: RegionEntries, flavours: Sequence[str]) -> EntryValues:
    """Return a method's scale factors at the simulated entries, each jet's of its own flavour."""
    jets = joined_jets([entries.simulation.probe, entries.simulation.tag])
    probe, tag = np.split(at_own_flavours(method, flavours, jets), 2)
    return EntryValues(probe, tag)


@dataclass(frozen=True)
class AuditedRegion:
    """One region and, by method, the scale factors at its simulated entries and the weights W = w omega kappa.

    ``weighted[method]`` is W times the probe's own scale factor: what data are compared to.
    """

    entries: RegionEntries
    enriched: str
    flavours: tuple[str, ...]
    values: dict[str, EntryValues]
    weight: dict[str, Floats]
    weighted: dict[str, Floats]

    @property
    def is_enriched(self) -> Bools:
        """Which simulated probe jets are of the enriched flavour, shape ``(n,)``."""
        return np.asarray(self.entries.simulation.probe.flavour == self.flavours.index(self.enriched))


def audited_region(
    measurement: Measurement, name: str, methods: Mapping[str, Method], deepsf: EntryScaleFactors
) -> AuditedRegion:
    """Return a region with the values and weights of every method.

    Parameters
    ----------
    deepsf
        The ensemble at the simulated entries: stands for the method ``deepsf``, which is expensive to evaluate.

    Raises
    ------
    ValueError
        If ``deepsf`` was made from other entries.
    """
    entries, flavours, enriched = measurement.entries[name], measurement.names, measurement.enriching[name]
    n = len(entries.simulation)
    if len(deepsf.tag) != n:
        raise ValueError(
            f"region {name}: scale factors at {len(deepsf.tag)} entries, but the skim has {n} simulated ones; "
            "they come from different inputs: aggregate the ensemble again"
        )
    require_finite(f"region {name}, scale factors of {DEEPSF}", [deepsf.probe.mean, deepsf.tag], "aggregate them anew")
    known = {DEEPSF: EntryValues(deepsf.probe.mean, deepsf.tag)}
    values = {key: known.get(key) or at_entries(method, entries, flavours) for key, method in methods.items()}
    weights = RegionWeights(entries, measurement.index(enriched), measurement.event_weight)
    weight = {key: weights.simulation(value.tag) for key, value in values.items()}
    weighted = {key: weight[key] * value.probe for key, value in values.items()}
    return AuditedRegion(entries, enriched, flavours, values, weight, weighted)
