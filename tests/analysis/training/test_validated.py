"""Held-out examples decide: the best network is kept, a training that is done ends, and none of it depends on kills."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from deepsf.training.checkpoint import Checkpoint
from deepsf.training.rows import Rows
from deepsf.training.validated import ValidatedTraining
from tests.analysis.training.step_settings import Settings

SEED = np.random.SeedSequence([1, 2])


def noise(n=300, n_features=100, size=20, seed=1, held_out=1 / 3):
    """Return rows whose labels depend on the first feature alone, too few for the others not to be fitted."""
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((n, n_features)).astype(np.float32)
    label = (rng.random(n) < 1 / (1 + np.exp(-2 * features[:, 0]))).astype(np.int64)
    validation = rng.random(n) < held_out
    return Rows(torch.from_numpy(features), torch.from_numpy(label), np.ones(n), size, validation=validation)


def training(n_steps=400, patience=4, **changed):
    network = nn.Linear(100, 1)
    for parameter in network.parameters():
        nn.init.zeros_(parameter)
    return ValidatedTraining(network, noise(), Settings(**changed), SEED, n_steps=n_steps, patience=patience)


def test_a_training_that_over_fits_ends_and_keeps_its_best_network():
    made = training()
    made.run()
    losses = made.history.columns["validation_loss"]
    best = int(np.argmin(losses))
    n_first_half = 200 // made._per_look
    assert best < n_first_half
    assert len(losses) == n_first_half + 4
    assert made.step == made.n_steps < 400
    assert made._validation_loss() == losses[best] < losses[-1]
    assert made.history.columns["start_loss"] == pytest.approx([math.log(2)] * len(losses))
    assert losses[best] < math.log(2) - 0.03


def test_one_that_still_learns_uses_all_its_steps():
    made = training(n_steps=40, learning_rate=1e-3)
    made.run()
    losses = made.history.columns["validation_loss"]
    assert made.step == 40
    assert np.all(np.diff(losses) < 0)
    assert made._validation_loss() == losses[-1]


def test_a_lucky_look_at_a_high_learning_rate_does_not_end_a_training(monkeypatch):
    # of a member on 10^6 events: the first look was better than the next four
    found = iter([math.log(2), 0.0, 14.1, 25.6, 6.3, 3.2, 1.0, 0.5, -1.0, -1.0])
    monkeypatch.setattr(ValidatedTraining, "_validation_loss", lambda _: next(found))
    made = training(n_steps=16)
    made.run()
    assert made.history.columns["validation_loss"] == [0.0, 14.1, 25.6, 6.3, 3.2, 1.0, 0.5, -1.0]


def test_there_are_eight_looks_at_least_and_one_a_pass():
    short, long = (training(n_steps=n_steps, patience=100) for n_steps in (16, 105))
    per_pass = short.batches.per_pass
    for made in (short, long):
        made.run()
    assert short.history.columns["pass"] == [2 * (k + 1) / per_pass for k in range(8)]
    assert 105 % per_pass
    assert long.history.columns["pass"] == [*range(1, 105 // per_pass + 1), 105 / per_pass]


def test_the_loss_of_a_look_is_the_mean_since_the_last_one():
    made, losses = training(n_steps=16, patience=100), []
    made.run(lambda progress: losses.append(progress.losses["train"]))
    expected = np.reshape(losses, (8, 2)).mean(axis=1)
    np.testing.assert_allclose(made.history.columns["train_loss"], expected)


def test_a_training_resumed_at_any_step_ends_bit_identical(tmp_path):
    undisturbed = training(patience=2)
    undisturbed.run()
    n_steps = undisturbed.n_steps
    assert n_steps < 400
    checkpoint, copies = Checkpoint(tmp_path / "checkpoint", "key", 0.0, pytest.fail), {}
    training(patience=2).run(lambda progress: copies.update({progress.step: checkpoint.path.read_bytes()}), checkpoint)
    assert list(copies) == list(range(1, n_steps + 1))
    for step in (1, 7, n_steps // 2, n_steps // 2 + 1, n_steps - 1, n_steps):
        checkpoint.path.write_bytes(copies[step])
        resumed = training(patience=2)
        resumed.run(checkpoint=Checkpoint(checkpoint.path, "key", math.inf, lambda _: None))
        assert resumed.state().numbers == undisturbed.state().numbers
        for name, tensor in undisturbed.state().tensors.items():
            assert torch.equal(tensor, resumed.state().tensors[name]), name


def test_without_examples_that_are_held_out_nothing_is_validated():
    rows = noise(held_out=0.0)
    with pytest.raises(ValueError, match="no example is held out of the training, or their weights are 0"):
        ValidatedTraining(nn.Linear(100, 1), rows, Settings(), SEED, n_steps=10, patience=2)
