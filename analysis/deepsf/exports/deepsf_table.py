"""The DeepSF ensemble as a correctionlib table: linear in log(pT), |eta| and logit(discriminant) in every cell.

Networks are continuous, but their normalisation is by (pT, |eta|) bins: cells end at its edges, and values at the
corners are taken from inside of the cell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.special import expit

from deepsf.arrays import Floats
from deepsf.config.exports import DeepSFTable
from deepsf.corrections.nodes import Tree
from deepsf.exports.corrections import RANGE_POLICY, SHAPE_OUTPUT, Label, binning, category, shape_inputs
from deepsf.exports.shapes import HIGHEST_DISCRIMINANT, HIGHEST_PT_GEV, LOWEST_DISCRIMINANT
from deepsf.jets import INVALID
from deepsf.networks.scale_factor import EnsembleScaleFactor, summarise
from deepsf.probes.entries import Jets, logit
from deepsf.probes.inclusive import InclusiveJets

SYSTEMATICS = ("central", "up_sem", "down_sem")
_LOWEST_PT_GEV = 1.0
_DIGITS = 7
_FINE, _EVEN_SHARE = 6, 0.3
_VARIABLES = ("discriminant", "pt", "abseta")  # x, y, z of the formulas
_LINEAR = "([0]+[1]*z)+log(y)*([2]+[3]*z)"
_TRILINEAR = f"({_LINEAR})+log(x/(1-x))*(([4]+[5]*z)+log(y)*([6]+[7]*z))"


@dataclass(frozen=True)
class EnsembleTable:
    """One flavour: edges of the cells, and values at their corners.

    ``corners`` has the shape (3, n_pt, n_abseta, 2, 2, n_d): systematic, cell, side in pT and |eta|, and discriminant:
    invalid first, then the nodes.
    """

    pt_gev: Floats
    abseta: Floats
    node: Floats
    corners: Floats


@dataclass(frozen=True)
class InterpolationError:
    """Table minus ensemble over jets of one flavour: root mean square, and the largest of 99 % and of all jets."""

    rms: float
    of_99_percent: float
    largest: float


def ensemble_table(
    sf: EnsembleScaleFactor,
    flavour: str,
    size: DeepSFTable,
    *,
    abseta_max: float,
    extra: Mapping[str, float] | None = None,
) -> EnsembleTable:
    """Return the ensemble's mean and mean +- SEM at the corners of the cells.

    Parameters
    ----------
    abseta_max
        Where the table ends.
    extra
        Value of each extra input of the networks, the same in the whole table.
    """
    pt, abseta = _edges(sf, flavour, size, abseta_max)
    node = _placed(sf, flavour, size, (pt, abseta), extra or {})
    scores = np.concatenate([[INVALID], expit(node)])
    corners = _jets(_sides(pt).ravel(), _sides(abseta).ravel(), scores, extra or {})
    estimate = summarise(sf.member_values(flavour, corners))
    values = np.stack([estimate.mean, estimate.mean + estimate.sem, estimate.mean - estimate.sem])
    shape = (len(SYSTEMATICS), len(pt) - 1, 2, len(abseta) - 1, 2, len(scores))
    return EnsembleTable(pt, abseta, node, values.reshape(shape).transpose(0, 1, 3, 2, 4, 5))


def deepsf_correction(tables: Mapping[int, EnsembleTable | None], label: Label, statement: str) -> Tree:
    """Return the correction; a flavour without a table has scale factor 1 and no shifts.

    Parameters
    ----------
    tables
        By hadron-flavour code.
    statement
        How well the table follows the ensemble, for the description.
    """
    content = {}
    for number, systematic in enumerate(SYSTEMATICS):
        nodes = {
            code: 1.0 if table is None else _nodes(table, number)
            for code, table in sorted(tables.items())
            if table is not None or systematic == "central"
        }
        content[systematic] = category("flavor", nodes)
    text = (
        f"{label.head()} {label.text} DeepSF b-tag shape scale factors: mean over an ensemble of trainings; sem: its "
        "standard error, the fluctuation of the training alone, no statistical or systematic uncertainty. A systematic "
        f"that a flavour does not have raises an error. {statement} Range: {RANGE_POLICY}"
    )
    return {
        "name": label.name,
        "description": " ".join(text.split()),
        "version": 1,
        "inputs": shape_inputs(", ".join(SYSTEMATICS), label.branch),
        "output": SHAPE_OUTPUT,
        "generic_formulas": [
            {"nodetype": "formula", "parser": "TFormula", "variables": [*_VARIABLES], "expression": f}
            for f in (_LINEAR, _TRILINEAR)
        ],
        "data": category("systematic", content),
    }


def interpolation_error(
    sf: EnsembleScaleFactor, correction: Any, flavour: str, code: int, sample: InclusiveJets, n_jets: int
) -> InterpolationError:
    """Return how far the table, a correctionlib ``Correction``, is from the ensemble at inclusive jets of a flavour."""
    jets = sample.jets[np.unique(np.linspace(0, len(sample.jets) - 1, n_jets).astype(np.int64))]
    exact = sf.member_values(flavour, jets).mean(axis=0)
    away = np.abs(correction.evaluate("central", code, jets.abseta, jets.pt_gev, jets.discriminant) - exact)
    return InterpolationError(float(np.sqrt(np.mean(away**2))), float(np.quantile(away, 0.99)), float(away.max()))


def _jets(pt_gev: Floats, abseta: Floats, discriminant: Floats, extra: Mapping[str, float]) -> Jets:
    grid = np.meshgrid(pt_gev, abseta, discriminant, indexing="ij")
    pt, eta, scores = (axis.ravel().astype(np.float32) for axis in grid)
    extra_inputs = {name: np.full(len(pt), value, np.float32) for name, value in extra.items()}
    return Jets(pt, eta, scores, np.zeros(len(pt), np.int8), extra_inputs)


def _edges(sf: EnsembleScaleFactor, flavour: str, size: DeepSFTable, abseta_max: float) -> tuple[Floats, Floats]:
    """Return edges in pT and |eta|.

    Beyond the range that inputs are clipped to, the networks are constant: there lie outer cells of their own.
    """
    bins = [member.normalisation[flavour].bins for member in sf.members]
    low, high = _range(sf, flavour, "pt", (20.0, 1000.0))
    inner = np.unique(np.concatenate([b.pt_gev for b in bins]))
    cells = _subdivided(np.log(np.union1d([low, high], inner[(inner > low) & (inner < high)])), size.n_pt)
    outer = inner[(inner > _LOWEST_PT_GEV) & (inner < HIGHEST_PT_GEV)]  # to the last bit, which exp(log) would change
    pt = np.unique(np.concatenate([[_LOWEST_PT_GEV], _without(np.exp(cells), outer), outer, [HIGHEST_PT_GEV]]))
    inner = np.unique(np.concatenate([b.abseta for b in bins]))
    abseta = _subdivided(np.union1d([0.0, abseta_max], inner[inner < abseta_max]), size.n_abseta)
    return pt, abseta


def _placed(
    sf: EnsembleScaleFactor, flavour: str, size: DeepSFTable, edges: tuple[Floats, Floats], extra: Mapping[str, float]
) -> Floats:
    """Return nodes in logit(discriminant), dense where the scale factor bends.

    Linear interpolation is off by (distance of nodes)^2 times the second derivative: with a density of nodes that goes
    with its square root, all intervals are equally good.
    """
    ends = logit(_range(sf, flavour, "discriminant", (0.0, 1.0)))
    fine = np.linspace(ends[0], ends[1], _FINE * size.n_discriminant + 1)
    pt, abseta = (0.5 * (e[:-1] + e[1:]) for e in edges)
    values = sf.member_values(flavour, _jets(pt[1:-1], abseta, expit(fine), extra)).mean(axis=0)
    second = np.diff(values.reshape(-1, len(fine)), n=2, axis=1)
    density = np.sqrt(np.sqrt(np.mean(second**2, axis=0)))
    # an even share besides, for what the cells' centres do not see
    density = density + _EVEN_SHARE * density.mean() + np.finfo(float).tiny
    density = np.pad(density, 1, mode="edge")
    position = np.concatenate([[0.0], np.cumsum(density[1:] + density[:-1])])
    return np.interp(np.linspace(0.0, position[-1], size.n_discriminant + 1), position, fine)


def _range(sf: EnsembleScaleFactor, flavour: str, name: str, otherwise: tuple[float, float]) -> tuple[float, float]:
    """Return the widest range that members clip an input to; what is no input may have any."""
    scalings = [member.scalings[flavour] for member in sf.members]
    if name not in scalings[0].names:
        return otherwise
    place = scalings[0].names.index(name)
    transforms: dict[str, Callable[[float], Any]] = {"identity": float, "log": np.exp, "logit": expit}
    back = transforms[scalings[0].transforms[place]]
    return float(back(min(s.low[place] for s in scalings))), float(back(max(s.high[place] for s in scalings)))


def _subdivided(edges: Floats, n: int) -> Floats:
    """Return edges with cells no wider than the n-th part of the whole, give or take rounding."""
    widest = (edges[-1] - edges[0]) / n
    parts = [np.linspace(low, high, int(np.ceil((high - low) / widest - 1e-9)) + 1) for low, high in pairwise(edges)]
    return np.concatenate([*(part[:-1] for part in parts), edges[-1:]])


def _without(edges: Floats, others: Floats) -> Floats:
    """Return the edges that are none of the others."""
    return edges[~np.isclose(edges[:, None], others[None, :], rtol=1e-9, atol=0.0).any(axis=1)]


def _sides(edges: Floats) -> Floats:
    """Return the two ends of each cell as seen from inside, in single precision as jets are."""
    singles = edges.astype(np.float32)
    low = np.where(singles < edges, np.nextafter(singles, np.float32(np.inf)), singles)[:-1]
    high = np.where(singles < edges, singles, np.nextafter(singles, np.float32(-np.inf)))[1:]
    return np.stack([low, high], axis=1).astype(np.float64)


def _nodes(table: EnsembleTable, systematic: int) -> Tree:
    """Return the bins in |eta|, pT and discriminant with a formula in each."""
    constant = _linear(table, table.corners[systematic])
    step = np.diff(table.node)[:, None]
    slope = np.diff(constant[..., 1:, :], axis=-2) / step
    offset = constant[..., 1:-1, :] - slope * table.node[:-1, None]
    edges = [LOWEST_DISCRIMINANT, 0.0, *expit(table.node).tolist(), HIGHEST_DISCRIMINANT]
    rows = []
    for j in range(len(table.abseta) - 1):
        cells = []
        for i in range(len(table.pt_gev) - 1):
            inside = np.concatenate([offset[i, j], slope[i, j]], axis=-1)
            pieces = [
                *(_reference(0, constant[i, j, k]) for k in (0, 1)),
                *(_reference(1, parameters) for parameters in inside),
                _reference(0, constant[i, j, -1]),
            ]
            cells.append(binning("discriminant", edges, pieces, "clamp"))
        rows.append(binning("pt", table.pt_gev.tolist(), cells, "clamp"))
    return binning("abseta", table.abseta.tolist(), rows, "error")


def _linear(table: EnsembleTable, corners: Floats) -> Floats:
    """Return coefficients of 1, z, u, uz (z = |eta|, u = log pT) by cell and score, last axis of length 4."""
    u, z = np.log(table.pt_gev), table.abseta
    u0, du = u[:-1, None, None], np.diff(u)[:, None, None]
    z0, dz = z[None, :-1, None], np.diff(z)[None, :, None]
    first = corners[:, :, 0, 0]
    along_u, along_z = (corners[:, :, 1, 0] - first) / du, (corners[:, :, 0, 1] - first) / dz
    mixed = (corners[:, :, 1, 1] - corners[:, :, 1, 0] - corners[:, :, 0, 1] + first) / (du * dz)
    of_u, of_z = along_u - mixed * z0, along_z - mixed * u0
    return np.stack([first - of_u * u0 - of_z * z0 - mixed * u0 * z0, of_z, of_u, mixed], axis=-1)


def _reference(formula: int, parameters: Floats) -> Tree:
    rounded = [float(f"{value:.{_DIGITS}g}") for value in parameters]
    return {"nodetype": "formularef", "index": formula, "parameters": rounded}
