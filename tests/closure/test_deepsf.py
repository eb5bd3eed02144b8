"""DeepSF on a toy with known scale factors: small networks, all weights."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from deepsf.adversarial.train import train_member
from deepsf.config.training import Training
from deepsf.config.weights import EventWeight
from deepsf.probes.entries import RegionEntries
from deepsf.seeds import seed_sequence
from deepsf.training.convergence import DeadNetworkError, not_converged
from tests.shape_toy import narrow_sf

SMALL = Training(layers=3, units=32, batch_size=1024, passes=8, precision="fp32")
MEASURED = ("b", "udsg")


def train(toy, settings=SMALL, number=0, **weighting):
    return train_member(toy.measurement(**weighting), settings, seed_sequence(1, "deepsf", number))


def test_recovers_the_injected_scale_factors_under_negative_weights_and_a_tilt(shape_toy):
    toy = shape_toy(40_000, 1, tilt=0.1, negative=0.1)
    member, history = train(toy)
    for flavour in MEASURED:
        reached, without = toy.deviation(member, flavour)
        assert without > 0.15
        assert reached < 0.35 * without
    assert len(history["pass"]) == 8 + 1  # the last steps
    assert all(np.isfinite(values).all() for values in history.values())


def test_kappa_keeps_a_kinematic_tilt_out_of_the_scale_factors(shape_toy):
    toy = shape_toy(40_000, 2, tilt=0.1)
    with_kappa, _ = train(toy)
    without_kappa, _ = train(toy, event_weight=EventWeight(kappa=False))
    for flavour in MEASURED:
        assert abs(toy.slope(with_kappa, flavour) - 1) < 0.035
        assert toy.slope(without_kappa, flavour) > 1.07


def test_the_scale_of_the_simulations_weights_does_not_matter(shape_toy):
    toy = shape_toy(10_000, 3)
    heavier = {
        name: RegionEntries(r.data, replace(r.simulation, weight=1000 * r.simulation.weight))
        for name, r in toy.entries.items()
    }
    short = SMALL.model_copy(update={"passes": 2.0})
    nominal, _ = train(toy, short)
    scaled, _ = train(replace(toy, entries=heavier), short)
    for flavour in MEASURED:
        jets = toy.inclusive.jets
        # kappa divides the scale out up to rounding, which training amplifies a little
        np.testing.assert_allclose(scaled.evaluate(flavour, jets), nominal.evaluate(flavour, jets), atol=0.01)


def test_deep_networks_live_where_the_light_scale_factor_is_one_for_most_jets_and_dead_ones_are_an_error(shape_toy):
    toy = shape_toy(20_000, 1, sf=narrow_sf)
    deep = Training(
        layers=10,
        units=16,
        learning_rate=4e-3,
        weight_decay=5e-5,
        passes=20,
        warmup_passes=8,
        last_steps=20,
        precision="fp32",
    )
    _, history = train(toy, deep, 1)
    assert history["spread_scale_factor_udsg"][-1] > 0.005
    assert history["spread_discriminator_udsg"][-1] > 0.005
    # a decay that no loss of this toy stands against
    with pytest.raises(DeadNetworkError, match=r"below 0\.001, and not what data say: .*scale factor of b \("):
        train(toy, deep.model_copy(update={"weight_decay": 1e-2}), 1)


def test_a_training_that_is_too_short_for_its_discriminators_is_named(shape_toy):
    toy = shape_toy(40_000, 6)
    hurried = SMALL.model_copy(update={"passes": 0.5, "warmup_passes": 0.1, "learning_rate": 2e-4, "last_steps": 200})
    _, history = train(toy, hurried)
    words = "|".join(rf"scale factor of {f}: chi2/ndf .* of the score in its region, limit 2\.5" for f in MEASURED)
    assert any(re.fullmatch(words, reason) for reason in not_converged(history))
    _, history = train(toy)
    assert not_converged(history) == []


def test_the_alternating_schedule_converges_too(shape_toy):
    toy = shape_toy(10_000, 5)
    alternating = SMALL.model_copy(
        update={
            "schedule": "alternating",
            "scale_factor_steps": 60,
            "last_steps": 20,
            "max_discriminator_steps": 20,
            "convergence_interval": 5,
        }
    )
    member, history = train(toy, alternating)
    assert len(history["pass"]) == 20 + 1
    for flavour in MEASURED:
        reached, without = toy.deviation(member, flavour)
        assert reached < 0.7 * without
