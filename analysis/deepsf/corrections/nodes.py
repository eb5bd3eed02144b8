"""Trees of corrections (correctionlib's schema, version 2): where they lead, and which values they refuse."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from deepsf.arrays import Array, Bools, Floats, Ints

Tree = dict[str, Any]
"""A correction, or a part of one, as plain lists and dictionaries."""

LONGEST_FORMULA, DEEPEST_FORMULA = 10_000, 500
"""Characters and nested parentheses of a formula; correctionlib dies of formulas that are much longer or deeper."""


class Refusal(NamedTuple):
    """Rows that an input leads nowhere for, its values there, and the values that would lead somewhere, in words."""

    input: str
    rows: Ints
    values: Array
    allowed: str


def refusals(node: Any, columns: Mapping[str, Any]) -> list[Refusal]:
    """Return the rows for which a tree has no value, by the first input that a node on the way refuses.

    Parameters
    ----------
    columns
        The inputs by name, arrays ``(n,)``, or one value for all rows.
    """
    n = max((len(values) for values in map(np.atleast_1d, columns.values())), default=1)
    inputs = {name: np.broadcast_to(np.asarray(values), n) for name, values in columns.items()}
    return list(_refusals(node, inputs, np.arange(n)))


def _refusals(node: Any, columns: Mapping[str, Array], rows: Ints) -> Iterator[Refusal]:
    kind = node.get("nodetype") if isinstance(node, Mapping) and len(rows) else None
    if kind == "category":
        yield from _of_category(node, columns, rows)
    elif kind in ("binning", "multibinning"):
        yield from _of_binning(node, columns, rows)


def _of_category(node: Tree, columns: Mapping[str, Array], rows: Ints) -> Iterator[Refusal]:
    values = columns[node["input"]][rows]
    known = np.zeros(len(rows), bool)
    for item in node["content"]:
        here = values == item["key"]
        known |= here
        yield from _refusals(item["value"], columns, rows[here])
    if node.get("default") is not None:
        yield from _refusals(node["default"], columns, rows[~known])
    elif not known.all():
        keys = ", ".join(str(item["key"]) for item in node["content"])
        yield Refusal(node["input"], rows[~known], values[~known], f"none of {keys}")


def _of_binning(node: Tree, columns: Mapping[str, Array], rows: Ints) -> Iterator[Refusal]:
    index, inside = np.zeros(len(rows), np.int64), np.ones(len(rows), bool)
    for name, edges in binned_inputs(node):
        values = columns[name][rows].astype(np.float64)
        if node["flow"] == "wrap":
            values = edges[0] + np.mod(values - edges[0], edges[-1] - edges[0])
        within: Bools = (values >= edges[0]) & (values < edges[-1])
        if node["flow"] == "error" and not within.all():
            yield Refusal(name, rows[~within], values[~within], f"outside of {edges[0]:g} to {edges[-1]:g}")
        inside &= within
        place = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
        index = index * (len(edges) - 1) + place
    if isinstance(node["flow"], Mapping):
        yield from _refusals(node["flow"], columns, rows[~inside])
    if node["flow"] in ("clamp", "wrap"):
        inside[:] = True
    for number in np.unique(index[inside]):
        yield from _refusals(node["content"][number], columns, rows[inside & (index == number)])


def binned_inputs(node: Tree) -> list[tuple[str, Floats]]:
    """Return the inputs of a binning or multibinning with their edges."""
    if node["nodetype"] == "binning":
        return [(node["input"], _edges(node["edges"]))]
    return [(name, _edges(edges)) for name, edges in zip(node["inputs"], node["edges"], strict=True)]


def _edges(stored: Any) -> Floats:
    if isinstance(stored, Mapping):
        return np.linspace(stored["low"], stored["high"], stored["n"] + 1)
    return np.array(stored, np.float64)  # infinite ones are written as text


def binnings(node: Any, chosen: Mapping[str, int | str]) -> Iterator[Tree]:
    """Yield every binning and multibinning that a tree has for the chosen categories."""
    if not isinstance(node, Mapping):
        return
    if node["nodetype"] in ("binning", "multibinning"):
        yield dict(node)
        children = [*node["content"], node["flow"]]
    elif node["nodetype"] == "category":
        items = [item["value"] for item in node["content"] if item["key"] == chosen.get(node["input"])]
        children = items or [node.get("default")]
    else:
        children = [node.get("content")]
    for child in children:
        yield from binnings(child, chosen)


def keys(node: Any, name: str) -> list[Any]:
    """Return the keys of the categories of an input, in the order of their first use."""
    if not isinstance(node, Mapping) or node["nodetype"] != "category":
        return []
    own = [item["key"] for item in node["content"]] if node["input"] == name else []
    values = [*(item["value"] for item in node["content"]), node.get("default")]
    return list(dict.fromkeys([*own, *(key for value in values for key in keys(value, name))]))


def reached(node: Any, chosen: Mapping[str, int | str]) -> Any:
    """Return what a tree has for the chosen categories, None if it has nothing."""
    while isinstance(node, Mapping) and node["nodetype"] == "category":
        values = [item["value"] for item in node["content"] if item["key"] == chosen.get(node["input"])]
        node = values[0] if values else node.get("default")
    return node


def check(tree: Tree) -> None:
    """Refuse what correctionlib takes and then evaluates to nonsense, or dies of.

    Raises
    ------
    ValueError
        If a formula lacks parameters, has some that are no numbers, or is too long; or a multibinning lacks edges.
    """
    formulas = tree.get("generic_formulas") or []
    for formula in formulas:
        _check_formula(formula["expression"])
    _check(tree["data"], formulas)


def _check(node: Any, formulas: list[Tree]) -> None:
    if not isinstance(node, Mapping):
        return
    if node["nodetype"] == "formularef":
        _check_parameters(formulas[node["index"]]["expression"], node["parameters"])
    elif node["nodetype"] == "formula":
        _check_formula(node["expression"])
        _check_parameters(node["expression"], node.get("parameters") or [])
    elif node["nodetype"] == "lwtnn":
        _check(node["finalizer"], formulas)
    elif node["nodetype"] == "multibinning" and len(node["edges"]) != len(node["inputs"]):
        raise ValueError(f"a multibinning in {', '.join(node['inputs'])} has edges of {len(node['edges'])} inputs")
    content = node.get("content")
    children = content if isinstance(content, list) else [content]
    for child in [*children, node.get("flow"), node.get("default"), node.get("rule")]:
        _check(child["value"] if isinstance(child, Mapping) and "key" in child else child, formulas)


def _check_formula(expression: str) -> None:
    depth = deepest = 0
    for character in expression:
        depth += (character == "(") - (character == ")")
        deepest = max(deepest, depth)
    if len(expression) > LONGEST_FORMULA or deepest > DEEPEST_FORMULA:
        raise ValueError(
            f"formula {expression[:40]}... has {len(expression)} characters and {deepest} nested parentheses; at most "
            f"{LONGEST_FORMULA} and {DEEPEST_FORMULA} are read"
        )


def _check_parameters(expression: str, parameters: Any) -> None:
    wanted = 1 + max((int(number) for number in re.findall(r"\[(\d+)\]", expression)), default=-1)
    if len(parameters) < wanted:
        raise ValueError(f"formula {expression!r} takes {wanted} parameters, got {len(parameters)}")
    strange = [value for value in parameters if isinstance(value, bool) or not isinstance(value, int | float)]
    if strange:
        raise ValueError(f"formula {expression!r} has the parameter {strange[0]!r}, which is no number")
