"""Shape scale factors in the CSV format of the CMS b-tagging group: rows of measurement type ``iterativefit``.

The format has no comments: CMSSW's ``BTagEntry`` and coffea refuse every line without the eleven columns. So these
files, unlike all others, do not say which version made them.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from deepsf.exports.files import write_text
from deepsf.exports.formula import formula_text
from deepsf.exports.shapes import Shapes, ShapeTable
from deepsf.exports.systematics import shift_of, systematic_of

COLUMNS = (
    "OperatingPoint, measurementType, sysType, jetFlavor, etaMin, etaMax, ptMin, ptMax, discrMin, discrMax, formula"
)
_RESHAPING, _METHOD = "3", "iterativefit"
_CSV_FLAVOUR = {5: 0, 4: 1, 0: 2}


def csv_text(shapes: Shapes, tagger: str) -> str:
    """Return the text of a file.

    Raises
    ------
    ValueError
        If there is a hadron flavour other than 5, 4 and 0: the format has no place for it.
    """
    strange = sorted(set(shapes) - set(_CSV_FLAVOUR))
    if strange:
        raise ValueError(
            f"hadron flavours {strange} have no code in the CSV format, which knows 5, 4 and 0; take csv out of "
            "exports.forms"
        )
    lines = [f"{tagger};{COLUMNS}"]
    systematics = dict.fromkeys(systematic_of(shift) for tables in shapes.values() for shift in tables)
    for systematic in systematics:
        for code, flavour in _CSV_FLAVOUR.items():
            table = shapes.get(code, {}).get(shift_of(systematic))
            if table is not None:
                lines += _rows(f"{_RESHAPING}, {_METHOD}, {systematic}, {flavour}", table)
    return "\n".join(lines) + "\n"


def write_csv(path: Path, shapes: Shapes, tagger: str, *, compress: bool = True) -> None:
    """Write a file; raises as `csv_text`."""
    write_text(path, csv_text(shapes, tagger), compress=compress)


def _rows(key: str, table: ShapeTable) -> Iterator[str]:
    for abseta, curves, factors in zip(pairwise(table.abseta), table.curves, table.scale, strict=True):
        for pt, curve, factor in zip(pairwise(table.pt_gev), curves, factors, strict=True):
            for edges, piece in zip(pairwise(curve.edges), curve.pieces, strict=True):
                bounds = ", ".join(repr(float(edge)) for edge in (*abseta, *pt, *edges))
                yield f'{key}, {bounds}, "{formula_text(piece, factor)}"'
