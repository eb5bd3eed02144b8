"""Shape scale factors in the CSV format of the CMS b-tagging group: rows of measurement type ``iterativefit``.

The format has no comments: CMSSW's ``BTagEntry`` and coffea refuse every line without the eleven columns. So these
files, unlike all others, do not say which version made them.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from deepsf.corrections.correction import CorrectionFileError
from deepsf.corrections.text import read_text, write_text
from deepsf.exports.formula import Polynomial, formula_text, parse
from deepsf.exports.shapes import Curve, Shapes, ShapeTable
from deepsf.exports.systematics import shift_of, systematic_of

COLUMNS = (
    "OperatingPoint, measurementType, sysType, jetFlavor, etaMin, etaMax, ptMin, ptMax, discrMin, discrMax, formula"
)
_RESHAPING, _METHOD = "3", "iterativefit"
_CSV_FLAVOUR = {5: 0, 4: 1, 0: 2}
_HADRON_FLAVOUR = {csv_flavour: code for code, csv_flavour in _CSV_FLAVOUR.items()}


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


def read_csv(path: Path) -> tuple[str, Shapes]:
    """Return the tagger and the tables of a file; rows of other measurement types are left out.

    Files that do not name a tagger in their first line are read, too; it is empty then.

    Raises
    ------
    CorrectionFileError
        If the file is not of this format, has no row of type iterativefit, or its bins leave gaps or overlap.
    """
    try:
        lines = read_text(path).splitlines()
        tagger, _, columns = (lines[0] if lines else "").rpartition(";")
        if [c.strip() for c in columns.split(",")] != COLUMNS.split(", "):
            raise ValueError(f"the first line must be 'TAGGER;{COLUMNS}', with or without 'TAGGER;'")
        return tagger.strip(), _shapes(lines[1:])
    except OSError as error:
        raise CorrectionFileError(f"{path}: cannot be read ({error.strerror}); correct the path") from None
    except (ValueError, csv.Error) as error:
        raise CorrectionFileError(f"{path}: {error}; take a BTV CSV file of shape scale factors") from None


def _shapes(lines: Iterable[str]) -> Shapes:
    rows: dict[tuple[int, str], list[_Row]] = {}
    for row in _read_rows(lines):
        rows.setdefault((row.flavour, row.systematic), []).append(row)
    if not rows:
        raise ValueError(f"no row of type {_METHOD} with operating point {_RESHAPING}")
    shapes: Shapes = {}
    for (flavour, systematic), of_table in rows.items():
        table = _table(of_table, f"{systematic}, jet flavour {flavour}")
        shapes.setdefault(_HADRON_FLAVOUR[flavour], {})[shift_of(systematic)] = table
    return shapes


class _Row(NamedTuple):
    systematic: str
    flavour: int
    abseta: tuple[float, float]
    pt_gev: tuple[float, float]
    discriminant: tuple[float, float]
    piece: Polynomial


def _read_rows(lines: Iterable[str]) -> Iterator[_Row]:
    for number, fields in enumerate(csv.reader(lines, skipinitialspace=True), start=2):
        if [field.strip() for field in fields[:2]] != [_RESHAPING, _METHOD]:
            continue
        try:
            point = [float(field) for field in fields[4:10]]
            flavour, piece = int(fields[3]), parse(fields[10])
        except (ValueError, IndexError) as error:
            raise ValueError(f"line {number}: {error}") from error
        if flavour not in _HADRON_FLAVOUR:
            raise ValueError(f"line {number}: jet flavour {flavour} is none of {sorted(_HADRON_FLAVOUR)}")
        abseta, pt, discriminant = bins = tuple(zip(point[::2], point[1::2], strict=True))
        if strange := [bin_ for bin_ in bins if not -math.inf < bin_[0] < bin_[1] < math.inf]:
            raise ValueError(f"line {number}: a bin from {strange[0][0]:g} to {strange[0][1]:g}")
        yield _Row(fields[2].strip(), flavour, abseta, pt, discriminant, piece)


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
