"""A training that is interrupted and resumed is the training that was never interrupted, to the last bit."""

from __future__ import annotations

import contextlib
import math
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from deepsf.adversarial.trainer import MemberTrainer
from deepsf.config.training import Training
from deepsf.probes.entries import RegionEntries
from deepsf.seeds import seed_sequence
from deepsf.training.checkpoint import Checkpoint
from deepsf.training.engine import NonFiniteLossError
from tests.analysis.other_order import in_other_order

CASES = {
    "interleaved": {},
    "bootstrap": {"resample": "bootstrap"},
    "bf16": {"precision": "bf16"},
    "alternating": {
        "schedule": "alternating",
        "scale_factor_steps": 41,
        "max_discriminator_steps": 6,
        "convergence_interval": 2,
        "convergence_patience": 1,
    },
}


def assert_same(one, other):
    """Every number of two trainings is the same: weights, optimisers, weights of entries, generators, history."""
    (tensors, numbers), (other_tensors, other_numbers) = one.state(), other.state()
    assert numbers == other_numbers
    assert tensors.keys() == other_tensors.keys()
    assert [name for name in tensors if not torch.equal(tensors[name], other_tensors[name])] == []


def saved_at_every_step(trainer, folder):
    """Run a training that saves at every step; return the copies of its checkpoint by step."""
    checkpoint, copies = Checkpoint(folder / "checkpoint", "key", 0.0, pytest.fail), {}

    def keep(progress):
        copies[progress.step] = shutil.copy(checkpoint.path, folder / f"{progress.step}")

    trainer.run(keep, checkpoint)
    return copies


class Interruption(Exception):
    pass


@pytest.mark.parametrize("case", CASES)
def test_a_training_resumed_at_any_step_ends_bit_identical(make_trainer, tmp_path, case):
    undisturbed = make_trainer(**CASES[case])
    undisturbed.run()
    saving = make_trainer(**CASES[case])
    copies = saved_at_every_step(saving, tmp_path)
    assert_same(saving, undisturbed)
    n_steps = undisturbed.step
    assert list(copies) == list(range(1, n_steps + 1))
    # a pass of the alternating schedule has two steps here
    for step in (1, 2, 23, 40, 41, 43) if case == "alternating" else copies:
        resumed, told = make_trainer(**CASES[case]), []
        resumed.run(checkpoint=Checkpoint(copies[step], "key", math.inf, told.append))
        assert told == [f"continues at step {step} of {n_steps}"]
        assert_same(resumed, undisturbed)


def test_a_training_killed_again_and_again_ends_bit_identical(make_trainer, tmp_path):
    undisturbed = make_trainer()
    undisturbed.run()
    steps: list[int] = []
    while not steps or steps[-1] < undisturbed.step:
        trainer, begin = make_trainer(), len(steps)
        checkpoint = Checkpoint(tmp_path / "checkpoint", "key", math.inf, lambda _: None)

        def interrupt(progress, checkpoint=checkpoint, begin=begin):
            steps.append(progress.step)
            checkpoint.every_s = 0.0 if progress.step % 3 == 2 else math.inf
            if len(steps) == begin + 5:
                raise Interruption

        with contextlib.suppress(Interruption):
            trainer.run(interrupt, checkpoint)
    # each attempt does five steps from the state saved last, which is two steps older than the interruption
    assert steps == [n for first in range(1, 23, 3) for n in range(first, min(first + 5, 25))]
    assert_same(trainer, undisturbed)


def test_discriminators_rest_in_the_last_steps_and_scale_factors_have_a_fresh_adam(make_trainer):
    trainer = make_trainer()
    for _ in range(21):
        trainer.next_step()
    before = {name: tensor.clone() for name, tensor in trainer.state().tensors.items()}
    while trainer.step < trainer.n_steps:
        assert set(trainer.next_step()) == {"scale_factor_b", "scale_factor_udsg"}
    after = trainer.state().tensors
    changed = {name.split("/")[0] for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"scale_factor_b", "scale_factor_udsg", "batches_enriched_b", "batches_enriched_udsg"}
    steps = {name: float(value) for name, value in after.items() if name.endswith("first_bias/step")}
    # three steps of S alone, of 21 of the discriminators
    assert steps == {
        f"{kind}_{flavour}/first_bias/step": 3.0 if kind == "scale_factor" else 21.0
        for kind in ("scale_factor", "discriminator")
        for flavour in ("b", "udsg")
    }
    columns = trainer.history.columns
    assert all(len(values) == 4 for values in columns.values())
    assert columns["validation_discriminator_b"][-1] == columns["validation_discriminator_b"][-2]
    assert columns["lag_scale_factor_b"][-1] == math.sqrt(columns["validation_scale_factor_b"][-1])


def cut(path):
    path.write_bytes(path.read_bytes()[:-100])


def flip(path):
    content = bytearray(path.read_bytes())
    content[-100] ^= 4
    path.write_bytes(content)


def nothing(path):
    pass


@pytest.mark.parametrize(
    ("spoil", "key", "units", "reason"),
    [
        (cut, "key", 8, "of no use"),
        (flip, "key", 8, "it was damaged"),
        (lambda path: path.write_text("not a safetensors file"), "key", 8, "of no use"),
        (nothing, "key of before", 8, "it was made from other inputs"),
        (nothing, "key", 9, "another version of the code"),
    ],
)
def test_a_checkpoint_that_cannot_be_trusted_changes_nothing(make_trainer, tmp_path, spoil, key, units, reason):
    undisturbed = make_trainer()
    undisturbed.run()
    path, told = tmp_path / "checkpoint", []
    with pytest.raises(Interruption):
        make_trainer(units=units).run(_interrupt_at_10, Checkpoint(path, key, 0.0, pytest.fail))
    spoil(path)
    trainer = make_trainer()
    trainer.run(checkpoint=Checkpoint(path, "key", math.inf, told.append))
    assert_same(trainer, undisturbed)
    assert len(told) == 1
    assert reason in told[0]


def _interrupt_at_10(progress):
    if progress.step == 10:
        raise Interruption


@pytest.mark.parametrize("case", ["bootstrap", "alternating"])
def test_the_order_of_regions_and_flavours_changes_no_number(make_trainer, case):
    one, other = make_trainer(**CASES[case]), make_trainer(in_other_order, **CASES[case])
    one.run()
    other.run()
    assert_same(one, other)


def test_a_non_finite_loss_stops_the_member_and_names_batch_and_ranges(shape_toy):
    toy = shape_toy(5_000, 7)
    region = toy.entries["hf"]
    weight = np.where(np.arange(len(region.data)) % 7 == 0, 1e37, 1.0)
    broken = {**toy.entries, "hf": RegionEntries(replace(region.data, weight=weight), region.simulation)}
    settings = Training(layers=3, units=32, batch_size=1024, precision="fp32")
    trainer = MemberTrainer(replace(toy, entries=broken).measurement(), settings, seed_sequence(1, "deepsf", 0))
    message = r"discriminator of b is (nan|inf) in region hf.*scaled inputs abseta \["
    with pytest.raises(NonFiniteLossError, match=message):
        trainer.run()


def test_a_precision_that_is_not_resolved_is_refused(make_trainer):
    with pytest.raises(ValueError, match=r"training\.precision is auto: resolve it to fp32 or bf16 first"):
        make_trainer(precision="auto")
