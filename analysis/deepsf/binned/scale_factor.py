"""The binned scale factor as others use it: evaluation per jet, raw or smoothed, nominal or shifted; its JSON file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hist
import numpy as np

from deepsf.arrays import Bools, Floats
from deepsf.binned.covariance import StatisticalCovariance
from deepsf.binned.flavour import BinnedFlavour, BinnedMethod, ShiftedValues
from deepsf.binned.purity import FlavourPurities, axes
from deepsf.probes.bins import FlavourBins
from deepsf.probes.entries import Jets
from deepsf.probes.histograms import from_json, to_json
from deepsf.probes.weights import NormalisationTable
from deepsf.reading import read_json
from deepsf.skim.shifts import NOMINAL


@dataclass(frozen=True)
class BinnedScaleFactor:
    """Scale factors of all measured flavours in bins, with errors and shifts; `evaluate` gives those of jets.

    Attributes
    ----------
    flavours
        Tables of the measured flavours.
    changes
        Largest change of a scale factor in each iteration.
    unit
        Tables of flavours with scale factor 1 that have an error (cferr).
    purities
        How well the regions tell the flavours apart.
    """

    flavours: dict[str, BinnedFlavour]
    changes: tuple[float, ...]
    unit: dict[str, BinnedFlavour] = field(default_factory=dict)
    purities: FlavourPurities | None = None

    @property
    def tables(self) -> dict[str, BinnedFlavour]:
        """All flavours with a table, measured or of unit scale factor."""
        return self.flavours | self.unit

    @property
    def bins(self) -> dict[str, FlavourBins]:
        """Bins of the measured flavours."""
        return {name: table.bins for name, table in self.flavours.items()}

    @property
    def shift_names(self) -> tuple[str, ...]:
        """Names of all shifts of any flavour, ``nominal`` first."""
        return tuple(dict.fromkeys(name for table in self.tables.values() for name in table.shift_names)) or (NOMINAL,)

    def evaluate(
        self,
        flavour: str,
        jets: Jets,
        method: BinnedMethod = "binned",
        *,
        normalised: bool = True,
        shift: str = NOMINAL,
    ) -> Floats:
        """Return the scale factor of each jet, shape ``(n,)``.

        Parameters
        ----------
        flavour
            Name of a flavour. One without a table has scale factor 1.
        jets
            Jets of this flavour, n of them.
        method
            ``binned``, or ``binned_smooth``: a monotone cubic (PCHIP) through the bins of a (pT, |eta|) row. Values
            below 0 count as 0.
        normalised
            Divide by the mean over inclusive jets, per (pT, |eta|) bin.
        shift
            One of `shift_names`. A flavour that the shift does not change has its nominal scale factor.

        Raises
        ------
        KeyError
            If no flavour has such a shift.
        """
        if shift not in self.shift_names:
            raise KeyError(f"there is no shift {shift!r}; there are {', '.join(self.shift_names)}")
        if flavour not in self.tables:
            return np.ones(len(jets))
        table = self.tables[flavour].at(shift)
        value = table.raw(jets, method)
        return value / table.normalisation[method].divisor(jets.pt_gev, jets.abseta) if normalised else value

    @property
    def n_eigenvectors(self) -> int:
        """Number of shifts ``stat<k>``, the leading eigenvectors of `covariance`."""
        return sum(re.fullmatch(r"stat\d+_up", name) is not None for name in self.shift_names)

    def covariance(self) -> StatisticalCovariance:
        """Return the statistical covariance of all bins of all measured flavours, before normalisation.

        Raises
        ------
        ValueError
            If there are fewer than two bootstraps.
        """
        return StatisticalCovariance.of_replicas(
            {name: table.replicas for name, table in self.flavours.items()},
            {name: table.replica_measured for name, table in self.flavours.items()},
        )

    def histogram(self, flavour: str) -> hist.Hist[Any]:
        """Return values and statistical variances as a histogram with the axes shift, pt, abseta, discriminant.

        The variance is that of the nominal for every shift. NaN marks what is not measured, or not known.
        """
        table = self.tables[flavour]
        shift = hist.axis.StrCategory(table.shift_names, name="shift", label="systematic shift", flow=False)
        filled = hist.Hist(
            shift, *axes(table.bins), storage=hist.storage.Weight(), name=f"scale factor of {flavour} jets"
        )
        filled.view().value = np.stack([_marked(table.sf_of(name), table.measured) for name in table.shift_names])
        filled.view().variance = np.broadcast_to(_marked(table.error**2, table.error > 0), filled.shape)
        return filled

    def to_json(self) -> str:
        """Return all of it as JSON, with histograms in the UHI format, which any histogram library reads."""
        content: dict[str, Any] = {
            "flavours": {name: self._stored(name) for name in self.flavours},
            "unit": {name: self._stored(name) for name in self.unit},
            "changes": self.changes,
        }
        if self.n_eigenvectors:
            covariance = self.covariance()
            leading = slice(self.n_eigenvectors)
            content["covariance"] = {
                "eigenvalues": covariance.values[leading].tolist(),
                "carried": covariance.carried[leading].tolist(),
            }
        if self.purities is not None:
            content["system"] = self.purities.to_json()
        return to_json(content)

    def _stored(self, flavour: str) -> dict[str, Any]:
        table = self.tables[flavour]
        shifted = {name: table.at(name) for name in table.shift_names}
        return {
            "scale_factor": self.histogram(flavour),
            "replicas": _replica_histogram(table),
            "replica_divisors": table.replica_divisors.tolist(),
            "nodes": table.node.tolist(),
            "smooth": {
                name: _marked(values.smooth, table.measured[..., 1:]).tolist() for name, values in shifted.items()
            },
            "space": table.transform,
            "normalisation": {
                name: {method: t.to_json() for method, t in values.normalisation.items()}
                for name, values in shifted.items()
            },
        }

    @classmethod
    def load(cls, path: str | Path) -> BinnedScaleFactor:
        """Return the scale factors of a file that `to_json` made.

        Raises
        ------
        deepsf.reading.FileContentError
            If it is none.
        """
        loaded: BinnedScaleFactor = read_json(Path(path), cls.from_json)
        return loaded

    @classmethod
    def from_json(cls, text: str) -> BinnedScaleFactor:
        """Return the scale factors of a file made by `to_json`."""
        content = from_json(text)
        flavours, unit = (
            {name: _restored(stored) for name, stored in content[key].items()} for key in ("flavours", "unit")
        )
        purities = FlavourPurities.from_json(content["system"]) if "system" in content else None
        return cls(flavours, tuple(content["changes"]), unit, purities)


def _restored(stored: Mapping[str, Any]) -> BinnedFlavour:
    values: hist.Hist[Any] = stored["scale_factor"]
    shifts = {}
    for number, name in enumerate(values.axes["shift"]):
        sf, smooth = np.asarray(values.values()[number]), np.array(stored["smooth"][name], np.float64)
        tables = {method: NormalisationTable.from_json(t) for method, t in stored["normalisation"][name].items()}
        shifts[name] = ShiftedValues(_unmarked(sf), _unmarked(smooth), tables)
    divisors = np.array(stored["replica_divisors"], np.float64)
    # a histogram without replicas holds one that is not measured
    replicas = np.asarray(stored["replicas"].values())[: len(divisors)]
    nominal = shifts.pop(NOMINAL)
    return BinnedFlavour(
        bins=FlavourBins(*(np.asarray(axis.edges) for axis in values.axes[1:])),
        sf=nominal.sf,
        measured=~np.isnan(np.asarray(values.values()[0])),
        error=np.sqrt(_unmarked(np.asarray(values.variances())[0], 0.0)),
        replicas=_unmarked(replicas),
        replica_measured=~np.isnan(replicas),
        replica_divisors=divisors.reshape(replicas.shape[:-1]),
        node=np.array(stored["nodes"]),
        smooth=nominal.smooth,
        transform=stored["space"],
        normalisation=nominal.normalisation,
        shifts=shifts,
    )


def _marked(values: Floats, is_known: Bools) -> Floats:
    """Return values as files have them, NaN (null) where they are not known."""
    return np.where(is_known, values, np.nan)


def _unmarked(values: Floats, otherwise: float = 1.0) -> Floats:
    return np.where(np.isnan(values), otherwise, values)


def _replica_histogram(table: BinnedFlavour) -> hist.Hist[Any]:
    replica = hist.axis.Integer(0, max(len(table.replicas), 1), name="replica", label="event bootstrap", flow=False)
    marked = _marked(table.replicas, table.replica_measured)
    values = marked if len(marked) else np.full((1, *table.bins.shape), np.nan)
    return hist.Hist(replica, *axes(table.bins), storage=hist.storage.Double(), data=values)
