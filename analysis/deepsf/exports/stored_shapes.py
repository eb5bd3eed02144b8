"""Shape corrections as tables of polynomials: what JSON files hold, ours and the public ones of CMS."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from deepsf.corrections.nodes import Tree, binned_inputs, keys, reached
from deepsf.exports.formula import Polynomial, parse
from deepsf.exports.shapes import (
    HIGHEST_DISCRIMINANT,
    HIGHEST_PT_GEV,
    LOWEST_DISCRIMINANT,
    Curve,
    Shapes,
    ShapeTable,
)
from deepsf.exports.systematics import shift_of

_HIGHEST_ABSETA = 10.0

_Bins = list[tuple[float, float, Any]]
"""Lower and upper edge of each bin, and what it holds."""


def read_shapes(correction: Tree) -> Shapes:
    """Return the tables of a shape correction; they have its values to the last bit but for the order of products.

    Parameters
    ----------
    correction
        As `deepsf.exports.corrections.read_correction` returns it.

    Raises
    ------
    ValueError
        If a node is not of the form systematic, flavor, abseta, pt, discriminant, formula, or bins leave gaps.
    """
    data, formulas = correction["data"], correction.get("generic_formulas") or []
    shapes: Shapes = {}
    for systematic in keys(data, "systematic"):
        for code in keys(data, "flavor"):
            node = reached(data, {"systematic": systematic, "flavor": code})
            if node is None:
                continue
            try:
                table = _table(node, formulas)
            except ValueError as error:
                raise ValueError(f"{correction['name']}, {systematic}, flavor {code}: {error}") from None
            shapes.setdefault(int(code), {})[shift_of(systematic)] = table
    return shapes


def _table(node: Any, formulas: list[Tree]) -> ShapeTable:
    abseta, rows = _joined(_bins(node, "abseta", (0.0, _HIGHEST_ABSETA)), "abseta")
    cells = [_joined(_bins(row, "pt", _domain(row, "pt", (0.0, HIGHEST_PT_GEV))), "pt") for row in rows]
    edges = {pt for pt, _ in cells}
    if len(edges) != 1:
        raise ValueError("the edges in pt differ between bins of abseta; such tables are not read")
    (pt,) = edges
    if isinstance(rows[0], Mapping) and rows[0].get("flow") == "error":
        raise ValueError("pt outside of the bins is an error; tables that clamp it are read")
    curves = tuple(tuple(_curve(cell, formulas) for cell in contents) for _, contents in cells)
    return ShapeTable(abseta, pt, curves, ((1.0,) * (len(pt) - 1),) * len(rows))


def _curve(node: Any, formulas: list[Tree]) -> Curve:
    domain = _domain(node, "discriminant", (LOWEST_DISCRIMINANT, HIGHEST_DISCRIMINANT))
    edges, pieces = _joined(_bins(node, "discriminant", domain), "discriminant")
    return Curve(edges, tuple(_piece(piece, formulas) for piece in pieces))


def _domain(node: Any, variable: str, whole: tuple[float, float]) -> tuple[float, float]:
    """Return the range to read bins in: their own if they are clamped, as tables are, else all that can occur."""
    if not _is_binning(node, variable) or node["flow"] != "clamp":
        return whole
    ((_, edges),) = binned_inputs(node)
    # a curve from 0 on would refuse invalid scores
    low = min(whole[0], edges[0]) if variable == "discriminant" and edges[0] >= 0 else edges[0]
    return float(low), float(edges[-1])


def _is_binning(node: Any, variable: str) -> bool:
    return isinstance(node, Mapping) and node.get("nodetype") == "binning" and node["input"] == variable


def _bins(node: Any, variable: str, domain: tuple[float, float]) -> _Bins:
    """Return the bins of a variable inside of a range, those of nested binnings as one list."""
    if not _is_binning(node, variable):
        return [(*domain, node)]
    ((_, edges),) = binned_inputs(node)
    content, flow = node["content"], node["flow"]
    parts = [(float(low), float(high), child) for (low, high), child in zip(pairwise(edges), content, strict=True)]
    if flow == "wrap":
        raise ValueError(f"{variable} outside of the bins wraps round; such tables are not read")
    if flow != "error":
        below, above = (content[0], content[-1]) if flow == "clamp" else (flow, flow)
        parts = [(domain[0], parts[0][0], below), *parts, (parts[-1][1], domain[1], above)]
    clipped = ((max(low, domain[0]), min(high, domain[1]), child) for low, high, child in parts)
    return [bin_ for low, high, child in clipped if low < high for bin_ in _bins(child, variable, (low, high))]


def _joined(bins: _Bins, variable: str) -> tuple[tuple[float, ...], list[Any]]:
    """Return edges and contents of bins that follow one another."""
    for (_, high, _), (low, _, _) in pairwise(bins):
        if high != low:
            raise ValueError(f"{variable} from {high:g} to {low:g} has no value; such tables are not read")
    if not bins:
        raise ValueError(f"there are no bins in {variable}")
    return (bins[0][0], *(high for _, high, _ in bins)), [child for _, _, child in bins]


def _piece(piece: Any, formulas: list[Tree]) -> Polynomial:
    if isinstance(piece, int | float):
        return Polynomial((float(piece),))
    if not isinstance(piece, Mapping) or piece.get("nodetype") not in ("formula", "formularef"):
        found = piece.get("nodetype") if isinstance(piece, Mapping) else repr(piece)
        raise ValueError(f"expected a number or formula in each bin of abseta, pt and discriminant, got {found}")
    formula = formulas[piece["index"]] if piece["nodetype"] == "formularef" else piece
    if formula["variables"] != ["discriminant"]:
        raise ValueError(f"expected a formula of the discriminant, got one of {', '.join(formula['variables'])}")
    return parse(formula["expression"], piece.get("parameters") or ())
