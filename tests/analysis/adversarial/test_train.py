"""Training of a member to its normalised scale factors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from deepsf.adversarial.train import train_member
from deepsf.config.flavours import hadron_flavours
from deepsf.config.training import Training
from deepsf.networks.scale_factor import save_member
from deepsf.seeds import seed_sequence

SHORT = Training(layers=3, units=32, batch_size=1024, passes=1, last_steps=10, precision="fp32")


def train(toy, settings=SHORT, number=0, **arguments):
    return train_member(toy.measurement(), settings, seed_sequence(1, "deepsf", number), **arguments)[0]


@pytest.mark.parametrize("flavour", ["b", "udsg"])
def test_the_mean_of_every_kinematic_bin_is_one(shape_toy, flavour):
    toy = shape_toy(5_000, 3)
    member, sample = train(toy), toy.measurement().inclusive_of(flavour)
    index = member.normalisation[flavour].bins.index(sample.jets.pt_gev, sample.jets.abseta)
    mean = np.bincount(index, member.evaluate(flavour, sample.jets)) / np.bincount(index)
    np.testing.assert_allclose(mean, 1.0, atol=1e-9)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_member(shape_toy, tmp_path):
    toy = shape_toy(5_000, 4)
    for name, number in (("a", 0), ("b", 0), ("c", 1)):
        save_member(tmp_path / name, train(toy, number=number), hadron_flavours(toy.flavours))
    content = {name: (tmp_path / name).read_bytes() for name in "abc"}
    assert content["a"] == content["b"]
    assert content["a"] != content["c"]


def test_the_order_of_keys_in_a_configuration_does_not_change_a_member(shape_toy):
    toy = shape_toy(5_000, 9)
    turned = SHORT.model_copy(update={"inputs": dict(reversed(SHORT.inputs.items()))})
    backwards = replace(toy, regions=dict(reversed(toy.regions.items())))
    jets = toy.inclusive.jets
    nominal, again = train(toy), train(backwards, turned)
    for flavour in ("b", "udsg"):
        np.testing.assert_array_equal(again.evaluate(flavour, jets), nominal.evaluate(flavour, jets))


def test_every_step_is_reported_and_the_record_has_every_pass(shape_toy):
    toy, steps = shape_toy(5_000, 4), []
    settings = SHORT.model_copy(update={"passes": 2.0})
    _, history = train_member(toy.measurement(), settings, seed_sequence(1, "deepsf", 0), report=steps.append)
    assert [progress.step for progress in steps] == list(range(1, steps[0].n_steps + 1))
    # the last phase, of S alone, counts as a pass
    assert history["pass"] == [1, 2, 3]
    # the closure is that of the finished member
    assert {name: len(values) for name, values in history.items() if len(values) != 3} == {
        "closure_b": 1,
        "closure_udsg": 1,
    }
