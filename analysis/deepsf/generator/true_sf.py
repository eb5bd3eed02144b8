"""The injected scale factor: any correctionlib correction of (flavor, abseta, pt, discriminant[, systematic])."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.special import expit

from deepsf.arrays import Bools, Ints, Reals
from deepsf.corrections.correction import SHAPE_INPUTS, Correction, CorrectionFileError
from deepsf.corrections.nodes import Tree, binned_inputs, binnings, reached
from deepsf.generator.discriminant import TAGGER_ABSETA_MAX, TAGGERS
from deepsf.generator.jagged import HADRON_FLAVOURS, flavour_place

NUMERIC_INPUTS = ("abseta", "pt", "discriminant")
CEILING_MARGIN = 1.05
_INVALID_VALUES = sorted({value for tagger in TAGGERS.values() for value in tagger.invalid_values}, reverse=True)
_BROAD_RANGE = {"abseta": (0.0, TAGGER_ABSETA_MAX), "pt": (20.0, 1000.0)}
_LOGITS = np.linspace(-15.0, 15.0, 301)
_N_PEAKS = 8
_COVERED = 1.02
"""Where the margin covers what lies between the grid's points, ceilings and thus pseudo-data stay as they are."""


@dataclass(frozen=True)
class InjectedScaleFactor:
    """A scale factor read from a correctionlib file; make it with `load`.

    Attributes
    ----------
    label
        File and correction, for messages.
    ceilings
        Upper bounds for the flavours of ``HADRON_FLAVOURS``, found from the table.
    is_constant
        Whether the scale factor is one number for all jets of the flavour.
    edges
        For each of these flavours and by variable (``abseta``, ``pt``, ``discriminant``), the edges at which the table
        may be discontinuous.
    """

    label: str
    ceilings: Reals
    is_constant: Bools
    edges: tuple[dict[str, Reals], ...]
    _correction: Correction
    _systematic: str
    _ranges: tuple[dict[str, tuple[float, float]], ...]

    def evaluate(self, hadron_flavour: Ints, abseta: Reals, pt_gev: Reals, discriminant: Reals) -> Reals:
        """Return the scale factor; arguments broadcast.

        |eta| and pT are moved into the range of a table that refuses values outside; from |eta| = 2.5 on, where jets
        are not tagged, it is 1. So it is for invalid discriminants (negative) that the table refuses.
        """
        index, abseta, pt_gev, discriminant = np.broadcast_arrays(
            flavour_place(hadron_flavour), *(np.asarray(a, float) for a in (abseta, pt_gev, discriminant))
        )
        values = np.ones(index.shape)
        for place in range(len(HADRON_FLAVOURS)):
            mask = (index == place) & (abseta < TAGGER_ABSETA_MAX)
            if mask.any():
                values[mask] = self._evaluate_flavour(place, abseta[mask], pt_gev[mask], discriminant[mask])
        return values

    def _evaluate_flavour(self, place: int, abseta: Reals, pt_gev: Reals, discriminant: Reals) -> Reals:
        columns: dict[str, Any] = {"discriminant": discriminant, "abseta": abseta, "pt": pt_gev}
        for name, (low, high) in self._ranges[place].items():
            columns[name] = np.clip(columns[name], low, np.nextafter(high, low))
        columns |= {"flavor": HADRON_FLAVOURS[place], "systematic": self._systematic}
        return self._correction.scale_factor(columns)


def load(path: Path, name: str, systematic: str = "central") -> InjectedScaleFactor:
    """Read a scale factor and find its upper bounds.

    Raises
    ------
    ValueError
        If the file has no such correction, the inputs are not those of a shape scale factor, a flavour has no value for
        the systematic, or a value is negative or not finite. The message names file and correction.
    """
    try:
        correction = Correction.load(path, name).validated()
        correction.require_inputs(SHAPE_INPUTS, optional=("systematic",))
    except CorrectionFileError as error:
        raise CorrectionFileError(f"generator.true_sf: {error}") from None
    label, tree = f"generator.true_sf: {correction.where}", correction.tree["data"]
    chosen: list[dict[str, int | str]] = [{"flavor": code, "systematic": systematic} for code in HADRON_FLAVOURS]
    for categories in chosen:
        if reached(tree, categories) is None:
            raise ValueError(
                f"{label}: no value for flavour {categories['flavor']} and systematic {systematic!r}; choose a "
                "systematic that all of 5, 4 and 0 have, such as central"
            )
    of_flavours = [list(binnings(tree, categories)) for categories in chosen]
    edges = tuple({name: _inner_edges(b, name) for name in NUMERIC_INPUTS} for b in of_flavours)
    ranges = tuple(_ranges(label, b) for b in of_flavours)
    unknown = np.full(3, np.inf), np.zeros(3, bool)
    injected = InjectedScaleFactor(label, *unknown, edges, correction, systematic, ranges)
    scans = [_scanned(injected, place) for place in range(len(HADRON_FLAVOURS))]
    is_constant = np.array([scan.is_constant for scan in scans])
    largest = np.array([scan.largest for scan in scans])
    return replace(injected, ceilings=np.where(is_constant, 1.0, CEILING_MARGIN) * largest, is_constant=is_constant)


class _Scan(NamedTuple):
    largest: float
    is_constant: bool


def _scanned(injected: InjectedScaleFactor, place: int) -> _Scan:
    """Return the largest value of one flavour, from a grid with points in every cell of the table.

    What formulas do between its points is looked for on a finer grid, and counts if the margin would not cover it.
    """
    abseta, pt = (_grid(low_high, injected.edges[place][name]) for name, low_high in _BROAD_RANGE.items())
    edges = _around(injected.edges[place]["discriminant"])
    scores = np.concatenate([_INVALID_VALUES, [0.0], expit(_LOGITS), edges[(edges >= 0.0) & (edges < 1.0)]])
    values = _on_grid(injected, place, abseta, pt, scores)
    largest, is_constant = float(values.max()), bool(np.ptp(values) == 0.0)
    between = largest if is_constant else _largest_between(injected, place)
    return _Scan(between if between > _COVERED * largest else largest, is_constant)


def _largest_between(injected: InjectedScaleFactor, place: int) -> float:
    """Return the largest value of one flavour on a grid that is finer in |eta| and pT, and finer still at its peaks."""
    abseta, pt = (_close(low, high) for low, high in _BROAD_RANGE.values())
    logits = _LOGITS[::10]
    values = _on_grid(injected, place, abseta, pt, expit(logits))
    largest = [values.max()]
    for number in np.argsort(values, axis=None)[-_N_PEAKS:]:
        i, j, k = np.unravel_index(number, values.shape)
        beside = _on_grid(injected, place, _beside(abseta, i), _beside(pt, j), expit(_beside(logits, k)))
        largest.append(beside.max())
    return float(max(largest))


def _on_grid(injected: InjectedScaleFactor, place: int, abseta: Reals, pt_gev: Reals, discriminants: Reals) -> Reals:
    """Return the values of one flavour on a grid; each must be possible."""
    flavour = HADRON_FLAVOURS[place]
    mesh = np.meshgrid(abseta, pt_gev, discriminants, indexing="ij", sparse=True)
    try:
        values = injected.evaluate(np.array(flavour), *mesh)
    except ValueError as error:
        raise ValueError(f"{injected.label}, flavour {flavour}: {error}") from None
    bad = ~(values >= 0)
    if bad.any():
        i, j, k = np.argwhere(bad)[0]
        point = f"|eta| = {abseta[i]:.3g}, pT = {pt_gev[j]:.4g} GeV, discriminant = {discriminants[k]:.4g}"
        raise ValueError(
            f"{injected.label}: value {values[i, j, k]:g} for flavour {flavour} at {point}; it must be >= 0"
        )
    return values


def _close(low: float, high: float) -> Reals:
    """Return points between the ends of |eta| (from 0) or pT, those of features that pseudo-data can resolve."""
    points = np.linspace(low, high, 51) if low == 0 else np.geomspace(low, high, 81)
    return np.minimum(points, np.nextafter(high, low))


def _beside(grid: Reals, at: int | np.intp) -> Reals:
    """Return points from the neighbour before a point of a grid to the one after it."""
    return np.linspace(grid[max(at - 1, 0)], grid[min(at + 1, len(grid) - 1)], 9)


def _grid(low_high: tuple[float, float], edges: Reals) -> Reals:
    low, high = low_high
    even = np.linspace(low, high, 9) if low == 0 else np.geomspace(low, high, 13)
    inside = np.concatenate([even, [np.nextafter(high, low)], _around(edges)])
    return np.unique(inside[(inside >= low) & (inside < high)])


def _around(edges: Reals) -> Reals:
    """Return both sides of each edge and the middle between neighbours."""
    middle = 0.5 * (edges[1:] + edges[:-1])
    return np.concatenate([edges, np.nextafter(edges, -np.inf), middle])


def _inner_edges(found: list[Tree], variable: str) -> Reals:
    of_variable = [edges for node in found for name, edges in binned_inputs(node) if name == variable]
    edges: Reals = np.unique(np.concatenate([[], *of_variable]))
    return edges[np.isfinite(edges)]


def _ranges(label: str, found: list[Tree]) -> dict[str, tuple[float, float]]:
    """Return by variable the range outside which the table is an error."""
    ranges: dict[str, tuple[float, float]] = {}
    for name, edges in (pair for node in found if node["flow"] == "error" for pair in binned_inputs(node)):
        if name in ("abseta", "pt"):
            low, high = ranges.get(name, (-np.inf, np.inf))
            low, high = max(low, float(edges[0])), min(high, float(edges[-1]))
            if not low < high:
                raise ValueError(f"{label}: the binnings of {name} have no common range")
            ranges[name] = low, high
    return ranges
