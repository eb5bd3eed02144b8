"""Trees of corrections: where they lead and what they refuse, the same as correctionlib's evaluator."""

from __future__ import annotations

import json
import re

import correctionlib
import numpy as np
import pytest

from deepsf.corrections.nodes import binnings, check, keys, reached, refusals
from tests.analysis.run3_table import FORMULA, binning, category, tree

DATA = tree()["data"]
JETS = {
    "abseta": np.array([0.5, 2.5, 0.5, 0.5, 0.5]),
    "pt": np.array([30.0, 30.0, 5.0, 1e6, 30.0]),
    "discriminant": np.array([0.5, 0.5, 0.5, -1.0, 1.1]),
}


def found(node, columns):
    return [(r.input, r.rows.tolist(), r.values.tolist(), r.allowed) for r in refusals(node, columns)]


def test_a_row_is_refused_by_the_first_input_on_its_way():
    columns = {"systematic": "central", "flavor": np.full(5, 5), **JETS}
    # beyond the edges in pT the flow is a table of its own, which refuses a score as the others do
    assert found(DATA, columns) == [
        ("abseta", [1], [2.5], "outside of 0 to 2.5"),
        ("discriminant", [3], [-1.0], "outside of 0 to 1.1"),
        ("discriminant", [4], [1.1], "outside of 0 to 1.1"),
    ]
    columns |= {"flavor": np.array([5, 4, 21, 0, 4]), "abseta": 0.1}
    assert found(DATA, {**columns, "systematic": "up_cferr1"}) == [
        ("discriminant", [4], [1.1], "outside of 0 to 1.1"),
        ("flavor", [0, 2, 3], [5, 21, 0], "none of 4"),
    ]
    assert found(DATA, {**columns, "systematic": "up_x"}) == [
        ("systematic", [0, 1, 2, 3, 4], ["up_x"] * 5, "none of central, up_hf, up_cferr1")
    ]


MULTI = {
    "nodetype": "multibinning",
    "inputs": ["pt", "abseta"],
    "edges": [[0.0, 50.0, 100.0], {"n": 2, "low": 0.0, "high": 2.0}],
}
FLOWS = ["clamp", "error", "wrap", 7.0, binning("pt", [0, 500], [1.5], "error")]


@pytest.mark.parametrize("flow", FLOWS, ids=str)
@pytest.mark.parametrize("kind", ["binning", "multibinning"])
def test_refusals_are_those_of_the_evaluator(kind, flow):
    inner = binning("abseta", [0, "inf"], [2.0], "error")
    node = binning("pt", [10, 50, 100], [1.0, inner], flow)
    if kind == "multibinning":
        node = {**MULTI, "content": [1.0, inner, 3.0, 4.0], "flow": flow}
    node = category("flavor", {1: node}) | {"default": 0.5}
    values = {"real": ("pt", "abseta"), "int": ("flavor",)}
    inputs = [{"name": name, "type": kind} for kind, names in values.items() for name in names]
    stored = {"name": "a", "version": 1, "inputs": inputs, "output": {"name": "w", "type": "real"}, "data": node}
    text = json.dumps({"schema_version": 2, "corrections": [stored]})
    correction = correctionlib.CorrectionSet.from_string(text)["a"]
    rng = np.random.default_rng(1)
    columns = {"pt": rng.uniform(-100, 700, 500), "abseta": rng.uniform(-1, 3, 500), "flavor": rng.integers(1, 3, 500)}
    columns["pt"][:100] = rng.choice([0.0, 10.0, 50.0, 100.0], 100)
    refused = {row for refusal in refusals(node, columns) for row in refusal.rows.tolist()}
    assert refused == {row for row in range(500) if not evaluates(correction, {n: v[row] for n, v in columns.items()})}
    assert len(refused) < 400


def evaluates(correction, row):
    try:
        correction.evaluate(float(row["pt"]), float(row["abseta"]), int(row["flavor"]))
    except (IndexError, RuntimeError):
        return False
    return True


def test_categories_lead_to_what_they_hold_in_any_order():
    assert keys(DATA, "systematic") == ["central", "up_hf", "up_cferr1"]
    assert keys(DATA, "flavor") == [0, 4, 5]
    assert reached(DATA, {"systematic": "up_cferr1", "flavor": 5}) is None
    turned = category("flavor", {5: category("systematic", {"central": 1.0, "up": 2.0}) | {"default": 3.0}, 4: 4.0})
    assert keys(turned, "systematic") == ["central", "up"]
    expected = {("central", 5): 1.0, ("down", 5): 3.0, ("up", 4): 4.0, ("up", 0): None}
    for (systematic, flavour), value in expected.items():
        assert reached(turned, {"systematic": systematic, "flavor": flavour}) == value


def test_binnings_are_those_of_the_chosen_categories_flow_and_nested_ones_included():
    variables = [node["input"] for node in binnings(DATA, {"systematic": "central", "flavor": 5})]
    # three curves of two binnings: two bins in pT, and their flow
    assert variables == ["abseta", "pt", *["discriminant", "discriminant"] * 3]


def formula(expression=FORMULA, **more):
    return {
        "nodetype": "formula",
        "parser": "TFormula",
        "variables": ["discriminant"],
        "expression": expression,
        **more,
    }


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"nodetype": "formularef", "index": 0, "parameters": [1.0] * 4}, "takes 5 parameters, got 4"),
        (formula(), "takes 5 parameters, got 0"),
        (formula("[0]*x", parameters=["x"]), "has the parameter 'x', which is no number"),
        (formula("[0]*x", parameters=[[1.0]]), "has the parameter [1.0], which is no number"),
        (formula("[0]*x", parameters=[True]), "has the parameter True, which is no number"),
        (formula("(" * 501 + "x" + ")" * 501), "1003 characters and 501 nested parentheses; at most 10000 and 500"),
        (formula("x" + "+x" * 5000), "has 10001 characters"),
        ({**MULTI, "edges": [], "content": [1.0], "flow": "clamp"}, "multibinning in pt, abseta has edges of 0 inputs"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("wrapped", [False, True])
def test_what_correctionlib_dies_of_or_takes_for_numbers_is_refused(data, message, wrapped):
    """correctionlib 2.9: a segmentation fault for the first and the long ones, other numbers for the rest."""
    if wrapped:
        inner = binning("pt", [0, 1], [1.0], category("flavor", {5: 1.0}) | {"default": data})
        data = category("flavor", {5: binning("abseta", [0, 1], [inner], "error")})
    with pytest.raises(ValueError, match=re.escape(message)):
        check(tree(data=data))
    check(tree())
