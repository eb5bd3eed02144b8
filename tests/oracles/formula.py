"""Formulas of scale-factor files, read from whatever form they have: polynomials in the discriminant or its logit."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from deepsf.exports.formula import Polynomial, Space


class FormulaError(ValueError):
    """A formula that is not a polynomial in x or log(x/(1-x))."""


def parse(expression: str, values: Sequence[float] = ()) -> Polynomial:
    """Return the polynomial that a formula of ``x`` is; ``values`` are its parameters ``[0]``, ``[1]``, ...

    Raises
    ------
    FormulaError
        If it is something else.
    """
    try:
        result = _evaluate(_tree(expression), values)
    except FormulaError as error:
        raise FormulaError(f"formula {expression!r}: {error}; only polynomials of x or log(x/(1-x)) are read") from None
    return Polynomial(result.coefficient, result.origin or 0.0, result.space or "identity")


@functools.lru_cache(maxsize=64)
def _tree(expression: str) -> ast.expr:
    try:
        return ast.parse(re.sub(r"\[(\d+)\]", r"p[\1]", expression.strip()), mode="eval").body
    except SyntaxError:
        raise FormulaError("not an expression") from None


@dataclass(frozen=True)
class _Term:
    """A polynomial about ``origin``; a number has no origin and no space."""

    coefficient: tuple[float, ...]
    origin: float | None = None
    space: Space | None = None


def _evaluate(node: ast.expr, values: Sequence[float]) -> _Term:
    match node:
        case ast.Constant(value=int() | float() as number):
            return _Term((float(number),))
        case ast.Name(id="x"):
            return _Term((0.0, 1.0), 0.0, "identity")
        case ast.Subscript(value=ast.Name(id="p"), slice=ast.Constant(value=int() as index)) if index < len(values):
            return _Term((float(values[index]),))
        case ast.Call(func=ast.Name(id="log"), args=[ast.BinOp(op=ast.Div(), left=top, right=bottom)]):
            # log(x/(1-x)), whatever the parentheses
            if ast.unparse(top) == "x" and ast.unparse(bottom) == "1 - x":
                return _Term((0.0, 1.0), 0.0, "logit")
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=operand):
            inner = _evaluate(operand, values)
            return inner if isinstance(sign, ast.UAdd) else _scaled(inner, -1.0)
        case ast.BinOp(left=left, op=operation, right=right) if type(operation) in _OPERATIONS:
            return _OPERATIONS[type(operation)](_evaluate(left, values), _evaluate(right, values))
    raise FormulaError(f"cannot read {ast.unparse(node)!r}")


def _scaled(term: _Term, factor: float) -> _Term:
    return _Term(tuple(factor * c for c in term.coefficient), term.origin, term.space)


def _added(left: _Term, right: _Term) -> _Term:
    if left.origin is None and right.origin is None:
        return _Term((left.coefficient[0] + right.coefficient[0],))
    for number, other in ((left, right), (right, left)):
        if number.origin is None and other.coefficient == (0.0, 1.0):
            # x - c: from here on counted from c, which keeps the coefficients as they are written
            assert other.origin is not None
            if other.origin == 0.0:
                return _Term((0.0, 1.0), -number.coefficient[0], other.space)
    left, right = _aligned(left, right)
    pairs = zip_longest(left.coefficient, right.coefficient, fillvalue=0.0)
    return _Term(tuple(a + b for a, b in pairs), left.origin, left.space)


def _multiplied(left: _Term, right: _Term) -> _Term:
    for number, other in ((left, right), (right, left)):
        if number.origin is None:
            return _scaled(other, number.coefficient[0])
    left, right = _aligned(left, right)
    product = [0.0] * (len(left.coefficient) + len(right.coefficient) - 1)
    for i, a in enumerate(left.coefficient):
        for j, b in enumerate(right.coefficient):
            product[i + j] += a * b
    return _Term(tuple(product), left.origin, left.space)


def _aligned(left: _Term, right: _Term) -> tuple[_Term, _Term]:
    """Return both about the same origin: that of either if the other is a number, else of both or 0."""
    space = left.space or right.space
    if left.space and right.space and left.space != right.space:
        raise FormulaError("it mixes x and log(x/(1-x))")
    origins = {term.origin for term in (left, right) if term.origin is not None}
    origin = origins.pop() if len(origins) == 1 else 0.0
    return _about(left, origin, space), _about(right, origin, space)


def _about(term: _Term, origin: float, space: Space | None) -> _Term:
    if term.origin is None or term.origin == origin:
        return _Term(term.coefficient, origin, space)
    # Horner with (t - old) = (t - new) + (new - old)
    shift, result = origin - term.origin, [0.0]
    for c in reversed(term.coefficient):
        raised = [0.0, *result]
        result = [a + shift * b for a, b in zip_longest(raised, result, fillvalue=0.0)]
        result[0] += c
    return _Term(tuple(result[: len(term.coefficient)]), origin, space)


_OPERATIONS: dict[type[ast.operator], Callable[[_Term, _Term], _Term]] = {
    ast.Add: _added,
    ast.Sub: lambda left, right: _added(left, _scaled(right, -1.0)),
    ast.Mult: _multiplied,
}
