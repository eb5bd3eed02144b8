"""Scale factors of exported files without correctionlib: CSV and JSON read, tables of polynomials evaluated."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from deepsf.arrays import Floats
from deepsf.exports.btv_csv import COLUMNS
from deepsf.exports.corrections import Tree
from deepsf.exports.files import read_text
from deepsf.exports.formula import Polynomial
from deepsf.exports.shapes import Curve, Shapes, ShapeTable
from deepsf.exports.systematics import shift_of
from tests.oracles.formula import parse

_RESHAPING, _METHOD = "3", "iterativefit"
_HADRON_FLAVOUR = {0: 5, 1: 4, 2: 0}


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


def read_csv(path: Path) -> tuple[str, Shapes]:
    """Return the tagger and the tables of a file; rows of other measurement types are left out.

    Raises
    ------
    ValueError
        If the file is not of this format, has no row of type iterativefit, or its bins leave gaps or overlap.
    """
    lines = read_text(path).splitlines()
    tagger, separator, columns = (lines[0] if lines else "").partition(";")
    if not separator or [c.strip() for c in columns.split(",")] != COLUMNS.split(", "):
        raise ValueError(f"{path.name}: the first line must be 'TAGGER;{COLUMNS}'")
    rows: dict[tuple[int, str], list[_Row]] = {}
    for row in _read_rows(lines[1:], path.name):
        rows.setdefault((row.flavour, row.systematic), []).append(row)
    if not rows:
        raise ValueError(f"{path.name}: no row of type {_METHOD} with operating point {_RESHAPING}")
    shapes: Shapes = {}
    for (flavour, systematic), of_table in rows.items():
        where = f"{path.name}, {systematic}, jet flavour {flavour}"
        shapes.setdefault(_HADRON_FLAVOUR[flavour], {})[shift_of(systematic)] = _table(of_table, where)
    return tagger, shapes


class _Row(NamedTuple):
    systematic: str
    flavour: int
    abseta: tuple[float, float]
    pt_gev: tuple[float, float]
    discriminant: tuple[float, float]
    piece: Polynomial


def _read_rows(lines: Iterable[str], name: str) -> Iterator[_Row]:
    for number, fields in enumerate(csv.reader(lines, skipinitialspace=True), start=2):
        if not fields or fields[0].strip() != _RESHAPING or fields[1].strip() != _METHOD:
            continue
        try:
            point = [float(field) for field in fields[4:10]]
            flavour, piece = int(fields[3]), parse(fields[10])
        except (ValueError, IndexError) as error:
            raise ValueError(f"{name}, line {number}: {error}") from error
        if flavour not in _HADRON_FLAVOUR:
            raise ValueError(f"{name}, line {number}: jet flavour {flavour} is none of {sorted(_HADRON_FLAVOUR)}")
        yield _Row(fields[2].strip(), flavour, (point[0], point[1]), (point[2], point[3]), (point[4], point[5]), piece)


def _table(rows: list[_Row], where: str) -> ShapeTable:
    abseta = _edges((row.abseta for row in rows), f"{where}: etaMin, etaMax")
    pt = _edges((row.pt_gev for row in rows), f"{where}: ptMin, ptMax")
    cells: dict[tuple[float, float], list[_Row]] = {}
    for row in rows:
        cells.setdefault((row.abseta[0], row.pt_gev[0]), []).append(row)
    wanting = [(eta, low) for eta in abseta[:-1] for low in pt[:-1] if (eta, low) not in cells]
    if wanting:
        raise ValueError(f"{where}: no row for the bin at |eta| {wanting[0][0]:g} and pT {wanting[0][1]:g} GeV")
    curves = tuple(tuple(_curve(cells[eta, low], where) for low in pt[:-1]) for eta in abseta[:-1])
    return ShapeTable(abseta, pt, curves, ((1.0,) * (len(pt) - 1),) * (len(abseta) - 1))


def _curve(rows: list[_Row], where: str) -> Curve:
    ordered = sorted(rows, key=lambda row: row.discriminant)
    edges = _edges((row.discriminant for row in ordered), f"{where}: discrMin, discrMax")
    if len(edges) - 1 != len(ordered):
        raise ValueError(f"{where}: discriminant bins given twice")
    return Curve(edges, tuple(row.piece for row in ordered))


def _edges(bins: Iterable[tuple[float, float]], where: str) -> tuple[float, ...]:
    """Return the edges of bins that follow one another."""
    ordered = sorted(set(bins))
    for (_, high), (low, _) in pairwise(ordered):
        if high != low:
            raise ValueError(f"{where}: bins must follow one another, but {low:g} follows {high:g}")
    return (ordered[0][0], *(high for _, high in ordered))


# --- JSON


def read_shapes(correction: Tree) -> Shapes:
    """Return the tables of a shape correction, ours or one of the public CMS files.

    Raises
    ------
    ValueError
        If a node is not of the form systematic, flavor, abseta, pt, discriminant, formula.
    """
    formulas = correction.get("generic_formulas") or []
    shapes: Shapes = {}
    for systematic, flavours in _items(correction["data"], "systematic"):
        for code, node in _items(flavours, "flavor"):
            shapes.setdefault(int(code), {})[shift_of(systematic)] = _table_of_json(node, formulas, correction["name"])
    return shapes


def _items(node: Tree, variable: str) -> Iterator[tuple[Any, Tree]]:
    if node.get("nodetype") != "category" or node["input"] != variable:
        raise ValueError(f"expected a category of {variable}, got {node.get('nodetype')} of {node.get('input')}")
    for item in node["content"]:
        yield item["key"], item["value"]


def _table_of_json(node: Any, formulas: list[Tree], name: str) -> ShapeTable:
    abseta, rows = _bins(node, "abseta", name)
    cells = [_bins(row, "pt", name) for row in rows]
    if len({edges for edges, _ in cells}) != 1:
        raise ValueError(f"{name}: the pt edges differ between bins of abseta; such tables are not read")
    curves = tuple(tuple(_read_curve(cell, formulas, name) for cell in row) for _, row in cells)
    ones = tuple((1.0,) * len(row) for _, row in cells)
    return ShapeTable(abseta, cells[0][0], curves, ones)


def _bins(node: Any, variable: str, name: str) -> tuple[tuple[float, ...], list[Any]]:
    if not isinstance(node, Mapping) or node.get("nodetype") != "binning" or node["input"] != variable:
        found = node.get("nodetype") if isinstance(node, Mapping) else repr(node)
        raise ValueError(f"{name}: expected a binning in {variable}, got {found}")
    return tuple(float(edge) for edge in node["edges"]), node["content"]


def _read_curve(node: Any, formulas: list[Tree], name: str) -> Curve:
    edges, content = _bins(node, "discriminant", name)
    return Curve(edges, tuple(_read_piece(piece, formulas) for piece in content))


def _read_piece(piece: Any, formulas: list[Tree]) -> Polynomial:
    if isinstance(piece, int | float):
        return Polynomial((float(piece),))
    formula = formulas[piece["index"]] if piece["nodetype"] == "formularef" else piece
    if formula["variables"] != ["discriminant"]:
        raise ValueError(f"expected a formula of the discriminant, got one of {formula['variables']}")
    return parse(formula["expression"], piece.get("parameters") or ())
