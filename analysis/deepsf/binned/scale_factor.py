"""The binned scale factor as others use it: evaluation per jet, raw or smoothed, nominal or shifted; its JSON file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import hist
import numpy as np
from scipy.special import expit

from deepsf.arrays import Bools, Floats, Ints
from deepsf.binned.covariance import StatisticalCovariance
from deepsf.binned.envelope import Envelope, envelope, envelope_shifts
from deepsf.binned.purity import FlavourPurities, axes
from deepsf.binned.smoothing import interpolate
from deepsf.probes.bins import FlavourBins
from deepsf.probes.entries import Jets, logit
from deepsf.probes.histograms import from_json, to_json
from deepsf.probes.weights import NormalisationTable
from deepsf.reading import read_json
from deepsf.skim.shifts import NOMINAL

BinnedMethod = Literal["binned", "binned_smooth"]
BINNED_METHODS: tuple[BinnedMethod, ...] = ("binned", "binned_smooth")
Transform = Literal["logit", "identity"]


class JetBins(NamedTuple):
    """Bins of jets: the flat bin, its (pT, |eta|) row, the discriminant transformed as the nodes are; ``(n,)``."""

    bin: Ints
    row: Ints
    position: Floats
    is_valid: Bools


@dataclass(frozen=True)
class ShiftedValues:
    """What a shift changes of a `BinnedFlavour`: values, smooth values at the nodes, normalisation."""

    sf: Floats
    smooth: Floats
    normalisation: dict[BinnedMethod, NormalisationTable]


@dataclass(frozen=True)
class BinnedFlavour:
    """One flavour: values and replicas of shape (n_pt, n_abseta, n_disc), nodes of the valid discriminant bins.

    ``smooth`` has the values at the nodes that the curve goes through, shape (n_pt, n_abseta, n_disc - 1). ``error`` is
    the statistical one. ``shifts`` holds what the systematic shifts change.
    """

    bins: FlavourBins
    sf: Floats
    error: Floats
    replicas: Floats
    node: Floats
    smooth: Floats
    transform: Transform
    normalisation: dict[BinnedMethod, NormalisationTable]
    shifts: dict[str, ShiftedValues] = field(default_factory=dict)

    @property
    def shift_names(self) -> tuple[str, ...]:
        """Names of the shifts, ``nominal`` first."""
        return (NOMINAL, *self.shifts)

    @property
    def positions(self) -> Floats:
        """Discriminant of the node of every bin, shape ``(n_disc,)``; 0 for invalid scores."""
        return np.concatenate([[0.0], expit(self.node) if self.transform == "logit" else self.node])

    def at(self, shift: str) -> BinnedFlavour:
        """Return the table with the values of a shift, itself where the shift does not change this flavour."""
        if shift not in self.shifts:
            return self
        values = self.shifts[shift]
        return replace(self, sf=values.sf, smooth=values.smooth, normalisation=values.normalisation)

    def sf_of(self, shift: str) -> Floats:
        """Return the binned values of a shift before normalisation, shape (n_pt, n_abseta, n_disc)."""
        return self.at(shift).sf

    def jet_bins(self, jets: Jets) -> JetBins:
        """Return the bins of jets."""
        flat = self.bins.index(jets)
        position = logit(jets.discriminant) if self.transform == "logit" else jets.discriminant.astype(np.float64)
        return JetBins(flat, flat // self.sf.shape[-1], position, jets.discriminant >= 0)

    def value(self, bins: JetBins, method: BinnedMethod) -> Floats:
        """Return the scale factor before normalisation, shape ``(n,)``; 1 where nothing was measured."""
        value = self.sf.ravel()[bins.bin]
        if method == "binned_smooth":
            table = self.smooth.reshape(-1, self.smooth.shape[-1])
            value = np.where(bins.is_valid, interpolate(table, self.node, bins.row, bins.position), value)
        return np.where(np.isfinite(value), value, 1.0)

    def raw(self, jets: Jets, method: BinnedMethod) -> Floats:
        """Return the scale factor of each jet before normalisation, shape ``(n,)``; 1 where nothing was measured."""
        return self.value(self.jet_bins(jets), method)


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
            ``binned``, or ``binned_smooth``: a monotone cubic (PCHIP) through the bins of a (pT, |eta|) row.
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
        return StatisticalCovariance.of_replicas({name: table.replicas for name, table in self.flavours.items()})

    def histogram(self, flavour: str) -> hist.Hist[Any]:
        """Return values and statistical variances as a histogram with the axes shift, pt, abseta, discriminant.

        The variance is that of the nominal for every shift.
        """
        table = self.tables[flavour]
        shift = hist.axis.StrCategory(table.shift_names, name="shift", label="systematic shift", flow=False)
        filled = hist.Hist(
            shift, *axes(table.bins), storage=hist.storage.Weight(), name=f"scale factor of {flavour} jets"
        )
        filled.view().value = np.stack([table.sf_of(name) for name in table.shift_names])
        filled.view().variance = np.broadcast_to(table.error**2, filled.shape)
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
            "nodes": table.node.tolist(),
            "smooth": {name: _numbers(values.smooth) for name, values in shifted.items()},
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
        smooth = np.array(stored["smooth"][name], np.float64)
        tables = {method: NormalisationTable.from_json(t) for method, t in stored["normalisation"][name].items()}
        shifts[name] = ShiftedValues(np.asarray(values.values()[number]), smooth, tables)
    nominal = shifts.pop(NOMINAL)
    table = BinnedFlavour(
        bins=FlavourBins(*(np.asarray(axis.edges) for axis in values.axes[1:])),
        sf=nominal.sf,
        error=np.sqrt(np.asarray(values.variances())[0]),
        replicas=np.asarray(stored["replicas"].values()),
        node=np.array(stored["nodes"]),
        smooth=nominal.smooth,
        transform=stored["space"],
        normalisation=nominal.normalisation,
        shifts=shifts,
    )
    _check_shapes(table)
    return table


def _check_shapes(table: BinnedFlavour) -> None:
    """Refuse values that are not those of the bins."""
    n_nodes = table.bins.shape[-1] - 1
    smooth = [table.smooth, *(values.smooth for values in table.shifts.values())]
    if table.node.shape != (n_nodes,) or any(v.shape != (*table.bins.shape[:-1], n_nodes) for v in smooth):
        raise ValueError(f"it has not {n_nodes} nodes and smooth values for {table.bins.shape[-1]} bins of a score")
    if table.replicas.shape[1:] != table.bins.shape or table.transform not in get_args(Transform):
        raise ValueError(
            f"its replicas are not of {table.bins.shape} bins, or the space {table.transform!r} is unknown"
        )


def _numbers(values: Floats) -> list[list[list[float | None]]]:
    return [[[v if np.isfinite(v) else None for v in row] for row in rows] for rows in values.tolist()]


def _replica_histogram(table: BinnedFlavour) -> hist.Hist[Any]:
    replica = hist.axis.Integer(0, max(len(table.replicas), 1), name="replica", label="event bootstrap", flow=False)
    values = table.replicas if len(table.replicas) else np.full((1, *table.bins.shape), np.nan)
    return hist.Hist(replica, *axes(table.bins), storage=hist.storage.Double(), data=values)


def normalised_bins(table: BinnedFlavour, method: BinnedMethod = "binned") -> tuple[Floats, Floats]:
    """Return values and errors of the bins after the normalisation, shape (n_pt, n_abseta, n_disc).

    The normalisation has other bins: its mean over a (pT, |eta|) bin is taken at points that are spread evenly over
    each of them, since they hold equal numbers of jets.
    """
    divisor = np.array(
        [[_mean_divisor(table, method, i, j) for j in range(table.sf.shape[1])] for i in range(table.sf.shape[0])]
    )
    return table.sf / divisor[:, :, None], table.error / divisor[:, :, None]


def normalised_curve(table: BinnedFlavour, pt_bin: int, abseta_bin: int, discriminant: Floats) -> Floats:
    """Return the smoothed scale factor after the normalisation in one (pT, |eta|) bin, shape ``(n,)``."""
    position = logit(discriminant) if table.transform == "logit" else discriminant
    row = np.zeros(len(discriminant), np.int64)
    curve = interpolate(table.smooth[pt_bin, abseta_bin][None], table.node, row, position)
    return curve / _mean_divisor(table, "binned_smooth", pt_bin, abseta_bin)


def systematic_envelope(table: BinnedFlavour) -> Envelope | None:
    """Return the envelope of the systematic shifts, each normalised by itself, shape (n_pt, n_abseta, n_disc).

    The shifts of the statistical error are left out; None if there is no other.
    """
    names = envelope_shifts(table.shift_names, statistical=False)
    if not names:
        return None
    shifted = {name: normalised_bins(table.at(name))[0] for name in names}
    return envelope(normalised_bins(table)[0], shifted)


def _mean_divisor(table: BinnedFlavour, method: BinnedMethod, pt_bin: int, abseta_bin: int) -> float:
    normalisation = table.normalisation[method]
    pairs = (
        (table.bins.pt_gev, normalisation.bins.pt_gev, pt_bin),
        (table.bins.abseta, normalisation.bins.abseta, abseta_bin),
    )
    points = []
    for edges, inner, number in pairs:
        low, high = edges[number], edges[number + 1]
        outer = np.concatenate([[edges[0]], inner[(inner > edges[0]) & (inner < edges[-1])], [edges[-1]]])
        spread = (outer[:-1, None] + np.diff(outer)[:, None] * (np.arange(50) + 0.5) / 50).ravel()
        inside = spread[(spread >= low) & (spread < high)]
        points.append(inside if len(inside) else np.array([0.5 * (low + high)]))
    pt, abseta = np.meshgrid(*points, indexing="ij")
    return float(normalisation.divisor(pt.ravel(), abseta.ravel()).mean())
