"""What is compared: scale factors by method name, and their values at the entries of every region.

A method is a function of a flavour's name and jets. Every other part of the audit goes over a mapping of methods, so
that a further one needs an entry there and nothing else. Four names have a meaning of their own: ``none`` is S = 1,
``deepsf`` the mean of an ensemble whose members are looked at too, ``direct`` the mean over the trainings of
`deepsf.direct.train`, where there are any, and ``truth`` what generated data were made with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from deepsf.binned.scale_factor import BinnedScaleFactor
from deepsf.config.flavours import Flavour
from deepsf.config.regions import Region
from deepsf.config.weights import EventWeight
from deepsf.networks.ensemble import EntryScaleFactors
from deepsf.networks.scale_factor import EnsembleScaleFactor
from deepsf.probes.bins import KinematicBins
from deepsf.probes.entries import Floats, Jets, RegionEntries, joined_jets
from deepsf.probes.inclusive import InclusiveJets
from deepsf.probes.weights import NormalisationTable, RegionWeights, normalisation_table

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


def standard_methods(binned: BinnedScaleFactor, deepsf: EnsembleScaleFactor) -> dict[str, Method]:
    """Return the methods that every campaign has."""

    def mean(flavour: str, jets: Jets, *, normalised: bool = True) -> Floats:
        members: Floats = deepsf.member_values(flavour, jets, normalised=normalised)
        return np.asarray(members.mean(axis=0))

    return {
        NONE: no_scale_factor,
        "binned": partial(binned.evaluate, form="binned"),
        "binned_smooth": partial(binned.evaluate, form="binned_smooth"),
        DEEPSF: mean,
    }


def true_method(
    function: TrueFunction,
    flavours: Mapping[str, Flavour],
    samples: Mapping[str, InclusiveJets],
    bins: Mapping[str, KinematicBins],
) -> TrueScaleFactor:
    """Return the truth, normalised on the sample of each measured flavour as the methods are.

    Parameters
    ----------
    samples, bins
        By measured flavour: the jets that scale factors were normalised on, and the bins of it.
    """
    codes = {name: flavour.hadron_flavours[0] for name, flavour in flavours.items()}
    unnormalised = TrueScaleFactor(function, codes, {})
    tables = {
        name: normalisation_table(bins[name], sample.jets, sample.weight, unnormalised(name, sample.jets))
        for name, sample in samples.items()
    }
    return TrueScaleFactor(function, codes, tables)


def at_entries(method: Method, entries: RegionEntries, flavours: tuple[str, ...]) -> EntryValues:
    """Return a method's scale factors at the simulated entries, each jet's of its own flavour."""
    jets = joined_jets([entries.simulation.probe, entries.simulation.tag])
    values = np.ones(len(jets))
    for number, flavour in enumerate(flavours):
        chosen = np.flatnonzero(jets.flavour == number)
        if len(chosen):
            values[chosen] = method(flavour, jets[chosen])
    probe, tag = np.split(values, 2)
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
    def is_enriched(self) -> npt.NDArray[np.bool_]:
        """Which simulated probe jets are of the enriched flavour, shape ``(n,)``."""
        return np.asarray(self.entries.simulation.probe.flavour == self.flavours.index(self.enriched))


def audited_region(
    name: str,
    definition: Region,
    entries: RegionEntries,
    flavours: tuple[str, ...],
    methods: Mapping[str, Method],
    entry_sf: EntryScaleFactors,
    event_weight: EventWeight,
) -> AuditedRegion:
    """Return a region with the values and weights of every method.

    Parameters
    ----------
    entry_sf
        The ensemble at the simulated entries: stands for the method ``deepsf``, which is expensive to evaluate.

    Raises
    ------
    ValueError
        If ``entry_sf`` was made from other entries.
    """
    n = len(entries.simulation)
    if len(entry_sf.tag) != n:
        raise ValueError(
            f"region {name}: scale factors at {len(entry_sf.tag)} entries, but the skim has {n} simulated ones; "
            "they come from different inputs: aggregate the ensemble again"
        )
    known = {DEEPSF: EntryValues(entry_sf.probe.mean, entry_sf.tag)}
    values = {key: known.get(key) or at_entries(method, entries, flavours) for key, method in methods.items()}
    weights = RegionWeights(entries, flavours.index(definition.enriched_flavour), event_weight)
    weight = {key: weights.simulation(value.tag) for key, value in values.items()}
    weighted = {key: weight[key] * value.probe for key, value in values.items()}
    return AuditedRegion(entries, definition.enriched_flavour, flavours, values, weight, weighted)
