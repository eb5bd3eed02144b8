"""The direct density ratio on a toy with known scale factors: small networks, all weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from deepsf.config.flavours import Flavour
from deepsf.config.training import Direct, Training
from deepsf.config.weights import EventWeight, Normalisation
from deepsf.direct.train import member_seed, train_direct
from deepsf.networks.scale_factor import EnsembleScaleFactor
from deepsf.probes.entries import RegionEntries
from deepsf.training.engine import NonFiniteLossError

SMALL = Direct(layers=3, batch_size=1024)
SHORT = SMALL.model_copy(update={"first_passes": 0.2, "passes": 0.5, "posterior_passes": 0.2})
MEASURED = ("b", "udsg")


def train(toy, settings=SMALL, event_weight=None, seed=0, inputs=None):
    member, history = train_direct(
        toy.regions,
        toy.definitions,
        toy.flavours,
        toy.inclusive,
        inputs=inputs or Training().inputs,
        settings=settings,
        event_weight=event_weight or EventWeight(n_pt=8, n_abseta=2),
        normalisation=Normalisation(n_pt=4, n_abseta=2),
        seed=member_seed(1, seed),
    )
    return member, history


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
    fits = ("posterior_hf", "posterior_lf", "ratio")
    assert set(history) == {f"{fit}_{order}" for fit in fits for order in ("first", "second")}
    assert all(np.isfinite(values).all() for record in history.values() for values in record.values())


def test_kappa_keeps_a_kinematic_tilt_out_of_the_scale_factors(shape_toy):
    toy = shape_toy(40_000, 2, tilt=0.1)
    with_kappa, _ = train(toy)
    without_kappa, _ = train(toy, event_weight=EventWeight(kappa=False))
    for flavour in MEASURED:
        assert abs(slope(toy, with_kappa, flavour) - 1) < 0.035
        assert slope(toy, without_kappa, flavour) > 1.07


def test_the_mean_of_every_kinematic_bin_is_one(shape_toy):
    toy = shape_toy(5_000, 3)
    member, _ = train(toy, SHORT)
    for flavour in MEASURED:
        sample = toy.inclusive.of(list(toy.flavours).index(flavour))
        bins = member.normalisation[flavour].bins
        index = bins.index(sample.jets.pt_gev, sample.jets.abseta)
        mean = np.bincount(index, member.evaluate(flavour, sample.jets)) / np.bincount(index)
        np.testing.assert_allclose(mean, 1.0, atol=1e-9)


def test_tag_jets_weigh_their_scale_factors_in_the_second_fit(shape_toy):
    # all tag jets of the toy are c jets of one score; as b jets they weigh S_b, which kappa divides out again
    toy = shape_toy(5_000, 4)

    def tagged(entries, flavour):
        tag = replace(entries.simulation.tag, flavour=flavour)
        return RegionEntries(entries.data, replace(entries.simulation, tag=tag))

    def with_tags(choose):
        return replace(toy, regions={n: tagged(e, choose(e.simulation.probe)) for n, e in toy.regions.items()})

    def score(member):
        return member.evaluate("b", toy.inclusive.jets)

    settings = SMALL.model_copy(update={"batch_size": 256})
    nominal = score(train(toy, settings)[0])
    alike = score(train(with_tags(lambda probe: np.zeros(len(probe), np.int8)), settings)[0])
    np.testing.assert_allclose(alike, nominal, atol=0.005)
    # b tags beside b probes alone change the composition of the simulation, and so the result
    beside_b = with_tags(lambda probe: np.where(probe.flavour == 0, 0, 1).astype(np.int8))
    assert np.abs(score(train(beside_b, settings)[0]) - nominal).max() > 0.02


def test_the_file_evaluates_as_that_of_an_ensemble_and_equal_seeds_give_equal_bytes(shape_toy, tmp_path):
    toy = shape_toy(5_000, 5)
    codes = {name: flavour.hadron_flavours for name, flavour in toy.flavours.items()}
    for name, seeds in (("a", (0, 1)), ("b", (0, 1)), ("c", (0, 2))):
        EnsembleScaleFactor(tuple(train(toy, SHORT, seed=seed)[0] for seed in seeds), codes).save(tmp_path / name)
    content = {name: (tmp_path / name).read_bytes() for name in "abc"}
    assert content["a"] == content["b"]
    assert content["a"] != content["c"]
    estimate = EnsembleScaleFactor.load(tmp_path / "a").evaluate(
        np.array([5, 4, 0]), 0.5, 60.0, np.array([0.9, 0.9, np.nan])
    )
    assert estimate.mean[1] == 1.0
    assert np.isfinite(estimate.mean).all()
    assert (estimate.spread[[0, 2]] > 0).all()


def test_the_order_of_keys_in_a_configuration_does_not_change_a_member(shape_toy):
    toy = shape_toy(5_000, 6)
    backwards = replace(toy, definitions=dict(reversed(toy.definitions.items())))
    turned = dict(reversed(Training().inputs.items()))
    nominal, again = train(toy, SHORT)[0], train(backwards, SHORT, inputs=turned)[0]
    for flavour in MEASURED:
        jets = toy.inclusive.jets
        np.testing.assert_array_equal(again.evaluate(flavour, jets), nominal.evaluate(flavour, jets))


def test_two_flavours_are_enough(shape_toy):
    toy = shape_toy(5_000, 7)
    merged = {"b": Flavour(hadron_flavours=(5,)), "udsg": Flavour(hadron_flavours=(0, 4))}

    def fewer(jets):
        return replace(jets, flavour=np.where(jets.flavour > 0, 1, jets.flavour).astype(np.int8))

    regions = {}
    for name, entries in toy.regions.items():
        simulation = entries.simulation
        both = replace(simulation, probe=fewer(simulation.probe), tag=fewer(simulation.tag))
        regions[name] = RegionEntries(entries.data, both)
    inclusive = replace(toy.inclusive, jets=fewer(toy.inclusive.jets))
    member, _ = train(replace(toy, regions=regions, flavours=merged, inclusive=inclusive), SHORT)
    assert set(member.networks) == set(merged)


# --- messages


def test_a_region_without_the_flavour_that_it_enriches_is_named(shape_toy):
    toy = shape_toy(2_000, 8)
    entries = toy.regions["lf"]
    kept = np.flatnonzero(entries.simulation.probe.flavour != 2)
    regions = {**toy.regions, "lf": RegionEntries(entries.data, entries.simulation[kept])}
    message = rf"region lf: none of its {len(kept)} simulated probe jets is of flavour udsg, .* check its cuts"
    with pytest.raises(ValueError, match=message):
        train(replace(toy, regions=regions), SHORT)


def test_a_non_finite_loss_names_step_and_ranges(shape_toy):
    toy = shape_toy(5_000, 9)
    entries = toy.regions["hf"]
    heavy = np.where(np.arange(len(entries.data)) % 7 == 0, 1e37, 1.0)
    broken = {**toy.regions, "hf": RegionEntries(replace(entries.data, weight=heavy), entries.simulation)}
    with pytest.raises(NonFiniteLossError, match=r"the loss is (nan|inf) at step \d+ .*discriminant \[.*lower the"):
        train(replace(toy, regions=broken))


def test_a_network_of_one_member_is_refused_by_the_configuration():
    with pytest.raises(ValueError, match=r"n_members\s+Input should be greater than or equal to 2"):
        Direct(n_members=1)
