"""The binned scale factor as others use it: evaluation per jet, raw or smoothed, and its JSON file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import hist
import numpy as np
import uhi.io.json

from analysis.binned import FlavourBins, measure
from analysis.config.events import EventWeight, Flavour, Normalisation, Region, measured_flavours
from analysis.config.methods import Binned
from analysis.inclusive import InclusiveJets, normalisation_bins
from analysis.smoothing import interpolate, logit, mean_preserving, nodes
from analysis.tables import Entries, Floats, Jets, RegionEntries
from analysis.weights import NormalisationTable, normalisation_table

Form = Literal["binned", "binned_smooth"]
FORMS: tuple[Form, ...] = ("binned", "binned_smooth")
Space = Literal["logit", "identity"]


@dataclass(frozen=True)
class BinnedFlavour:
    """One flavour: values and replicas of shape (n_pt, n_abseta, n_disc), nodes of the valid discriminant bins.

    ``smooth`` has the values at the nodes that the curve goes through, shape (n_pt, n_abseta, n_disc - 1).
    """

    bins: FlavourBins
    sf: Floats
    error: Floats
    replicas: Floats
    node: Floats
    smooth: Floats
    space: Space
    normalisation: dict[Form, NormalisationTable]

    def raw(self, jets: Jets, form: Form) -> Floats:
        """Return the scale factor before normalisation, shape ``(n,)``; 1 where nothing was measured."""
        flat = self.bins.index(jets.pt_gev, jets.abseta, jets.discriminant)
        value = self.sf.ravel()[flat]
        if form == "binned_smooth":
            valid = jets.discriminant >= 0
            rows = flat // self.sf.shape[-1]
            table = self.smooth.reshape(-1, self.smooth.shape[-1])
            value = np.where(valid, interpolate(table, self.node, rows, _position(jets, self.space)), value)
        return np.where(np.isfinite(value), value, 1.0)


@dataclass(frozen=True)
class BinnedScaleFactor:
    """Scale factors of all measured flavours in bins; `evaluate` is what events are weighted with."""

    flavours: dict[str, BinnedFlavour]
    changes: tuple[float, ...]

    def evaluate(self, flavour: str, jets: Jets, form: Form = "binned", *, normalised: bool = True) -> Floats:
        """Return the scale factor of each jet, shape ``(n,)``.

        Parameters
        ----------
        flavour
            One of the measured flavours; every other flavour has scale factor 1.
        form
            ``binned``, or ``binned_smooth``: PCHIP through the bins of a (pT, |eta|) row.
        normalised
            Divide by the mean on the inclusive sample, per (pT, |eta|).
        """
        if flavour not in self.flavours:
            return np.ones(len(jets))
        table = self.flavours[flavour]
        value = table.raw(jets, form)
        return value / table.normalisation[form].divisor(jets.pt_gev, jets.abseta) if normalised else value

    def histogram(self, flavour: str) -> hist.Hist[Any]:
        """Return values and variances as a histogram with the axes pt, abseta, discriminant."""
        table = self.flavours[flavour]
        filled = hist.Hist(*_axes(table.bins), storage=hist.storage.Weight(), name=f"scale factor of {flavour} jets")
        filled.view().value = table.sf
        filled.view().variance = table.error**2
        return filled

    def to_json(self) -> str:
        """Return the text of the artefact; histograms in the UHI format, readable by any histogram library."""
        flavours = {
            name: {
                "scale_factor": self.histogram(name),
                "replicas": _replica_histogram(table),
                "nodes": table.node.tolist(),
                "smooth": [[[_number(v) for v in row] for row in rows] for rows in table.smooth.tolist()],
                "space": table.space,
                "normalisation": {form: t.to_json() for form, t in table.normalisation.items()},
            }
            for name, table in self.flavours.items()
        }
        content = {"flavours": flavours, "changes": self.changes}
        return json.dumps(content, default=uhi.io.json.default, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> BinnedScaleFactor:
        """Return the scale factors of a file made by `to_json`."""
        content = json.loads(text, object_hook=uhi.io.json.object_hook)
        flavours = {}
        for name, stored in content["flavours"].items():
            values = hist.Hist(stored["scale_factor"])
            flavours[name] = BinnedFlavour(
                bins=FlavourBins(*(np.asarray(axis.edges) for axis in values.axes)),
                sf=np.asarray(values.values()),
                error=np.sqrt(np.asarray(values.variances())),
                replicas=np.asarray(hist.Hist(stored["replicas"]).values()),
                node=np.array(stored["nodes"]),
                smooth=np.array(stored["smooth"], np.float64),
                space=stored["space"],
                normalisation={form: NormalisationTable.from_json(t) for form, t in stored["normalisation"].items()},
            )
        return cls(flavours, tuple(content["changes"]))


def measure_and_build(
    regions: Mapping[str, RegionEntries],
    definitions: Mapping[str, Region],
    flavours: Mapping[str, Flavour],
    inclusive: InclusiveJets,
    *,
    settings: Binned,
    event_weight: EventWeight,
    normalisation: Normalisation,
) -> BinnedScaleFactor:
    """Measure the scale factors of all measured flavours, smooth them and normalise them on inclusive jets.

    Raises
    ------
    analysis.binned.NotConvergedError
        If the iteration does not converge.
    ValueError
        If scale factors cannot be normalised.
    """
    names, measured = tuple(flavours), measured_flavours(flavours)
    measurement = measure(
        regions, definitions, flavours=names, measured=measured, settings=settings, event_weight=event_weight
    )
    bins_of = normalisation_bins(inclusive, names, measured, normalisation)
    enriched_in = {definition.enriched_flavour: region for region, definition in definitions.items()}
    tables = {}
    for name in measured:
        number, bins = names.index(name), measurement.bins[name]
        probe = regions[enriched_in[name]].simulation.probe
        own = regions[enriched_in[name]].simulation[(probe.flavour == number) & (probe.discriminant >= 0)]
        node = nodes(own.probe.discriminant, bins.discriminant[1:], settings.smooth_in)
        table = BinnedFlavour(
            bins,
            measurement.sf[name],
            measurement.error(name),
            measurement.replicas[name],
            node,
            _smooth(measurement.sf[name], bins, node, own, settings.smooth_in),
            settings.smooth_in,
            {},
        )
        sample = inclusive.of(number)
        for form in FORMS:
            raw = table.raw(sample.jets, form)
            table.normalisation[form] = normalisation_table(bins_of[name], sample.jets, sample.weight, raw)
        tables[name] = table
    return BinnedScaleFactor(tables, measurement.changes)


def _smooth(sf: Floats, bins: FlavourBins, node: Floats, entries: Entries, space: Space) -> Floats:
    jets, valid = entries.probe, sf[..., 1:]
    row, column = np.divmod(bins.index(jets.pt_gev, jets.abseta, jets.discriminant), sf.shape[-1])
    table = valid.reshape(-1, valid.shape[-1])
    return mean_preserving(table, node, row, column - 1, _position(jets, space), entries.weight).reshape(valid.shape)


def _position(jets: Jets, space: Space) -> Floats:
    return logit(jets.discriminant) if space == "logit" else jets.discriminant.astype(np.float64)


def _number(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _axes(bins: FlavourBins) -> tuple[hist.axis.Variable, ...]:
    return (
        hist.axis.Variable(bins.pt_gev, name="pt", label="jet pT [GeV]", flow=False),
        hist.axis.Variable(bins.abseta, name="abseta", label="jet |eta|", flow=False),
        hist.axis.Variable(bins.discriminant, name="discriminant", label="discriminant", flow=False),
    )


def _replica_histogram(table: BinnedFlavour) -> hist.Hist[Any]:
    replica = hist.axis.Integer(0, max(len(table.replicas), 1), name="replica", label="event bootstrap", flow=False)
    filled = hist.Hist(replica, *_axes(table.bins), storage=hist.storage.Double())
    if len(table.replicas):
        filled.view()[...] = table.replicas
    else:
        filled.view()[...] = np.nan
    return filled
