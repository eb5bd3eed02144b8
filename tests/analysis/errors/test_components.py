"""Errors as named shifts: together they are the errors, each once."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.errors.cells import ErrorCells
from deepsf.errors.components import named_shifts, statistical_components
from deepsf.errors.method_errors import MethodErrors, Refits
from deepsf.probes.inclusive import InclusiveJets
from tests.analysis.errors.constant import ensemble, jets, member

FLOOR = ErrorCells(np.array([100.0]), np.array([0.5]), np.full(2, 0.02), np.full((2, 2), -0.01))
SCORES = np.linspace(0.0, 1.0, 50)


def errors(n_bootstraps=8, shifted=None) -> MethodErrors:
    """Return S = 1 with bootstraps that move level and slope."""
    rng = np.random.default_rng(3)
    bootstraps = tuple(
        member(float(level), float(slope))
        for level, slope in zip(rng.normal(1.0, 0.05, n_bootstraps), rng.normal(0.0, 0.1, n_bootstraps), strict=True)
    )
    refits = Refits(bootstraps, None if shifted is None else member(1.0), shifted or {})
    return MethodErrors(ensemble(0.99, 1.01), refits, {"b": FLOOR, "udsg": FLOOR}, extrapolation=0.0)


def samples():
    return {f: InclusiveJets(np.arange(50), np.ones(50), jets(SCORES)) for f in ("b", "udsg")}


def test_two_directions_take_two_components_and_all_of_the_variance():
    made = errors()
    components = statistical_components(made, samples(), share=0.9999)
    assert len(components.coefficients) == 2
    assert min(components.carried.values()) > 0.9999


def test_components_and_the_rest_are_the_bootstraps_and_the_floor():
    made, at = errors(), jets([0.05, 0.4, 0.9])
    spread = made.at("b", at).replicas.std(axis=0, ddof=1)
    components = statistical_components(made, samples(), share=0.5)
    assert len(components.coefficients) == 1
    shifted = named_shifts(made, "b", at, components)
    squares = sum((shifted[name] - shifted["nominal"]) ** 2 for name in ("stat1_up", "statrest_up"))
    np.testing.assert_allclose(np.sqrt(squares), np.hypot(spread, 0.02), rtol=1e-6)


def test_each_error_is_there_once_and_goes_both_ways():
    made = errors(shifted={"lf_up": member(1.1), "lf_down": member(0.8)})
    shifted = named_shifts(made, "b", jets([0.4]), statistical_components(made, samples()))
    sources = {name.rsplit("_", 1)[0] for name in shifted if name != "nominal"}
    assert sources - {f"stat{k}" for k in range(1, 9)} == {"statrest", "train", "model", "extrapolation", "lf"}
    nominal = shifted["nominal"]
    assert shifted["model_up"] - nominal == pytest.approx(-0.01)
    assert shifted["lf_up"] / nominal == pytest.approx(1.1)
    assert shifted["lf_down"] / nominal == pytest.approx(0.8)
    assert shifted["train_up"] - nominal == pytest.approx(nominal - shifted["train_down"])


def test_a_shift_below_zero_is_zero():
    made = errors(shifted={"hf_up": member(0.01), "hf_down": member(1.0)})
    large = ErrorCells(FLOOR.pt_gev, FLOOR.score, np.full(2, 3.0), FLOOR.model)
    more = MethodErrors(made.ensemble, made.refits, {"b": large, "udsg": large}, 0.0)
    shifted = named_shifts(more, "b", jets([0.4]), statistical_components(made, samples()))
    assert shifted["statrest_down"] == 0.0
    assert shifted["statrest_up"] > 3.0


def test_without_bootstraps_there_are_no_components():
    made = errors(n_bootstraps=0)
    components = statistical_components(made, samples())
    shifted = named_shifts(made, "b", jets([0.4]), components)
    assert shifted["statrest_up"] - shifted["nominal"] == pytest.approx(0.02)
    assert not any(name.startswith("stat1") for name in shifted)
