"""Formulas of scale-factor files: polynomials in the discriminant or its logit, written and read as TFormula text."""

from __future__ import annotations

import ast
import functools
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Literal

Space = Literal["logit", "identity"]
_SYMBOL = {"identity": "x", "logit": "log(x/(1-x))"}

_HIGHEST_DEGREE = 50
_SHOWN = 80


class FormulaError(ValueError):
    """A formula that is not a polynomial in x or log(x/(1-x)), or one that cannot be read."""


@dataclass(frozen=True)
class Polynomial:
    """``sum_k coefficient[k] (t - origin)^k`` with t = x, or t = log(x / (1 - x)) in the space ``logit``.

    Public files write powers as products (run 2) or with ``^`` (run 3, ``has_powers``); their last bits differ.
    """

    coefficient: tuple[float, ...]
    origin: float = 0.0
    space: Space = "identity"
    has_powers: bool = field(default=False, compare=False)

    @property
    def degree(self) -> int:
        """Degree as written, leading zeros included."""
        return len(self.coefficient) - 1


def generic_expression(degree: int, space: Space, *, scaled: bool, powers: bool = False) -> str:
    """Return the text with parameters ``[0]`` = -origin, ``[1]`` to ``[degree + 1]`` = coefficients, highest first.

    ``scaled`` puts a factor in front, the last parameter; ``powers`` writes ``^``. In the discriminant itself the text
    is that of the public CMS files, term by term, so that their values come out to the last bit; in the logit it calls
    log least often.
    """
    shifted = f"({_SYMBOL[space]}+[0])"
    constant = f"[{degree + 1}]"
    if space == "identity":
        terms = [f"[{k + 1}]" + _power(shifted, degree - k, powers) for k in range(degree)]
        text = "+".join([*terms, constant])
    else:
        text = "[1]"
        for k in range(1, degree + 1):
            text = f"({text}*{shifted}+[{k + 1}])"
    return f"[{degree + 2}]*({text})" if scaled else text


def _power(base: str, exponent: int, powers: bool) -> str:
    return f"*{base}^{exponent}" if powers and exponent > 1 else f"*{base}" * exponent


def parameters(polynomial: Polynomial, scale: float = 1.0) -> list[float]:
    """Return the parameters of `generic_expression`; the factor comes last unless it is 1."""
    values = [-polynomial.origin, *reversed(polynomial.coefficient)]
    return values if scale == 1.0 else [*values, scale]


def formula_text(polynomial: Polynomial, scale: float = 1.0) -> str:
    """Return a formula with its numbers in place, to the last digit."""
    if polynomial.degree == 0:
        return repr(float(scale * polynomial.coefficient[0]))
    generic = generic_expression(polynomial.degree, polynomial.space, scaled=scale != 1.0)
    values = [repr(float(v)) for v in parameters(polynomial, scale)]
    text = re.sub(r"\[(\d+)\]", lambda match: values[int(match[1])], generic)
    return text.replace("+-", "-")


def parse(expression: str, values: Sequence[float] = ()) -> Polynomial:
    """Return the polynomial that a formula of ``x`` is; ``values`` are its parameters ``[0]``, ``[1]``, ...

    Sums, products, whole powers (``^``, ``**`` and ``pow``) and division by numbers are understood.

    Raises
    ------
    FormulaError
        If it is something else, or too large or deep to be read.
    """
    try:
        result = _evaluate(_tree(expression), values)
        if not all(map(math.isfinite, (*result.coefficient, result.origin or 0.0))):
            raise FormulaError("it has a number that is not finite")
    except (FormulaError, OverflowError, RecursionError) as error:
        shown = expression if len(expression) <= _SHOWN else f"{expression[:_SHOWN]}..."
        raise FormulaError(f"formula {shown!r}: {error}; only polynomials of x or log(x/(1-x)) are read") from None
    return Polynomial(result.coefficient, result.origin or 0.0, result.space or "identity", "^" in expression)


@functools.lru_cache(maxsize=64)
def _tree(expression: str) -> ast.expr:
    python = re.sub(r"\[(\d+)\]", r"p[\1]", expression.strip()).replace("^", "**")
    try:
        return ast.parse(python, mode="eval").body
    except (MemoryError, RecursionError, SyntaxError, ValueError):
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
        case (
            ast.BinOp(left=base, op=ast.Pow(), right=ast.Constant(value=int() as power))
            | ast.Call(func=ast.Name(id="pow"), args=[base, ast.Constant(value=int() as power)])
        ) if power <= _HIGHEST_DEGREE:
            return functools.reduce(_multiplied, [_evaluate(base, values)] * power, _Term((1.0,)))
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            divisor = _evaluate(right, values)
            if divisor.origin is None and divisor.coefficient[0]:
                return _mapped(_evaluate(left, values), lambda c: c / divisor.coefficient[0])
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=operand):
            inner = _evaluate(operand, values)
            return inner if isinstance(sign, ast.UAdd) else _scaled(inner, -1.0)
        case ast.BinOp(left=left, op=operation, right=right) if type(operation) in _OPERATIONS:
            return _OPERATIONS[type(operation)](_evaluate(left, values), _evaluate(right, values))
    raise FormulaError(f"cannot read {ast.unparse(node)!r}")


def _mapped(term: _Term, function: Callable[[float], float]) -> _Term:
    return _Term(tuple(map(function, term.coefficient)), term.origin, term.space)


def _scaled(term: _Term, factor: float) -> _Term:
    return _mapped(term, lambda c: factor * c)


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
    if len(left.coefficient) + len(right.coefficient) > _HIGHEST_DEGREE + 2:
        raise FormulaError(f"its degree is above {_HIGHEST_DEGREE}")
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
