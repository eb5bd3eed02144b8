"""Scale factors as tables of polynomials: what the JSON and CSV files hold, and the way there from a measurement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.interpolate import PchipInterpolator
from scipy.special import expit

from deepsf.arrays import Floats
from deepsf.binned.envelope import Statistics
from deepsf.binned.flavour import BinnedFlavour
from deepsf.binned.scale_factor import BinnedScaleFactor
from deepsf.config.flavours import Flavour
from deepsf.exports.formula import Polynomial
from deepsf.exports.statistics import in_form
from deepsf.exports.systematics import NOMINAL, acts_on_charm_alone

LOWEST_DISCRIMINANT, HIGHEST_DISCRIMINANT = -15.0, 1.1
"""Outer edges in the discriminant, those of the public files; -15 to 0 holds the invalid scores."""

HIGHEST_PT_GEV = 10_000.0
"""The last edge in pT, standing for infinity as in the public files."""

_DIGITS = 8


@dataclass(frozen=True)
class Curve:
    """A scale factor against the discriminant: ``pieces[i]`` holds from ``edges[i]`` up to ``edges[i + 1]``.

    One that begins at 0 has no value for invalid scores.
    """

    edges: tuple[float, ...]
    pieces: tuple[Polynomial, ...]


@dataclass(frozen=True)
class ShapeTable:
    """One flavour and shift: a curve and a factor per bin of (|eta|, pT), ``curves[i][j]`` and ``scale[i, j]``."""

    abseta: tuple[float, ...]
    pt_gev: tuple[float, ...]
    curves: tuple[tuple[Curve, ...], ...]
    scale: tuple[tuple[float, ...], ...]


Shapes = dict[int, dict[str, ShapeTable]]
"""Tables by hadron-flavour code and shift (our names). A combination that is not in it is not defined."""


def shapes_of(
    binned: BinnedScaleFactor,
    flavours: Mapping[str, Flavour],
    abseta_max: float = 0.0,
    statistics: Statistics = "shapes",
) -> Shapes:
    """Return the smooth, normalised scale factors of a measurement, all flavours of the configuration and shifts.

    The last bin in |eta| reaches to ``abseta_max``, where jets were selected to, if its own edge lies below. Of the
    statistical error there is one form.
    """
    tables = {
        name: {shift: table_of(flavour.at(shift), abseta_max) for shift in in_form(flavour.shift_names, statistics)}
        for name, flavour in binned.tables.items()
    }
    return completed(tables, flavours)


def completed(tables: Mapping[str, Mapping[str, ShapeTable]], flavours: Mapping[str, Flavour]) -> Shapes:
    """Return tables by hadron-flavour code, defined as in the public files.

    A measured flavour has every shift but ``cferr``: the nominal table where a shift leaves it alone. A flavour of unit
    scale factor has the nominal value and the ``cferr`` shifts that it is given.

    Parameters
    ----------
    tables
        By flavour and shift (our names).

    Raises
    ------
    ValueError
        If a measured flavour has no nominal table.
    """
    shifts = dict.fromkeys(s for by_shift in tables.values() for s in by_shift if not acts_on_charm_alone(s))
    widest = max((t.abseta[-1] for by_shift in tables.values() for t in by_shift.values()), default=2.5)
    shapes: Shapes = {}
    for name, flavour in flavours.items():
        given = tables.get(name, {})
        if flavour.scale_factor == "measured":
            if NOMINAL not in given:
                raise ValueError(f"flavour {name} is measured, but has no nominal scale factor to export")
            defined = {shift: given.get(shift, given[NOMINAL]) for shift in shifts}
        else:
            charm_shifts = {shift: table for shift, table in given.items() if acts_on_charm_alone(shift)}
            defined = {NOMINAL: unit_table(widest), **charm_shifts}
        shapes |= dict.fromkeys(flavour.hadron_flavours, defined)
    return shapes


def table_of(flavour: BinnedFlavour, abseta_max: float = 0.0) -> ShapeTable:
    """Return the smooth, normalised scale factor of one flavour, in one shift.

    The bins of the table are the scale factor's, cut at the edges of the normalisation's (pT, |eta|) bins. Nodes that
    are not measured are left out of a curve, one without any is 1.
    """
    bins, normalisation = flavour.bins, flavour.normalisation["binned_smooth"]
    pt = _cut(bins.pt_gev, normalisation.bins.pt_gev, HIGHEST_PT_GEV)
    abseta = _cut(bins.abseta, normalisation.bins.abseta, max(float(bins.abseta[-1]), abseta_max))
    abseta[0] = 0.0  # the first bin is open downwards
    n_pt, n_abseta, _ = bins.shape
    curves = [[_curve(flavour, i, j) for i in range(n_pt)] for j in range(n_abseta)]
    pt_middle, abseta_middle = (0.5 * (edges[:-1] + edges[1:]) for edges in (pt, abseta))
    row = np.searchsorted(bins.pt_gev[1:-1], pt_middle, side="right")
    column = np.searchsorted(bins.abseta[1:-1], abseta_middle, side="right")
    mean = normalisation.divisor(pt_middle[None, :], abseta_middle[:, None])
    return ShapeTable(
        tuple(abseta.tolist()),
        tuple(pt.tolist()),
        tuple(tuple(curves[j][i] for i in row) for j in column),
        tuple(tuple(values) for values in _rounded(1.0 / mean).tolist()),
    )


def unit_table(abseta_max: float = 2.5) -> ShapeTable:
    """Return the table of a flavour whose scale factor is 1."""
    one = Curve((LOWEST_DISCRIMINANT, HIGHEST_DISCRIMINANT), (Polynomial((1.0,)),))
    return ShapeTable((0.0, abseta_max), (20.0, HIGHEST_PT_GEV), ((one,),), ((1.0,),))


def _cut(edges: Floats, inner: Floats, last: float) -> Floats:
    """Return the edges of both binnings; both are open at their ends, so that only inner edges tell bins apart."""
    within = np.union1d(edges[1:-1], inner)
    first = float(edges[0]) if not within.size or edges[0] < within[0] else 0.0
    return np.concatenate([[first], within[(within > first) & (within < last)], [last]])


def _curve(flavour: BinnedFlavour, pt_bin: int, abseta_bin: int) -> Curve:
    place, space = (pt_bin, abseta_bin), flavour.transform
    measured = flavour.measured[place][1:]
    # rounded nodes are the origins: as exact as all other numbers, and shorter
    at, values = _rounded(flavour.node[measured]), flavour.smooth[place][measured]
    first, last = (Polynomial((float(v),)) for v in (_rounded(values)[[0, -1]] if len(values) else (1.0, 1.0)))
    below = Polynomial((float(_rounded(flavour.applied[place][0])),))
    if len(values) < 2:
        return Curve((LOWEST_DISCRIMINANT, 0.0, HIGHEST_DISCRIMINANT), (below, first))
    position = expit(at) if space == "logit" else at
    cubic = _rounded(PchipInterpolator(at, values).c[::-1].T)
    pieces = (Polynomial(tuple(row.tolist()), float(origin), space) for row, origin in zip(cubic, at[:-1], strict=True))
    edges = (LOWEST_DISCRIMINANT, 0.0, *position.tolist(), HIGHEST_DISCRIMINANT)
    return Curve(edges, (below, first, *pieces, last))


def _rounded(values: npt.ArrayLike) -> Floats:
    """Return numbers of eight digits: enough for 1e-7 in the scale factor, and half as long in a file."""
    array = np.asarray(values, np.float64)
    return np.array([float(f"{value:.{_DIGITS}g}") for value in array.ravel()]).reshape(array.shape)
