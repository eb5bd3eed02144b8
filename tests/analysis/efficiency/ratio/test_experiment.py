"""The experiment on the toy: the efficiencies that it is made from, its figures, its rows, its settings."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.config import load
from deepsf.config.efficiency.ratio import EfficiencyRatio, RatioFit, TrueTagScaleFactor
from deepsf.efficiency.ratio.experiment import flavour_efficiencies, measure_on_toy, true_scale_factor
from deepsf.efficiency.toy import generate, true_efficiency
from tests.workflow.campaign import ROOT

CONFIG = load(ROOT / "configs" / "efficiency_toy.yaml")
TOY, FLAVOURS = CONFIG.efficiency.toy, CONFIG.flavours
FIT = RatioFit(n_pt=12, n_abseta=3, steps=250, simulation_steps=120, learning_rate=1e-2)


def test_a_jet_as_one_of_its_own_flavour_has_its_true_efficiency():
    amplitude = {
        own: {other: 0.1 * (1 + i + 3 * j) for j, other in enumerate(FLAVOURS)} for i, own in enumerate(FLAVOURS)
    }
    amplitude = {own: {other: value / 4 for other, value in row.items()} for own, row in amplitude.items()}
    toy = TOY.model_copy(
        update={
            "neighbours": TOY.neighbours.model_copy(update={"amplitude": amplitude}),
            "working_points": {"L": {}, "T": {"b": 0.7, "c": 0.2}},
        }
    )
    events, truth = generate(toy, tuple(FLAVOURS), "test", 500)
    found = flavour_efficiencies(toy, events)
    assert found.shape == (3, len(events.pt_gev), 2)
    np.testing.assert_allclose(found[events.flavour, np.arange(len(events.pt_gev))], truth.efficiency, rtol=1e-12)
    # as a b jet, a jet has the efficiency of a b jet at its place
    alone = events.select(events.n_jets == 2)
    as_b = true_efficiency(toy, type(alone)(**{**vars(alone), "flavour": np.zeros_like(alone.flavour)}))
    both = flavour_efficiencies(toy, alone)[0]
    leading = alone.offsets[:-1][alone.flavour[alone.offsets[:-1] + 1] == 0]  # beside a b jet
    np.testing.assert_allclose(both[leading], as_b[leading], rtol=1e-12)


def test_true_scale_factors_by_hand():
    law = TrueTagScaleFactor(constant=0.95, rise=0.03, pt_gev=150.0, eta=-0.1)
    # tanh(1) = 0.76159; |eta| 1.25 is half of 2.5
    found = true_scale_factor(law, np.array([150.0, 300.0]), np.array([0.0, 1.25]))
    np.testing.assert_allclose(found, [0.95, 0.95 + 0.03 * 0.761594 - 0.025], rtol=1e-6)


@pytest.fixture(scope="module")
def figures():
    return measure_on_toy(TOY, FLAVOURS, EfficiencyRatio(n_events=10_000, n_data=2e8, fit=FIT))


def test_known_scale_factors_are_found_and_a_tilt_is_not(figures):
    mad = {flavour: points["M"] for flavour, points in figures.mad.items()}
    assert mad["b"] < 0.01
    assert mad["c"] < 0.03
    assert mad["udsg"] < 0.05
    assert abs(figures.slope["b"]["M"]) < 0.01
    assert figures.tilt < 0.01
    assert figures.unitarity < 1e-6


def test_equal_settings_give_equal_figures():
    short = FIT.model_copy(update={"steps": 5, "simulation_steps": 5})
    first, second = (measure_on_toy(TOY, FLAVOURS, EfficiencyRatio(n_events=300, fit=short)) for _ in range(2))
    assert first == second


def test_a_true_scale_factor_that_makes_efficiencies_exceed_one_is_refused():
    true_sf = EfficiencyRatio().true_sf | {"b": TrueTagScaleFactor(constant=1.3)}
    with pytest.raises(ValueError, match=r"efficiency.ratio.true_sf.b: efficiencies of pseudo-data reach 1\.\d+; must"):
        measure_on_toy(TOY, FLAVOURS, EfficiencyRatio(n_events=300, true_sf=true_sf))


def test_a_region_of_one_flavour_needs_no_fit_of_its_composition():
    pure = {f"only_{f}": {g: float(f == g) for g in FLAVOURS} for f in FLAVOURS}
    found = measure_on_toy(TOY, FLAVOURS, EfficiencyRatio(n_events=3000, regions=pure, fit=FIT))
    assert found.mad["b"]["M"] < 0.02
    assert found.mad["c"]["M"] < 0.03
