"""A member's networks as a correctionlib correction, with the values that it has itself.

Networks are nodes ``lwtnn``, which correctionlib has since 2.9; older versions refuse the whole file. What a member
does before and after its network is the tree around it:

    category(systematic), category(flavor), binning(abseta), binning(pt), binning(discriminant)    bad numbers: errors
      transform(discriminant := transform(inputs := scaled inputs) lwtnn)                          S, not normalised
        multibinning(pt, abseta): discriminant / divisor

A ``transform`` stores a value in place of an input that is no longer needed, for its own branch of the tree alone: the
only way to a product of two subtrees. The flag of invalid scores takes the place of the flavour. For flags of further
inputs there is none: where such an input is not valid, there is a network whose first biases have its flag in them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from scipy.special import expit

from deepsf.arrays import Floats
from deepsf.config.flavours import Flavour
from deepsf.corrections.nodes import Tree
from deepsf.exports.bilinear import bilinear_coefficients
from deepsf.exports.corrections import SHAPE_OUTPUT, Label, binning, category, shape_inputs
from deepsf.exports.systematics import CENTRAL
from deepsf.networks.dense import NEGATIVE_SLOPE, DenseNetwork
from deepsf.networks.jet_inputs import INVALID_FLAG, InputScaling
from deepsf.networks.scale_factor import MemberScaleFactor
from deepsf.probes.entries import LOGIT_MARGIN
from deepsf.probes.score_limits import ScoreLimits
from deepsf.probes.weights import SmoothNormalisation

NEEDS = "Needs correctionlib 2.9 or newer."
EXACT_DIGITS = 9
"""Digits that single precision has at most."""

_ABOVE_ZERO_GEV, _LARGEST = 1e-6, 1e300
_FLAG, _OUTPUT = "flavor", "log_sf"
_CLIPPED = "max([0],min([1],{x}))"
_TRANSFORMS = {"identity": "{c}", "log": "log({c})", "logit": "log({c}/(1-{c}))"}
_HELD = "max([2]+[3]*log(y),min([4]+[5]*log(y),x))"
_DIVIDED = "x/(([0]+[1]*z)+log(y)*([2]+[3]*z))"


def network_correction(
    member: MemberScaleFactor,
    flavours: Mapping[str, Flavour],
    label: Label,
    statement: str,
    *,
    abseta_max: float = 2.5,
    digits: int = EXACT_DIGITS,
) -> Tree:
    """Return the correction, which has the systematic ``central`` alone.

    Values are those of `MemberScaleFactor.evaluate` in double precision, where |eta| is below ``abseta_max``. Flavours
    without a network have scale factor 1, whatever further inputs are. NaN, infinite numbers, a pT that is not above 0,
    |eta| outside of the range and unknown flavours are errors.

    Parameters
    ----------
    member
        One member, or what stands for an ensemble.
    statement
        What the scale factors are, for the description.
    digits
        Of weights.
    """
    nodes: dict[int, Any] = {}
    extra: dict[str, str] = {}
    for name, flavour in flavours.items():
        node = _scale_factor(member, name, digits) if name in member.networks else 1.0
        nodes |= dict.fromkeys(flavour.hadron_flavours, _checked(node, abseta_max))
        if name in member.networks:
            extra |= _extra_descriptions(member.scalings[name])
    text = (
        f"{label.head()} {label.text} {statement} {NEEDS} Range: abseta: an error outside of 0 to {abseta_max:g}; all "
        "other inputs: moved to the range of the training. Negative discriminants are jets without a valid score and "
        "have a scale factor of their own; set NaN to -1 before."
    )
    further = [{"name": name, "type": "real", "description": about} for name, about in extra.items()]
    return {
        "name": label.name,
        "description": " ".join(text.split()),
        "version": 1,
        "inputs": [*shape_inputs("central alone", label.branch), *further],
        "output": SHAPE_OUTPUT,
        "generic_formulas": [_formula(_DIVIDED, ("discriminant", "pt", "abseta"))],
        "data": category("systematic", {CENTRAL: category("flavor", nodes)}),
    }


def _extra_inputs(scaling: InputScaling) -> list[str]:
    return [name for name in scaling.names if name not in ("pt", "abseta", "discriminant")]


def _extra_descriptions(scaling: InputScaling) -> dict[str, str]:
    """Return what is said of further inputs."""
    rules = {name: f"; below {limit:g}: not valid, set NaN to such a value" for name, limit in scaling.limits.items()}
    return {name: f"{name} of the jet{rules.get(name, '')}" for name in _extra_inputs(scaling)}


def _scale_factor(member: MemberScaleFactor, flavour: str, digits: int) -> Tree:
    scaling = member.scalings[flavour]
    return _by_validity(_extra_inputs(scaling), scaling, partial(_value, member, flavour, digits))


def _checked(node: Tree | float, abseta_max: float) -> Tree:
    """Return the node for jets of good numbers; for others there is an error."""
    node = _only("discriminant", "-inf", "inf", node)
    node = _only("pt", _ABOVE_ZERO_GEV, "inf", node)
    return _only("abseta", 0.0, abseta_max, node)


def _by_validity(
    names: Sequence[str], scaling: InputScaling, build: Callable[[frozenset[str]], Tree], invalid: Sequence[str] = ()
) -> Tree:
    """Return what is built where further inputs are valid, and, of those with a limit, where they are not."""
    if not names:
        return build(frozenset(invalid))
    *others, name = names
    valid = _by_validity(others, scaling, build, invalid)
    if name not in scaling.limits:
        return binning(name, [-_LARGEST, _LARGEST], [valid], "error")
    without = _by_validity(others, scaling, build, [*invalid, name])
    return binning(name, [-_LARGEST, scaling.limits[name], _LARGEST], [without, valid], "error")


def _value(member: MemberScaleFactor, flavour: str, digits: int, invalid: frozenset[str]) -> Tree:
    """Return the normalised scale factor where some further inputs are invalid, and all others are valid."""
    scaling, largest = member.scalings[flavour], float(member.architecture.log_sf_max)
    inside: Tree = {
        "nodetype": "lwtnn",
        "opaque": _opaque(member.networks[flavour], scaling, digits, invalid),
        "finalizer": _formula("exp(max([0],min([1],x)))", (_OUTPUT,), [-largest, largest]),
    }
    for place, name in enumerate(scaling.names):
        if name != "discriminant":
            rule = float(scaling.mean[place]) if name in invalid else _clipped(scaling, place)
            inside = _transform(name, rule, inside)
    if scaling.score_column is not None:
        # around the others: limits of the score go by the pT of the jet
        limits = member.limits.get(flavour, ScoreLimits.none())
        inside = _transform("discriminant", _score(scaling, scaling.score_column, limits), inside)
    flag = _formula(f"{INVALID_FLAG:g}*(x<0)", ("discriminant",))
    value = _transform(_FLAG, flag, inside)
    return _transform("discriminant", value, _divided(member.normalisation[flavour]))


def _only(variable: str, low: Any, high: Any, node: Tree | float) -> Tree:
    """Return the node where an input is in a range; elsewhere, and for NaN, there is an error."""
    return {"nodetype": "binning", "input": variable, "edges": [low, high], "content": [node], "flow": "error"}


def _formula(expression: str, variables: tuple[str, ...], parameters: list[float] | None = None) -> Tree:
    node: Tree = {"nodetype": "formula", "parser": "TFormula", "expression": expression, "variables": [*variables]}
    return node if parameters is None else {**node, "parameters": parameters}


def _transform(variable: str, rule: Tree | float, content: Tree) -> Tree:
    return {"nodetype": "transform", "input": variable, "rule": rule, "content": content}


def _clipped(scaling: InputScaling, place: int) -> Tree:
    """Return the formula of a transformed input, x, clipped to the fitted range."""
    return _formula(_expression(scaling, place, "x"), (scaling.names[place],), _range(scaling, place))


def _expression(scaling: InputScaling, place: int, x: str) -> str:
    return _TRANSFORMS[scaling.transforms[place]].format(c=_CLIPPED.format(x=x))


def _range(scaling: InputScaling, place: int) -> list[float]:
    """Return the fitted range in units of the input itself."""
    low, high = float(scaling.low[place]), float(scaling.high[place])
    if scaling.transforms[place] == "log":
        return [float(np.exp(low)), float(np.exp(high))]
    if scaling.transforms[place] == "logit":
        return [max(float(expit(low)), LOGIT_MARGIN), min(float(expit(high)), 1.0 - LOGIT_MARGIN)]
    return [low, high]


def _score(scaling: InputScaling, place: int, limits: ScoreLimits) -> Tree:
    """Return the transformed score, within limits that are linear in log(pT) between nodes; if invalid, its mean."""
    u = np.log(limits.pt_gev)
    lines = []
    for values, end, none in ((limits.low, limits.lowest, 0.0), (limits.high, limits.highest, 1.0)):
        line = _lines(u, values)
        ends = np.stack([values[[0, *range(len(u))]], values[[*range(len(u)), -1]]])
        # a limit at the end of the scores is none
        is_none = (ends <= end).all(axis=0) if none == 0.0 else (ends >= end).all(axis=0)
        line[is_none] = none, 0.0
        lines.append(line)
    expression, variables = _expression(scaling, place, _HELD), ("discriminant", "pt")
    formulas = [
        _formula(expression, variables, [*_range(scaling, place), *low, *high])
        for low, high in zip(lines[0].tolist(), lines[1].tolist(), strict=True)
    ]
    valid = _binned("pt", limits.pt_gev, formulas)
    return _binned("discriminant", np.array([0.0]), [float(scaling.mean[place]), valid])


def _lines(u: Floats, values: Floats) -> Floats:
    """Return offset and slope of the interpolation before, between and behind nodes, shape ``(n_nodes + 1, 2)``."""
    slope = np.concatenate([[0.0], np.diff(values) / np.diff(u), [0.0]])
    first = [0, *range(len(u))]
    return np.stack([values[first] - slope * u[first], slope], axis=1)


def _binned(variable: str, inner: Floats, content: list[Any]) -> Tree:
    edges: list[Any] = ["-inf", *inner.tolist(), "inf"]
    return {"nodetype": "binning", "input": variable, "edges": edges, "content": content, "flow": "clamp"}


def _divided(normalisation: SmoothNormalisation) -> Tree:
    """Return what is stored as the discriminant, over the divisor: linear in cells, constant beyond the nodes."""
    u, z = (
        np.concatenate([[nodes[0] - 1.0], nodes, [nodes[-1] + 1.0]])
        for nodes in (np.log(normalisation.pt_gev), normalisation.abseta)
    )
    cells = bilinear_coefficients(u, z, np.pad(normalisation.at_node, 1, mode="edge"))
    return {
        "nodetype": "multibinning",
        "inputs": ["pt", "abseta"],
        "edges": [["-inf", *nodes.tolist(), "inf"] for nodes in (normalisation.pt_gev, normalisation.abseta)],
        "content": [
            {"nodetype": "formularef", "index": 0, "parameters": cell.tolist()} for cell in cells.reshape(-1, 4)
        ],
        "flow": "clamp",
    }


def _opaque(network: DenseNetwork, scaling: InputScaling, digits: int, invalid: frozenset[str]) -> Tree:
    """Return the network in lwtnn's format: inputs (x + offset) * scale, weights (outputs, inputs) row by row.

    Flags of further inputs are no inputs of it: those of ``invalid`` are in its biases, all others are 0.
    """
    state = {name: tensor.numpy().astype(np.float64) for name, tensor in network.state_dict().items()}
    hidden = zip(state["hidden_weight"], state["hidden_bias"], strict=True)
    n_inputs = len(scaling.names) + 1
    of_flags = dict(zip(scaling.limits, state["first_weight"][n_inputs:], strict=True))
    first_bias = state["first_bias"] + INVALID_FLAG * sum(of_flags[name] for name in sorted(invalid))
    layers = [(state["first_weight"][:n_inputs], first_bias), *hidden, (state["last_weight"], state["last_bias"])]
    leaky = {"function": "leakyrelu", "alpha": NEGATIVE_SLOPE}
    scaled = [
        {"name": name, "offset": -float(mean), "scale": 1.0 / float(width)}
        for name, mean, width in zip(scaling.names, scaling.mean, scaling.width, strict=True)
    ]
    return {
        "inputs": [*scaled, {"name": _FLAG, "offset": 0.0, "scale": 1.0}],
        "layers": [
            {
                "architecture": "dense",
                "activation": "linear" if number + 1 == len(layers) else leaky,
                "weights": _rounded(weight.T, digits),
                "bias": _rounded(bias, digits),
            }
            for number, (weight, bias) in enumerate(layers)
        ],
        "outputs": [_OUTPUT],
    }


def _rounded(values: Floats, digits: int) -> list[float]:
    return [float(f"{value:.{digits}g}") for value in values.ravel()]
