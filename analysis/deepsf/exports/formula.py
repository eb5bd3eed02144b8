"""Formulas of scale-factor files: polynomials in the discriminant or its logit, written as TFormula text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Space = Literal["logit", "identity"]
_SYMBOL = {"identity": "x", "logit": "log(x/(1-x))"}


@dataclass(frozen=True)
class Polynomial:
    """``sum_k coefficient[k] (t - origin)^k`` with t = x, or t = log(x / (1 - x)) in the space ``logit``."""

    coefficient: tuple[float, ...]
    origin: float = 0.0
    space: Space = "identity"

    @property
    def degree(self) -> int:
        """Degree as written, leading zeros included."""
        return len(self.coefficient) - 1


def generic_expression(degree: int, space: Space, *, scaled: bool) -> str:
    """Return the text with parameters ``[0]`` = -origin, ``[1]`` to ``[degree + 1]`` = coefficients, highest first.

    ``scaled`` puts a factor in front, the last parameter. In the discriminant itself the text is that of the public
    CMS files, term by term, so that their values come out to the last bit; in the logit it calls log least often.
    """
    shifted = f"({_SYMBOL[space]}+[0])"
    constant = f"[{degree + 1}]"
    if space == "identity":
        terms = [f"[{k + 1}]" + f"*{shifted}" * (degree - k) for k in range(degree)]
        text = "+".join([*terms, constant])
    else:
        text = "[1]"
        for k in range(1, degree + 1):
            text = f"({text}*{shifted}+[{k + 1}])"
    return f"[{degree + 2}]*({text})" if scaled else text


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
