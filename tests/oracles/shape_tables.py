"""Scale factors of tables of polynomials without correctionlib."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from deepsf.arrays import Floats
from deepsf.exports.shapes import Curve, ShapeTable


def evaluate(table: ShapeTable, abseta, pt_gev, discriminant) -> Floats:
    """Return the scale factor of each jet, shape ``(n,)``; pT and discriminant beyond the table are clamped.

    Raises
    ------
    ValueError
        If an |eta| lies outside the table.
    """
    eta, pt, disc = (np.asarray(values, np.float64) for values in (abseta, pt_gev, discriminant))
    if len(eta) and not (eta.min() >= table.abseta[0] and eta.max() < table.abseta[-1]):
        raise ValueError(
            f"|eta| from {eta.min():g} to {eta.max():g} leaves the table, {table.abseta[0]:g} to "
            f"{table.abseta[-1]:g}; select jets inside"
        )
    row = _bin_of(table.abseta, eta) * (len(table.pt_gev) - 1) + _bin_of(table.pt_gev, pt)
    curves = [curve for of_abseta in table.curves for curve in of_abseta]
    factors = [factor for of_abseta in table.scale for factor in of_abseta]
    values = np.empty(len(row))
    for number in np.unique(row):
        here = row == number
        values[here] = factors[number] * _curve_values(curves[number], disc[here])
    return values


def _curve_values(curve: Curve, discriminant: Floats) -> Floats:
    """Return the value of each discriminant, shape ``(n,)``; beyond the outer edges that of the edge."""
    clipped = np.clip(discriminant, curve.edges[0], curve.edges[-1])
    index = _bin_of(curve.edges, clipped)
    values = np.empty(len(clipped))
    for number in np.unique(index):
        here, piece = index == number, curve.pieces[number]
        position = clipped[here]
        if piece.degree and piece.space == "logit":
            position = np.log(position / (1.0 - position))
        values[here] = np.polynomial.polynomial.polyval(position - piece.origin, piece.coefficient)
    return values


def _bin_of(edges: tuple[float, ...], values: Floats) -> npt.NDArray[np.int64]:
    return np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
