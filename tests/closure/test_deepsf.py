"""DeepSF on a toy with known scale factors: small networks, all weights."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.adversarial.train import train_and_normalise
from deepsf.adversarial.trainer import member_seed
from deepsf.config.training import Training
from deepsf.config.weights import EventWeight, Normalisation
from deepsf.training.engine import NonFiniteLossError

SMALL = Training(layers=3, units=32, batch_size=1024, passes=8, precision="fp32")
MEASURED = ("b", "udsg")


def train(toy, settings=SMALL, event_weight=None, seed=0):
    return train_and_normalise(
        toy.regions,
        toy.definitions,
        toy.flavours,
        toy.inclusive,
        settings=settings,
        event_weight=event_weight or EventWeight(n_pt=8, n_abseta=2),
        normalisation=Normalisation(n_pt=4, n_abseta=2),
        seed=member_seed(1, seed),
    )


def deviation(toy, member, flavour):
    """RMS of S - truth over inclusive jets, and that of S = 1."""
    jets = toy.inclusive.of(list(toy.flavours).index(flavour), half=1).jets
    truth = toy.truth(flavour, jets)
    return np.sqrt(np.mean((member.evaluate(flavour, jets) - truth) ** 2)), np.sqrt(np.mean((1 - truth) ** 2))


def slope(toy, member, flavour):
    """Mean of the not normalised S in the highest pT quarter over that in the lowest; the truth's is 1."""
    jets = toy.regions["hf" if flavour == "b" else "lf"].simulation.probe
    jets = jets[np.flatnonzero(jets.flavour == list(toy.flavours).index(flavour))]
    sf = member.evaluate(flavour, jets, normalised=False)
    low, high = np.quantile(jets.pt_gev, [0.25, 0.75])
    return sf[jets.pt_gev > high].mean() / sf[jets.pt_gev < low].mean()


def test_recovers_the_injected_scale_factors_under_negative_weights_and_a_tilt(shape_toy):
    toy = shape_toy(40_000, 1, tilt=0.1, negative=0.1)
    member, history = train(toy)
    for flavour in MEASURED:
        reached, without = deviation(toy, member, flavour)
        assert without > 0.15
        assert reached < 0.35 * without
    assert len(history["pass"]) == 8
    assert all(np.isfinite(values).all() for values in history.values())


def test_kappa_keeps_a_kinematic_tilt_out_of_the_scale_factors(shape_toy):
    toy = shape_toy(40_000, 2, tilt=0.1)
    with_kappa, _ = train(toy)
    without_kappa, _ = train(toy, event_weight=EventWeight(kappa=False))
    for flavour in MEASURED:
        assert abs(slope(toy, with_kappa, flavour) - 1) < 0.035
        assert slope(toy, without_kappa, flavour) > 1.07


def test_the_scale_of_the_simulations_weights_does_not_matter(shape_toy):
    from dataclasses import replace

    from deepsf.probes.entries import RegionEntries

    toy = shape_toy(10_000, 3)
    heavier = {
        name: RegionEntries(r.data, replace(r.simulation, weight=1000 * r.simulation.weight))
        for name, r in toy.regions.items()
    }
    short = SMALL.model_copy(update={"passes": 2.0})
    nominal, _ = train(toy, short)
    scaled, _ = train(replace(toy, regions=heavier), short)
    for flavour in MEASURED:
        jets = toy.inclusive.jets
        # kappa divides the scale out up to rounding, which training amplifies a little
        np.testing.assert_allclose(scaled.evaluate(flavour, jets), nominal.evaluate(flavour, jets), atol=0.01)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_member(shape_toy, tmp_path):
    from deepsf.networks.scale_factor import save_member

    toy = shape_toy(5_000, 4)
    codes = {name: flavour.hadron_flavours for name, flavour in toy.flavours.items()}
    short = SMALL.model_copy(update={"passes": 1.0})
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        save_member(tmp_path / name, train(toy, short, seed=seed)[0], codes)
    content = {name: (tmp_path / name).read_bytes() for name in "abc"}
    assert content["a"] == content["b"]
    assert content["a"] != content["c"]


def test_the_talks_schedule_converges_too(shape_toy):
    toy = shape_toy(10_000, 5)
    alternating = SMALL.model_copy(
        update={
            "schedule": "alternating",
            "scale_factor_steps": 60,
            "max_discriminator_steps": 20,
            "convergence_interval": 5,
        }
    )
    member, history = train(toy, alternating)
    assert len(history["pass"]) == 20
    for flavour in MEASURED:
        reached, without = deviation(toy, member, flavour)
        assert reached < 0.7 * without


def test_a_non_finite_loss_stops_the_member_and_names_batch_and_ranges(shape_toy):
    from dataclasses import replace

    from deepsf.probes.entries import RegionEntries

    toy = shape_toy(5_000, 7)
    entries = toy.regions["hf"]
    weight = entries.data.weight.copy()
    weight[:] = np.where(np.arange(len(weight)) % 7 == 0, 1e37, 1.0)
    broken = {**toy.regions, "hf": RegionEntries(replace(entries.data, weight=weight), entries.simulation)}
    with pytest.raises(
        NonFiniteLossError, match=r"discriminator of b is (nan|inf) in region hf.*scaled inputs abseta \["
    ):
        train(replace(toy, regions=broken))


def test_the_order_of_keys_in_a_configuration_does_not_change_a_member(shape_toy):
    from dataclasses import replace

    toy = shape_toy(5_000, 9)
    short = SMALL.model_copy(update={"passes": 1.0})
    turned = short.model_copy(update={"inputs": dict(reversed(short.inputs.items()))})
    backwards = replace(toy, definitions=dict(reversed(toy.definitions.items())))
    jets = toy.inclusive.jets
    nominal, again = train(toy, short)[0], train(backwards, turned)[0]
    for flavour in MEASURED:
        np.testing.assert_array_equal(again.evaluate(flavour, jets), nominal.evaluate(flavour, jets))
