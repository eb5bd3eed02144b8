"""Binned scale factors after their normalisation, as figures show them: bins with errors, curves, systematic envelope.

The normalisation has bins of its own in pT and |eta|: its mean over a (pT, |eta|) bin of the scale factor is taken at
points that are spread evenly over each of them, since they hold equal numbers of jets.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from deepsf.arrays import Floats
from deepsf.binned.envelope import Envelope, envelope, envelope_shifts
from deepsf.binned.flavour import BinnedFlavour, BinnedMethod
from deepsf.binned.measurement import spread
from deepsf.binned.smoothing import interpolate, position_of
from deepsf.probes.bins import FlavourBins, KinematicBins

_N_POINTS = 50


def normalised_bins(table: BinnedFlavour, method: BinnedMethod = "binned") -> tuple[Floats, Floats]:
    """Return values and errors of the bins after the normalisation, shape (n_pt, n_abseta, n_disc).

    What is not known is as in the table. Every replica is normalised by itself before the error is taken, so that the
    fluctuation of the divisor is in it.
    """
    error = spread(table.normalised_replicas, table.replica_measured)
    return table.sf / _divisors(table, method)[:, :, None], error


def normalised_curve(table: BinnedFlavour, pt_bin: int, abseta_bin: int, discriminant: Floats) -> Floats:
    """Return the smoothed scale factor after the normalisation in one (pT, |eta|) bin, shape ``(n,)``."""
    position = position_of(discriminant, table.transform)
    row, place = np.zeros(len(discriminant), np.int64), (pt_bin, abseta_bin)
    curve = interpolate(table.smooth[place][None], table.measured[place][None, 1:], table.node, row, position)
    return np.asarray(curve / _divisors(table, "binned_smooth")[place])


def systematic_envelope(table: BinnedFlavour) -> Envelope | None:
    """Return the envelope of the systematic shifts, each normalised by itself, shape (n_pt, n_abseta, n_disc).

    The shifts of the statistical error are left out; None if there is no other.
    """
    names = envelope_shifts(table.shift_names, statistical=False)
    if not names:
        return None
    shifted = {name: normalised_bins(table.at(name))[0] for name in names}
    return envelope(normalised_bins(table)[0], shifted)


def shares(bins: FlavourBins, normalised_in: KinematicBins) -> Floats:
    """Return the share of each (pT, |eta|) bin that lies in each bin of a normalisation.

    Shape (n_pt, n_abseta, n_normalisation); each bin of the normalisation counts by its number of jets.
    """
    pt = _points(bins.pt_gev, normalised_in.pt_gev)
    abseta = _points(bins.abseta, normalised_in.abseta)
    found = np.empty((len(pt), len(abseta), normalised_in.size))
    for i, pt_gev in enumerate(pt):
        for j, eta in enumerate(abseta):
            grid = np.meshgrid(pt_gev, eta, indexing="ij")
            index = normalised_in.index(*(values.ravel() for values in grid))
            found[i, j] = np.bincount(index, minlength=normalised_in.size) / len(index)
    return found


def _divisors(table: BinnedFlavour, method: BinnedMethod) -> Floats:
    normalisation = table.normalisation[method]
    return np.asarray(shares(table.bins, normalisation.bins) @ normalisation.mean)


def _points(edges: Floats, inner: Floats) -> list[Floats]:
    """Return points in each bin, equally many in each part that ``inner`` edges cut the whole range into."""
    outer = np.concatenate([[edges[0]], inner[(inner > edges[0]) & (inner < edges[-1])], [edges[-1]]])
    spread = (outer[:-1, None] + np.diff(outer)[:, None] * (np.arange(_N_POINTS) + 0.5) / _N_POINTS).ravel()
    inside = [spread[(spread >= low) & (spread < high)] for low, high in pairwise(edges)]
    centres = 0.5 * (edges[:-1] + edges[1:])
    return [points if len(points) else np.array([centre]) for points, centre in zip(inside, centres, strict=True)]
