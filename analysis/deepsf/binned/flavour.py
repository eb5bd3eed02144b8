"""The binned scale factor of one flavour: values, errors and shifts in bins, and what they give for jets."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple, get_args

import numpy as np
from scipy.special import expit

from deepsf.arrays import Bools, Floats, Ints
from deepsf.binned.smoothing import Space, interpolate, position_of
from deepsf.guards import is_positive, require_finite
from deepsf.probes.bins import FlavourBins
from deepsf.probes.entries import Jets
from deepsf.probes.weights import NormalisationTable
from deepsf.skim.shifts import NOMINAL

BinnedMethod = Literal["binned", "binned_smooth"]
BINNED_METHODS: tuple[BinnedMethod, ...] = ("binned", "binned_smooth")


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
    the statistical one, 0 where it is not known. ``replica_divisors`` normalise each replica by itself, shape
    (n_replicas, n_pt, n_abseta). ``shifts`` holds what the systematic shifts change. Bins that are not ``measured``
    have 1 everywhere, and so have those of a replica that are not ``replica_measured``.

    Raises
    ------
    ValueError
        If a number is not finite, or an array has not the shape of the bins.
    """

    bins: FlavourBins
    sf: Floats
    measured: Bools
    error: Floats
    replicas: Floats
    replica_measured: Bools
    replica_divisors: Floats
    node: Floats
    smooth: Floats
    transform: Space
    normalisation: dict[BinnedMethod, NormalisationTable]
    shifts: dict[str, ShiftedValues] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shape, n_nodes = self.bins.shape, self.bins.shape[-1] - 1
        numbers = {"sf": self.sf, "error": self.error, "smooth": self.smooth, "replicas": self.replicas}
        for name, values in self.shifts.items():
            numbers |= {f"sf of {name}": values.sf, f"smooth of {name}": values.smooth}
        for name, array in numbers.items():
            wanted = (*shape[:-1], n_nodes) if name.startswith("smooth") else shape
            if array.shape[-len(shape) :] != wanted:
                raise ValueError(f"{name} has the shape {array.shape}, its bins {wanted}")
            require_finite(name, array, "measure it anew")
        if self.node.shape != (n_nodes,) or self.measured.shape != shape:
            raise ValueError(f"there are {self.node.size} nodes and {self.measured.size} marks of measured bins")
        divisors = self.replica_divisors
        if divisors.shape != self.replicas.shape[:-1] or not is_positive(divisors).all():
            raise ValueError(f"replica_divisors are of {divisors.shape} bins, or not above 0; measure it anew")
        if self.replica_measured.shape != self.replicas.shape or self.transform not in get_args(Space):
            raise ValueError(
                f"replicas are of {self.replica_measured.shape} bins, or the space {self.transform!r} is unknown"
            )

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

    @property
    def applied(self) -> Floats:
        """Binned values as they are applied to jets: those below 0 are 0, since no rate is negative."""
        return np.maximum(self.sf, 0.0)

    @property
    def n_below_zero(self) -> int:
        """Number of bins with a value below 0, which counts as 0."""
        return int((self.sf < 0).sum())

    @property
    def normalised_replicas(self) -> Floats:
        """Replicas after the normalisation, each over its own, shape (n_replicas, n_pt, n_abseta, n_disc)."""
        return np.asarray(self.replicas / self.replica_divisors[..., None])

    def jet_bins(self, jets: Jets) -> JetBins:
        """Return the bins of jets."""
        flat = self.bins.index(jets)
        position = position_of(jets.discriminant, self.transform)
        return JetBins(flat, flat // self.sf.shape[-1], position, jets.discriminant >= 0)

    def value(self, bins: JetBins, method: BinnedMethod) -> Floats:
        """Return the scale factor before normalisation, shape ``(n,)``; 1 where nothing was measured."""
        value: Floats = self.applied.ravel()[bins.bin]
        if method == "binned":
            return value
        n_nodes = len(self.node)
        table, measured = self.smooth.reshape(-1, n_nodes), self.measured[..., 1:].reshape(-1, n_nodes)
        return np.where(bins.is_valid, interpolate(table, measured, self.node, bins.row, bins.position), value)

    def raw(self, jets: Jets, method: BinnedMethod) -> Floats:
        """Return the scale factor of each jet before normalisation, shape ``(n,)``; 1 where nothing was measured."""
        return self.value(self.jet_bins(jets), method)


def unit_table(bins: FlavourBins, node: Floats, transform: Space) -> BinnedFlavour:
    """Return the table of scale factor 1 in all bins, without error, replicas and normalisation."""
    ones, none = np.ones(bins.shape), np.ones((0, *bins.shape))
    return BinnedFlavour(
        bins=bins,
        sf=ones,
        measured=ones > 0,
        error=0.0 * ones,
        replicas=none,
        replica_measured=none > 0,
        replica_divisors=none[..., 0],
        node=node,
        smooth=ones[..., 1:],
        transform=transform,
        normalisation={},
    )
