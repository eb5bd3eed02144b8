"""The direct density ratio, trained and normalised: for use as an ensemble is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from deepsf.config.direct import Direct
from deepsf.config.flavours import hadron_flavours
from deepsf.config.training import Training
from deepsf.direct.train import train_direct
from deepsf.networks.scale_factor import EnsembleScaleFactor
from deepsf.seeds import seed_sequence
from deepsf.training.convergence import DeadNetworkError

SHORT = Direct(layers=3, batch_size=1024, first_passes=0.2, passes=0.5, posterior_passes=0.2)


def train(toy, inputs=None, number=0):
    return train_direct(toy.measurement(), inputs or Training().inputs, SHORT, seed_sequence(1, "direct", number))[0]


def test_a_training_that_decays_to_a_constant_is_an_error(shape_toy):
    # each step takes away all of the matrices: learning_rate x weight_decay = 1
    constant = SHORT.model_copy(update={"weight_decay": 250.0})
    message = (
        r"the output of these networks is the same for all jets, with a spread below 0\.001, and not what data say: "
        r"scale factor of b \(.*\), scale factor of udsg \(.*\); "
        r"train with another direct\.learning_rate, direct\.weight_decay or direct\.seed$"
    )
    with pytest.raises(DeadNetworkError, match=message):
        train_direct(shape_toy(20_000, 3).measurement(), Training().inputs, constant, seed_sequence(1, "direct", 0))


@pytest.mark.parametrize("flavour", ["b", "udsg"])
def test_the_mean_of_every_kinematic_bin_is_one(shape_toy, flavour):
    toy = shape_toy(5_000, 3)
    member, sample = train(toy), toy.measurement().inclusive_of(flavour)
    index = member.normalisation[flavour].bins.index(sample.jets.pt_gev, sample.jets.abseta)
    mean = np.bincount(index, member.evaluate(flavour, sample.jets)) / np.bincount(index)
    np.testing.assert_allclose(mean, 1.0, atol=1e-9)


def test_the_file_evaluates_as_an_ensembles_and_equal_seeds_give_equal_bytes(shape_toy, tmp_path):
    toy = shape_toy(5_000, 5)
    codes = hadron_flavours(toy.flavours)
    for name, numbers in (("a", (0, 1)), ("b", (0, 1)), ("c", (0, 2))):
        members = tuple(train(toy, number=number) for number in numbers)
        EnsembleScaleFactor(members, codes).save(tmp_path / name)
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
    backwards = replace(toy, regions=dict(reversed(toy.regions.items())))
    turned = dict(reversed(Training().inputs.items()))
    nominal, again = train(toy), train(backwards, turned)
    for flavour in ("b", "udsg"):
        jets = toy.inclusive.jets
        np.testing.assert_array_equal(again.evaluate(flavour, jets), nominal.evaluate(flavour, jets))
