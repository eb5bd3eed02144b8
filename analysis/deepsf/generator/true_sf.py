"""The injected scale factor: any correctionlib correction of (flavor, abseta, pt, discriminant[, systematic])."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import correctionlib
import numpy as np
from scipy.special import expit

from deepsf.arrays import Bools, Ints, Reals
from deepsf.generator.discriminant import INVALID_VALUES, TAGGER_ABSETA_MAX
from deepsf.generator.jagged import HADRON_FLAVOURS, flavour_place

NUMERIC_INPUTS = ("abseta", "pt", "discriminant")
CEILING_MARGIN = 1.02
_BROAD_RANGE = {"abseta": (0.0, TAGGER_ABSETA_MAX), "pt": (20.0, 1000.0)}


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
    _correction: Any
    _systematic: str
    _ranges: tuple[dict[str, tuple[float, float]], ...]

    def evaluate(self, hadron_flavour: Ints, abseta: Reals, pt_gev: Reals, discriminant: Reals) -> Reals:
        """Return the scale factor; arguments broadcast.

        |eta| and pT are moved into the range of a table that refuses values outside; from |eta| = 2.5 on, where jets
        are not tagged, it is 1. Invalid discriminants (negative) are passed as they are.
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
        return np.asarray(self._correction.evaluate(*(columns[v.name] for v in self._correction.inputs)))


def load(path: Path, name: str, systematic: str = "central") -> InjectedScaleFactor:
    """Read a scale factor and find its upper bounds.

    Raises
    ------
    ValueError
        If the file has no such correction, the inputs are not those of a shape scale factor, a flavour has no value for
        the systematic, or a value is negative or not finite. The message names file and correction.
    """
    label = f"{path}, correction {name!r}"
    try:
        corrections = correctionlib.CorrectionSet.from_file(str(path))
        text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, RuntimeError, ValueError) as error:
        raise ValueError(f"generator.true_sf.file: {path} is not a readable correctionlib file ({error})") from None
    if name not in list(corrections):
        raise ValueError(f"generator.true_sf.name: {path} has no correction {name!r}; it has {', '.join(corrections)}")
    correction = corrections[name]
    _check_inputs(label, [variable.name for variable in correction.inputs])
    tree = next(c["data"] for c in json.loads(text)["corrections"] if c["name"] == name)
    binnings = [list(_binnings(tree, {"flavor": f, "systematic": systematic})) for f in HADRON_FLAVOURS]
    edges = tuple({name: _inner_edges(b, name) for name in NUMERIC_INPUTS} for b in binnings)
    ranges = tuple(_ranges(label, b) for b in binnings)
    unknown = np.full(3, np.inf), np.zeros(3, bool)
    injected = InjectedScaleFactor(label, *unknown, edges, correction, systematic, ranges)
    scans = [_scanned(injected, place) for place in range(len(HADRON_FLAVOURS))]
    is_constant = np.array([np.ptp(values) == 0.0 for values in scans])
    largest = np.array([values.max() for values in scans])
    return replace(injected, ceilings=np.where(is_constant, 1.0, CEILING_MARGIN) * largest, is_constant=is_constant)


def _check_inputs(label: str, names: list[str]) -> None:
    wanted = {"flavor", *NUMERIC_INPUTS}
    if not wanted <= set(names) <= wanted | {"systematic"}:
        raise ValueError(
            f"{label}: inputs are {names}, but a true scale factor takes {sorted(wanted)} and optionally 'systematic'; "
            "choose a shape correction"
        )


def _scanned(injected: InjectedScaleFactor, place: int) -> Reals:
    """Return the values of one flavour on a grid with points in every cell."""
    grids = [_grid(low_high, injected.edges[place][name]) for name, low_high in _BROAD_RANGE.items()]
    logits = expit(np.linspace(-15.0, 15.0, 301))
    edges = _around(injected.edges[place]["discriminant"])
    discriminants = np.concatenate([INVALID_VALUES, [0.0], logits, edges[(edges >= 0.0) & (edges < 1.0)]])
    abseta, pt, discriminant = np.meshgrid(*grids, discriminants, indexing="ij", sparse=True)
    flavour = HADRON_FLAVOURS[place]
    try:
        values = injected.evaluate(np.array(flavour), abseta, pt, discriminant)
    except (IndexError, ValueError, RuntimeError) as error:
        raise ValueError(
            f"{injected.label}: no value for flavour {flavour} and systematic {injected._systematic!r} ({error}); "
            "choose a systematic that all of 5, 4 and 0 have, such as central"
        ) from None
    bad = ~np.isfinite(values) | (values < 0)
    if bad.any():
        i, j, k = np.argwhere(bad)[0]
        point = f"|eta| = {grids[0][i]:.3g}, pT = {grids[1][j]:.4g} GeV, discriminant = {discriminants[k]:.4g}"
        raise ValueError(
            f"{injected.label}: value {values[i, j, k]:g} for flavour {flavour} at {point}; it must be >= 0"
        )
    return values


def _grid(low_high: tuple[float, float], edges: Reals) -> Reals:
    low, high = low_high
    even = np.linspace(low, high, 9) if low == 0 else np.geomspace(low, high, 13)
    inside = np.concatenate([even, _around(edges)])
    return np.unique(inside[(inside >= low) & (inside < high)])


def _around(edges: Reals) -> Reals:
    """Return both sides of each edge and the middle between neighbours."""
    middle = 0.5 * (edges[1:] + edges[:-1])
    return np.concatenate([edges, np.nextafter(edges, -np.inf), middle])


@dataclass(frozen=True)
class _Binning:
    variable: str
    edges: tuple[float, ...]
    flow: Any


def _binnings(node: Any, selected: dict[str, int | str]) -> Iterator[_Binning]:
    """Walk a correction's tree along the selected categories and yield every binning on the way."""
    if not isinstance(node, dict):
        return
    if node["nodetype"] == "binning":
        yield _Binning(node["input"], _edge_values(node["edges"]), node["flow"])
    if node["nodetype"] == "multibinning":
        for variable, edges in zip(node["inputs"], node["edges"], strict=True):
            yield _Binning(variable, _edge_values(edges), node["flow"])
    if node["nodetype"] == "category":
        items = [item["value"] for item in node["content"] if item["key"] == selected.get(node["input"])]
        children = items or [node.get("default")]
    elif node["nodetype"] == "switch":
        children = [*(selection["value"] for selection in node["selections"]), node.get("default")]
    else:
        content = node.get("content")
        children = content if isinstance(content, list) else [content]
    for child in children:
        yield from _binnings(child, selected)


def _edge_values(edges: Any) -> tuple[float, ...]:
    if isinstance(edges, dict):
        return tuple(np.linspace(edges["low"], edges["high"], edges["n"] + 1).tolist())
    return tuple(float(edge) for edge in edges)


def _inner_edges(binnings: list[_Binning], variable: str) -> Reals:
    values = {edge for binning in binnings if binning.variable == variable for edge in binning.edges}
    return np.array(sorted(v for v in values if np.isfinite(v)))


def _ranges(label: str, binnings: list[_Binning]) -> dict[str, tuple[float, float]]:
    """Return by variable the range outside which the table is an error."""
    ranges: dict[str, tuple[float, float]] = {}
    for binning in binnings:
        if binning.flow == "error" and binning.variable in ("abseta", "pt"):
            low, high = ranges.get(binning.variable, (-np.inf, np.inf))
            low, high = max(low, binning.edges[0]), min(high, binning.edges[-1])
            if not low < high:
                raise ValueError(f"{label}: the binnings of {binning.variable} have no common range")
            ranges[binning.variable] = low, high
    return ranges
