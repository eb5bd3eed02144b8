"""The direct density ratio on a toy with known scale factors: small networks, all weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from deepsf.config.direct import Direct
from deepsf.config.training import Training
from deepsf.config.weights import EventWeight
from deepsf.direct.train import train_direct
from deepsf.probes.entries import RegionEntries
from deepsf.seeds import seed_sequence

SMALL = Direct(layers=3, batch_size=1024)
MEASURED = ("b", "udsg")


def train(toy, settings=SMALL, **weighting):
    return train_direct(toy.measurement(**weighting), Training().inputs, settings, seed_sequence(1, "direct", 0))


def test_recovers_the_injected_scale_factors_under_negative_weights_and_a_tilt(shape_toy):
    toy = shape_toy(40_000, 1, tilt=0.1, negative=0.1)
    member, history = train(toy)
    for flavour in MEASURED:
        reached, without = toy.deviation(member, flavour)
        assert without > 0.15
        assert reached < 0.35 * without
    fits = ("posterior_hf", "posterior_lf", "ratio")
    assert set(history) == {"scale_factors", *(f"{fit}_{order}" for fit in fits for order in ("first", "second"))}
    assert all(np.isfinite(values).all() for record in history.values() for values in record.values())


def test_kappa_keeps_a_kinematic_tilt_out_of_the_scale_factors(shape_toy):
    toy = shape_toy(40_000, 2, tilt=0.1)
    with_kappa, _ = train(toy)
    without_kappa, _ = train(toy, event_weight=EventWeight(kappa=False))
    for flavour in MEASURED:
        assert abs(toy.slope(with_kappa, flavour) - 1) < 0.035
        assert toy.slope(without_kappa, flavour) > 1.07


def test_tag_jets_weigh_their_scale_factors_in_the_second_fit(shape_toy):
    # all tag jets of the toy are c jets of one score; as b jets they weigh S_b, which kappa divides out again
    toy = shape_toy(5_000, 4)

    def tagged(entries, flavour):
        tag = replace(entries.simulation.tag, flavour=flavour)
        return RegionEntries(entries.data, replace(entries.simulation, tag=tag))

    def with_tags(choose):
        return replace(toy, entries={n: tagged(e, choose(e.simulation.probe)) for n, e in toy.entries.items()})

    def score(member):
        return member.evaluate("b", toy.inclusive.jets)

    settings = SMALL.model_copy(update={"batch_size": 256})
    nominal = score(train(toy, settings)[0])
    alike = score(train(with_tags(lambda probe: np.zeros(len(probe), np.int8)), settings)[0])
    np.testing.assert_allclose(alike, nominal, atol=0.005)
    # b tags beside b probes alone change the composition of the simulation, and so the result
    beside_b = with_tags(lambda probe: np.where(probe.flavour == 0, 0, 1).astype(np.int8))
    assert np.abs(score(train(beside_b, settings)[0]) - nominal).max() > 0.02
