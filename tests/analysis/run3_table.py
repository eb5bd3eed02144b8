"""A small shape correction in the form of the public files of run 3: powers, tables that begin at 0, nested bins."""

from __future__ import annotations

NAME = "particleNet_shape"
INPUTS = {"systematic": "string", "flavor": "int", "abseta": "real", "pt": "real", "discriminant": "real"}
FORMULA = "[1]*(x+[0])^3 + [2]*(x+[0])^2 + [3]*(x+[0]) + [4]"
PARAMETERS = [-0.2, 2.5, -1.5, 0.75, 0.9]


def binning(variable, edges, content, flow):
    edges = [float(edge) for edge in edges]
    return {"nodetype": "binning", "input": variable, "edges": edges, "content": content, "flow": flow}


def category(variable, content):
    items = [{"key": key, "value": value} for key, value in content.items()]
    return {"nodetype": "category", "input": variable, "content": items}


def curve(scale):
    """0.9, then the cubic, then two constants, one inside the other; times ``scale``."""
    cubic = {"nodetype": "formularef", "index": 0, "parameters": [PARAMETERS[0], *(scale * p for p in PARAMETERS[1:])]}
    last = binning("discriminant", [0.8, 0.95, 1.1], [scale * 1.25, scale * 1.5], "error")
    return binning("discriminant", [0, 0.2, 0.8, 1.1], [scale * 0.9, cubic, last], "error")


def table(scale):
    """Below 60 GeV the curve, above twice as much; jets outside of 20 to 200 GeV belong to the last bin."""
    in_pt = binning("pt", [20, 60, 200], [curve(scale), curve(2 * scale)], curve(2 * scale))
    return binning("abseta", [0, 2.5], [in_pt], "error")


def unit():
    in_pt = binning("pt", [20, 10000], [binning("discriminant", [0, 1.1], [1.0], "error")], "clamp")
    return binning("abseta", [0, 2.5], [in_pt], "error")


def tree(inputs=tuple(INPUTS), data=None):
    """Return the correction; ``inputs`` gives their order."""
    by_systematic = {
        "central": category("flavor", {0: table(0.9), 4: unit(), 5: table(1.0)}),
        "up_hf": category("flavor", {0: table(0.8), 5: table(1.1)}),
        "up_cferr1": category("flavor", {4: unit()}),
    }
    return {
        "name": NAME,
        "version": 1,
        "inputs": [{"name": name, "type": INPUTS[name]} for name in inputs],
        "output": {"name": "weight", "type": "real"},
        "generic_formulas": [
            {"nodetype": "formula", "expression": FORMULA, "parser": "TFormula", "variables": ["discriminant"]}
        ],
        "data": category("systematic", by_systematic) if data is None else data,
    }


def cubic(score):
    """Return the value of the cubic by hand."""
    t = score - 0.2
    return 2.5 * t**3 - 1.5 * t**2 + 0.75 * t + 0.9
