"""Formulas as text: written, and read from whatever form files have."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.exports.formula import FormulaError, Polynomial, formula_text, generic_expression, parse


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
        ("2*(x-0.25)^3 + x^0 - -x^1/4", Polynomial((0.96875, 0.625, -1.5, 2.0))),
        ("pow(x+1, 2)-(x+1)**2+x", Polynomial((0.0, 1.0, 0.0))),
        ("-x^2", Polynomial((0.0, 0.0, -1.0))),
        ("(log(x/(1-x)))^2", Polynomial((0.0, 0.0, 1.0), 0.0, "logit")),
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


def test_powers_are_written_as_the_public_files_of_run_3_have_them():
    text = "[1]*(x+[0])^3 + [2]*(x+[0])^2 + [3]*(x+[0]) + [4]"
    read = parse(text, [-0.01, -11378.07, -7.55, 13.96, 0.885])
    assert read == Polynomial((0.885, 13.96, -7.55, -11378.07), 0.01)
    assert read.has_powers
    assert generic_expression(3, "identity", scaled=False, powers=True) == text.replace(" ", "")
    assert generic_expression(2, "identity", scaled=True, powers=True) == "[4]*([1]*(x+[0])^2+[2]*(x+[0])+[3])"
    assert "^" not in formula_text(read)  # not every reader of BTV CSV knows it


def test_a_message_stays_short_whatever_the_formula():
    with pytest.raises(FormulaError) as caught:
        parse("x*" * 100_000)
    assert len(str(caught.value)) < 200


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
        ("x^x", r"cannot read 'x \*\* x'"),
        ("x^0.5", r"cannot read 'x \*\* 0\.5'"),
        ("x^51", r"cannot read 'x \*\* 51'"),
        ("((x^50)^50)^50", "its degree is above 50"),
        ("x/0", "cannot read 'x / 0'"),
        ("1e999*x", "it has a number that is not finite"),
        ("1e300^2*x", "it has a number that is not finite"),
        ("1" + "0" * 400, "int too large to convert to float"),
        ("1" + "0" * 5000, "not an expression"),
        ("(" * 5000 + "x" + ")" * 5000, "not an expression"),
        ("-" * 100_000 + "x", "not an expression"),
        ("x" + "+x" * 5000, "maximum recursion depth exceeded|not an expression"),
        ("x\0", "not an expression"),
    ],
)
def test_what_is_no_polynomial_is_refused_with_its_text(text, message):
    with pytest.raises(FormulaError, match=message):
        parse(text)
