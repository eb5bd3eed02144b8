"""Shape scale factors as correctionlib corrections (schema version 2), written and read.

Strict, as the files of the CMS b-tagging group, with the inputs (systematic, flavor, abseta, pt, discriminant): a
systematic that a flavour does not have raises. Safe: it gives the flavour's central value; names that no flavour has
raise all the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import correctionlib
from correctionlib import schemav2

from deepsf.exports.files import read_text, write_text
from deepsf.exports.formula import Polynomial, generic_expression, parameters, parse
from deepsf.exports.shapes import Curve, Shapes, ShapeTable
from deepsf.exports.systematics import CENTRAL, NOMINAL, shift_of, source_of, systematic_of

Tree = dict[str, Any]

RANGE_POLICY = (
    "abseta: an error outside of the table; pt and discriminant: clamped to its outer bins. Negative discriminants are "
    "jets without a valid score and have a scale factor of their own; set NaN to -1 before."
)


@dataclass(frozen=True)
class Label:
    """What a correction says about itself."""

    name: str
    tagger: str
    branch: str
    era: str
    text: str = ""
    correlated: tuple[str, ...] = ()

    def head(self) -> str:
        """Return tagger, jet branch and era as `event_weight` reads and checks them."""
        return f"[tagger: {self.tagger}; branch: {self.branch}; era: {self.era}]"

    def describe(self, systematics: Iterable[str], form: str) -> str:
        """Return the description of a shape correction with these systematics."""
        sources = [source for source in dict.fromkeys(map(source_of, systematics)) if source != CENTRAL]
        correlated = ", ".join(source for source in sources if source in self.correlated) or "none"
        others = ", ".join(source for source in sources if source not in self.correlated) or "none"
        correlations = f"Correlated between eras: {correlated}; not correlated: {others}."
        return " ".join(part for part in (self.head(), self.text, form, correlations, f"Range: {RANGE_POLICY}") if part)


_CONTENT = "b-tag shape scale factors, mean 1 per (pt, abseta) on inclusive jets of a flavour."
_UNDEFINED = {
    False: "A systematic that a flavour does not have raises an error: use its central value there.",
    True: "A systematic that a flavour does not have gives its central value.",
}


def shape_correction(shapes: Shapes, label: Label, *, safe: bool = False) -> Tree:
    """Return a correction as plain lists and dictionaries; ``safe`` makes every combination defined, see the module."""
    formulas = _Formulas()
    systematics = dict.fromkeys(systematic_of(shift) for tables in shapes.values() for shift in tables)
    content = []
    for systematic in systematics:
        items = []
        for code in sorted(shapes):
            table = shapes[code].get(shift_of(systematic), shapes[code][NOMINAL] if safe else None)
            if table is not None:
                items.append({"key": code, "value": _table(table, formulas)})
        content.append({"key": systematic, "value": _category("flavor", items)})
    return {
        "name": label.name,
        "description": label.describe(systematics, f"{_CONTENT} {_UNDEFINED[safe]}"),
        "version": 1,
        "inputs": [
            {"name": "systematic", "type": "string", "description": "central, or up_ or down_ and a source"},
            {"name": "flavor", "type": "int", "description": "hadron flavour: 5 b, 4 c, 0 udsg"},
            {"name": "abseta", "type": "real", "description": "|eta| of the jet"},
            {"name": "pt", "type": "real", "description": "pT of the jet [GeV]"},
            {"name": "discriminant", "type": "real", "description": f"{label.branch}; negative: no valid score"},
        ],
        "output": {"name": "weight", "type": "real", "description": "scale factor, data over simulation"},
        "generic_formulas": formulas.nodes(),
        "data": _category("systematic", content),
    }


def correction_set_text(corrections: list[Tree], description: str) -> str:
    """Return the text of a file with the corrections, checked against the schema and by correctionlib's evaluator.

    Raises
    ------
    pydantic.ValidationError
        If a correction does not comply with the schema.
    RuntimeError
        If correctionlib cannot evaluate it for another reason.
    """
    tree = {"schema_version": 2, "description": description, "corrections": corrections}
    schemav2.CorrectionSet.model_validate(tree)
    text = json.dumps(tree, separators=(",", ":"), allow_nan=False) + "\n"
    correctionlib.CorrectionSet.from_string(text)  # the schema leaves some rules to it
    return text


def write_corrections(path: Path, corrections: list[Tree], description: str, *, compress: bool = True) -> None:
    """Write a file with corrections."""
    write_text(path, correction_set_text(corrections, description), compress=compress)


def read_correction(path: Path, name: str | None = None) -> Tree:
    """Return one correction of a file, the only one if no name is given.

    Raises
    ------
    ValueError
        If the file has no such correction, or several and none is named.
    """
    corrections: dict[str, Tree] = {c["name"]: c for c in json.loads(read_text(path))["corrections"]}
    if name is None and len(corrections) == 1:
        return corrections.popitem()[1]
    if name not in corrections:
        raise ValueError(f"{path.name}: no correction {name!r}; name one of {sorted(corrections)}")
    return corrections[name]


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


def _category(variable: str, items: list[Tree]) -> Tree:
    return {"nodetype": "category", "input": variable, "content": items}


def _binning(variable: str, edges: tuple[float, ...], content: list[Any], flow: str) -> Tree:
    return {"nodetype": "binning", "input": variable, "edges": list(edges), "content": content, "flow": flow}


def _table(table: ShapeTable, formulas: _Formulas) -> Tree:
    rows = []
    for curves, factors in zip(table.curves, table.scale, strict=True):
        cells = []
        for curve, factor in zip(curves, factors, strict=True):
            pieces = [formulas.reference(piece, factor) for piece in curve.pieces]
            cells.append(_binning("discriminant", curve.edges, pieces, "clamp"))
        rows.append(_binning("pt", table.pt_gev, cells, "clamp"))
    return _binning("abseta", table.abseta, rows, "error")


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
