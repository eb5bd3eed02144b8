"""Shape scale factors as correctionlib corrections (schema version 2).

Strict, as the files of the CMS b-tagging group, with the inputs (systematic, flavor, abseta, pt, discriminant): a
systematic that a flavour does not have raises. Safe: it gives the flavour's central value; names that no flavour has
raise all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from deepsf.corrections.nodes import Tree
from deepsf.exports.corrections import RANGE_POLICY, SHAPE_OUTPUT, Label, binning, category, shape_inputs
from deepsf.exports.correlations import correlation_text
from deepsf.exports.formula import Polynomial, generic_expression, parameters
from deepsf.exports.shapes import Shapes, ShapeTable
from deepsf.exports.systematics import CENTRAL, shift_of, source_of, systematic_of

_CONTENT = "b-tag shape scale factors, mean 1 per (pt, abseta) on inclusive jets of a flavour."
_UNDEFINED = {
    False: "A systematic that a flavour does not have raises an error: use its central value there.",
    True: "A systematic that a flavour does not have gives its central value.",
}


def shape_correction(shapes: Shapes, label: Label) -> Tree:
    """Return the strict correction as plain lists and dictionaries."""
    formulas = _Formulas()
    systematics = dict.fromkeys(systematic_of(shift) for tables in shapes.values() for shift in tables)
    content = {}
    for systematic in systematics:
        shift = shift_of(systematic)
        nodes = {code: _table(tables[shift], formulas) for code, tables in sorted(shapes.items()) if shift in tables}
        content[systematic] = category("flavor", nodes)
    return {
        "name": label.name,
        "description": _description(systematics, label, safe=False),
        "version": 1,
        "inputs": shape_inputs("central, or up_ or down_ and a source", label.branch),
        "output": SHAPE_OUTPUT,
        "generic_formulas": formulas.nodes(),
        "data": category("systematic", content),
    }


def safe_correction(strict: Tree, label: Label) -> Tree:
    """Return a strict shape correction, ours or a public one of CMS, in the safe form.

    Raises
    ------
    ValueError
        If it is not a choice by systematic, then by flavour, or has no central value.
    """
    strict_content = {key: _choices(node, "flavor") for key, node in _choices(strict["data"], "systematic").items()}
    if CENTRAL not in strict_content:
        raise ValueError(f"{strict['name']} has the systematics {', '.join(strict_content)}, not {CENTRAL}")
    content = {key: category("flavor", {**strict_content[CENTRAL], **nodes}) for key, nodes in strict_content.items()}
    description = _description(strict_content, label, safe=True)
    return {**strict, "name": label.name, "description": description, "data": category("systematic", content)}


def shifts_of(strict: Tree, code: int) -> Tree:
    """Return by systematic, without the central one, what a strict correction has for a hadron flavour."""
    found: Tree = {}
    for systematic, node in _choices(strict["data"], "systematic").items():
        by_code: dict[Any, Any] = _choices(node, "flavor")
        if systematic != CENTRAL and code in by_code:
            found[systematic] = by_code[code]
    return found


class _Formulas:
    """The generic formulas that pieces refer to, in the order of their first use."""

    def __init__(self) -> None:
        self._index: dict[str, int] = {}

    def reference(self, polynomial: Polynomial, scale: float) -> Any:
        if polynomial.degree == 0:
            return scale * polynomial.coefficient[0]
        text = generic_expression(
            polynomial.degree, polynomial.space, scaled=scale != 1.0, powers=polynomial.has_powers
        )
        index = self._index.setdefault(text, len(self._index))
        return {"nodetype": "formularef", "index": index, "parameters": parameters(polynomial, scale)}

    def nodes(self) -> list[Tree]:
        common = {"nodetype": "formula", "parser": "TFormula", "variables": ["discriminant"]}
        return [{**common, "expression": text} for text in self._index]


def _description(systematics: Iterable[str], label: Label, *, safe: bool) -> str:
    sources = [source for source in dict.fromkeys(map(source_of, systematics)) if source != CENTRAL]
    correlations = correlation_text(sources, label.correlated)
    parts = label.head(), label.text, _CONTENT, _UNDEFINED[safe], correlations, f"Range: {RANGE_POLICY}"
    return " ".join(part for part in parts if part)


def _table(table: ShapeTable, formulas: _Formulas) -> Tree:
    rows = []
    for curves, factors in zip(table.curves, table.scale, strict=True):
        cells = []
        for curve, factor in zip(curves, factors, strict=True):
            pieces = [formulas.reference(piece, factor) for piece in curve.pieces]
            flow = "clamp" if curve.edges[0] < 0 else "error"  # as public files without a bin for invalid scores
            cells.append(binning("discriminant", curve.edges, pieces, flow))
        rows.append(binning("pt", table.pt_gev, cells, "clamp"))
    return binning("abseta", table.abseta, rows, "error")


def _choices(node: Any, variable: str) -> Tree:
    if not isinstance(node, Mapping) or node.get("nodetype") != "category" or node["input"] != variable:
        found = f"{node.get('nodetype')} of {node.get('input')}" if isinstance(node, Mapping) else repr(node)
        raise ValueError(f"expected a category of {variable}, got {found}")
    return {item["key"]: item["value"] for item in node["content"]}
