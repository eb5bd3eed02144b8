"""Formulas as text: written, and read from whatever form files have."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.exports.formula import Polynomial, formula_text, generic_expression
from tests.oracles.formula import FormulaError, parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.0", Polynomial((1.0,))),
        ("0.86+0.83*x", Polynomial((0.86, 0.83))),
        ("2.0992+-2.21118*x", Polynomial((2.0992, -2.21118))),
        ("-5*(x-0.25)*(x-0.25)+2*(x-0.25)-1", Polynomial((-1.0, 2.0, -5.0), 0.25)),
        ("1+x*(2+x*(-3+x*-4))", Polynomial((1.0, 2.0, -3.0, -4.0))),
        ("3*(log(x/(1-x))+0.5)+1", Polynomial((1.0, 3.0), -0.5, "logit")),
        ("0.5*(1+(x-2)*(3))", Polynomial((0.5, 1.5), 2.0)),
    ],
)
def test_formulas_are_read_as_they_are_written(text, expected):
    assert parse(text) == expected


def test_the_generic_formula_of_the_public_files_is_written_and_read():
    text = generic_expression(3, "identity", scaled=False)
    assert text == "[1]*(x+[0])*(x+[0])*(x+[0])+[2]*(x+[0])*(x+[0])+[3]*(x+[0])+[4]"
    assert parse(text, [-0.01, -11378.07, -7.55, 13.96, 0.885]) == Polynomial((0.885, 13.96, -7.55, -11378.07), 0.01)


@pytest.mark.parametrize("space", ["identity", "logit"])
@pytest.mark.parametrize("degree", [0, 1, 3, 6])
@pytest.mark.parametrize("scale", [1.0, 0.9625])
def test_text_survives_being_read(space, degree, scale):
    rng = np.random.default_rng(degree)
    written = Polynomial(tuple(rng.normal(size=degree + 1)), -0.37, space)
    read = parse(formula_text(written, scale))
    np.testing.assert_allclose(read.coefficient, scale * np.array(written.coefficient), rtol=1e-15)
    if degree:
        assert (read.origin, read.space) == (-0.37, space)
    if scale == 1.0 and degree:
        assert read == written


def test_terms_about_different_points_are_added_right():
    read = parse("2*(x-1)*(x-1)+3*(x-2)")  # 2x^2 - x - 4
    x = np.linspace(-1, 3, 9)
    values = np.polynomial.polynomial.polyval(x - read.origin, read.coefficient)
    np.testing.assert_allclose(values, 2 * x**2 - x - 4, atol=1e-12)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1/x", "cannot read '1 / x'"),
        ("exp(x)", r"cannot read 'exp\(x\)'"),
        ("x+log(x/(1-x))*2+x*log(x/(1-x))", "it mixes x and log"),
        ("1+", "not an expression"),
        ("[0]*x", r"cannot read 'p\[0\]'"),
        ("__import__('os')", "cannot read"),
    ],
)
def test_what_is_no_polynomial_is_refused_with_its_text(text, message):
    with pytest.raises(FormulaError, match=message):
        parse(text)
