"""An ensemble of networks as a correctionlib table: linear in log(pT), |eta| and logit(discriminant) in every cell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import expit

from deepsf.arrays import Floats
from deepsf.config.exports import DeepSFTable
from deepsf.corrections.nodes import Tree
from deepsf.exports.bilinear import bilinear_coefficients
from deepsf.exports.corrections import RANGE_POLICY, SHAPE_OUTPUT, Label, binning, category, shape_inputs
from deepsf.exports.correlations import correlation_text
from deepsf.exports.shape_correction import shifts_of
from deepsf.exports.shapes import HIGHEST_DISCRIMINANT, HIGHEST_PT_GEV, LOWEST_DISCRIMINANT
from deepsf.exports.systematics import CENTRAL, NOMINAL, source_of, systematic_of
from deepsf.jets import INVALID
from deepsf.networks.scale_factor import EnsembleScaleFactor
from deepsf.probes.entries import Jets, logit

_LOWEST_PT_GEV = 1.0
_DIGITS = 6
_FINE, _EVEN_SHARE = 6, 0.3
_VARIABLES = ("discriminant", "pt", "abseta")  # x, y, z of the formulas
_LINEAR = "([0]+[1]*z)+log(y)*([2]+[3]*z)"
_TRILINEAR = f"({_LINEAR})+log(x/(1-x))*(([4]+[5]*z)+log(y)*([6]+[7]*z))"


@dataclass(frozen=True)
class EnsembleTable:
    """One flavour: nodes in pT, |eta| and logit of the discriminant, and values there.

    ``values`` has the shape (n_shifts, n_pt, n_abseta, 1 + n_node), shifts in the order of ``shifts``; of the scores
    the invalid one is first, then come the nodes.
    """

    shifts: tuple[str, ...]
    pt_gev: Floats
    abseta: Floats
    node: Floats
    values: Floats

    @property
    def central(self) -> EnsembleTable:
        """The table of the first shift alone, the nominal one."""
        return replace(self, shifts=self.shifts[:1], values=self.values[:1])


def ensemble_table(
    sf: EnsembleScaleFactor,
    flavour: str,
    size: DeepSFTable,
    shifted: Callable[[Jets], Mapping[str, Floats]] | None = None,
    *,
    abseta_max: float,
    extra: Mapping[str, float] | None = None,
) -> EnsembleTable:
    """Return the scale factor under every shift at the nodes.

    Parameters
    ----------
    sf
        Gives the nodes.
    shifted
        Scale factors of n jets by shift, ``(n,)``; by default the ensemble's mean, ``nominal``, alone.
    abseta_max
        Where the table ends.
    extra
        Value of each extra input of the networks, the same in the whole table.
    """
    pt, abseta = _nodes_of(sf, flavour, size, abseta_max)
    node = _placed(sf, flavour, size, (pt, abseta), extra or {})
    scores = np.concatenate([[INVALID], expit(node)])
    jets = _jets(pt, abseta, scores, extra or {})
    values = {NOMINAL: sf.member_values(flavour, jets).mean(axis=0)} if shifted is None else shifted(jets)
    stacked = np.stack(list(values.values())).reshape(len(values), len(pt), len(abseta), len(scores))
    return EnsembleTable(tuple(values), pt, abseta, node, stacked)


def ensemble_correction(tables: Mapping[int, EnsembleTable | None], binned: Tree, label: Label, statement: str) -> Tree:
    """Return the correction.

    A flavour without a table has scale factor 1, and the shifts that it has in the correction of binned ones.

    Parameters
    ----------
    tables
        By hadron-flavour code.
    binned
        The shape correction of the binned scale factors (`deepsf.exports.shape_correction`).
    statement
        What the scale factors and their errors are, for the description.
    """
    nodes: dict[str, dict[int, Any]] = {}
    formulas = binned["generic_formulas"]
    for code, table in sorted(tables.items()):
        if table is None:
            nodes.setdefault(CENTRAL, {})[code] = 1.0
            for systematic, node in shifts_of(binned, code).items():
                nodes.setdefault(systematic, {})[code] = node
            continue
        for number, shift in enumerate(table.shifts):
            nodes.setdefault(systematic_of(shift), {})[code] = _nodes(table, number, len(formulas))
    sources = [source for source in dict.fromkeys(map(source_of, nodes)) if source != CENTRAL]
    text = (
        f"{label.head()} {label.text} {statement} A systematic that a flavour does not have raises an error: use its "
        f"central value there. {correlation_text(sources, label.correlated)} Range: {RANGE_POLICY}"
    )
    return {
        "name": label.name,
        "description": " ".join(text.split()),
        "version": 1,
        "inputs": shape_inputs("central, or up_ or down_ and a source", label.branch),
        "output": SHAPE_OUTPUT,
        "generic_formulas": [
            *formulas,
            *(
                {"nodetype": "formula", "parser": "TFormula", "variables": [*_VARIABLES], "expression": f}
                for f in (_LINEAR, _TRILINEAR)
            ),
        ],
        "data": category("systematic", {name: category("flavor", by_code) for name, by_code in nodes.items()}),
    }


def _jets(pt_gev: Floats, abseta: Floats, discriminant: Floats, extra: Mapping[str, float]) -> Jets:
    grid = np.meshgrid(pt_gev, abseta, discriminant, indexing="ij")
    pt, eta, scores = (axis.ravel().astype(np.float32) for axis in grid)
    extra_inputs = {name: np.full(len(pt), value, np.float32) for name, value in extra.items()}
    return Jets(pt, eta, scores, np.zeros(len(pt), np.int8), extra_inputs)


def _nodes_of(sf: EnsembleScaleFactor, flavour: str, size: DeepSFTable, abseta_max: float) -> tuple[Floats, Floats]:
    """Return nodes in pT and |eta|.

    Beyond the range that inputs are clipped to, the networks are constant: there lie outer cells of their own.
    """
    low, high = _range(sf, flavour, "pt", (20.0, 1000.0))
    inner = np.geomspace(low, high, size.n_pt + 1)
    return np.concatenate([[_LOWEST_PT_GEV], inner, [HIGHEST_PT_GEV]]), np.linspace(0.0, abseta_max, size.n_abseta + 1)


def _placed(
    sf: EnsembleScaleFactor, flavour: str, size: DeepSFTable, nodes: tuple[Floats, Floats], extra: Mapping[str, float]
) -> Floats:
    """Return nodes in logit(discriminant), dense where the scale factor bends.

    Linear interpolation is off by (distance of nodes)^2 times the second derivative: with a density of nodes that goes
    with its square root, all intervals are equally good.
    """
    ends = logit(_range(sf, flavour, "discriminant", (0.0, 1.0)))
    fine = np.linspace(ends[0], ends[1], _FINE * size.n_discriminant + 1)
    pt, abseta = (0.5 * (of_axis[:-1] + of_axis[1:]) for of_axis in nodes)
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


def _nodes(table: EnsembleTable, shift: int, first: int) -> Tree:
    """Return the bins in |eta|, pT and discriminant with a formula in each; ``first`` is the number of the first."""
    constant = bilinear_coefficients(np.log(table.pt_gev), table.abseta, table.values[shift])
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
                *(_reference(first, constant[i, j, k]) for k in (0, 1)),
                *(_reference(first + 1, parameters) for parameters in inside),
                _reference(first, constant[i, j, -1]),
            ]
            cells.append(binning("discriminant", edges, pieces, "clamp"))
        rows.append(binning("pt", table.pt_gev.tolist(), cells, "clamp"))
    return binning("abseta", table.abseta.tolist(), rows, "error")


def _reference(formula: int, parameters: Floats) -> Tree:
    rounded = [float(f"{value:.{_DIGITS}g}") for value in parameters]
    return {"nodetype": "formularef", "index": formula, "parameters": rounded}
