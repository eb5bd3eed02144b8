"""Shape scale factors as correctionlib corrections (schema version 2), written and read.

Strict, as the files of the CMS b-tagging group, with the inputs (systematic, flavor, abseta, pt, discriminant): a
systematic that a flavour does not have raises. Safe: it gives the flavour's central value; names that no flavour has
raise all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from deepsf.exports.corrections import RANGE_POLICY, SHAPE_OUTPUT, Label, Tree, binning, category, shape_inputs
from deepsf.exports.formula import Polynomial, generic_expression, parameters, parse
from deepsf.exports.shapes import Curve, Shapes, ShapeTable
from deepsf.exports.systematics import CENTRAL, NOMINAL, shift_of, source_of, systematic_of

_CONTENT = "b-tag shape scale factors, mean 1 per (pt, abseta) on inclusive jets of a flavour."
_UNDEFINED = {
    False: "A systematic that a flavour does not have raises an error: use its central value there.",
    True: "A systematic that a flavour does not have gives its central value.",
}


def shape_correction(shapes: Shapes, label: Label, *, safe: bool = False) -> Tree:
    """Return a correction as plain lists and dictionaries; ``safe`` makes every combination defined, see the module."""
    formulas = _Formulas()
    systematics = dict.fromkeys(systematic_of(shift) for tables in shapes.values() for shift in tables)
    content = {}
    for systematic in systematics:
        nodes = {}
        for code, tables in sorted(shapes.items()):
            table = tables.get(shift_of(systematic), tables[NOMINAL] if safe else None)
            if table is not None:
                nodes[code] = _table(table, formulas)
        content[systematic] = category("flavor", nodes)
    return {
        "name": label.name,
        "description": _description(systematics, label, safe),
        "version": 1,
        "inputs": shape_inputs("central, or up_ or down_ and a source", label.branch),
        "output": SHAPE_OUTPUT,
        "generic_formulas": formulas.nodes(),
        "data": category("systematic", content),
    }


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
            shapes.setdefault(int(code), {})[shift_of(systematic)] = _read_table(node, formulas, correction["name"])
    return shapes


class _Formulas:
    """The generic formulas that pieces refer to, in the order of their first use."""

    def __init__(self) -> None:
        self._index: dict[str, int] = {}

    def reference(self, polynomial: Polynomial, scale: float) -> Any:
        if polynomial.degree == 0:
            return scale * polynomial.coefficient[0]
        text = generic_expression(polynomial.degree, polynomial.space, scaled=scale != 1.0)
        index = self._index.setdefault(text, len(self._index))
        return {"nodetype": "formularef", "index": index, "parameters": parameters(polynomial, scale)}

    def nodes(self) -> list[Tree]:
        common = {"nodetype": "formula", "parser": "TFormula", "variables": ["discriminant"]}
        return [{**common, "expression": text} for text in self._index]


def _description(systematics: Iterable[str], label: Label, safe: bool) -> str:
    sources = [source for source in dict.fromkeys(map(source_of, systematics)) if source != CENTRAL]
    correlated = ", ".join(source for source in sources if source in label.correlated) or "none"
    others = ", ".join(source for source in sources if source not in label.correlated) or "none"
    correlations = f"Correlated between eras: {correlated}; not correlated: {others}."
    parts = label.head(), label.text, _CONTENT, _UNDEFINED[safe], correlations, f"Range: {RANGE_POLICY}"
    return " ".join(part for part in parts if part)


def _table(table: ShapeTable, formulas: _Formulas) -> Tree:
    rows = []
    for curves, factors in zip(table.curves, table.scale, strict=True):
        cells = []
        for curve, factor in zip(curves, factors, strict=True):
            pieces = [formulas.reference(piece, factor) for piece in curve.pieces]
            cells.append(binning("discriminant", curve.edges, pieces, "clamp"))
        rows.append(binning("pt", table.pt_gev, cells, "clamp"))
    return binning("abseta", table.abseta, rows, "error")


def _items(node: Tree, variable: str) -> Iterator[tuple[Any, Tree]]:
    if node.get("nodetype") != "category" or node["input"] != variable:
        raise ValueError(f"expected a category of {variable}, got {node.get('nodetype')} of {node.get('input')}")
    for item in node["content"]:
        yield item["key"], item["value"]


def _read_table(node: Any, formulas: list[Tree], name: str) -> ShapeTable:
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
