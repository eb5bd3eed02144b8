"""The classifier: logits are logarithms of density ratios of signed weights, whatever the examples look like."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from deepsf.networks.dense import DenseNetwork
from deepsf.training.checkpoint import Checkpoint
from deepsf.training.classifier import ClassifierTraining, _optimiser, cross_entropies
from deepsf.training.engine import NonFiniteLossError
from deepsf.training.rows import Rows
from tests.analysis.training.step_settings import Settings

SEED = np.random.SeedSequence([1, 2])


def rows(n=3000, *, n_classes=2, size=100, seed=1, **changed: Any):
    """Return rows of two bins, as unit vectors, with signed weights; and label, bin, weight."""
    rng = np.random.default_rng(seed)
    label, place = rng.integers(0, n_classes, n), rng.integers(0, 2, n)
    weight = np.where(rng.random(n) < 0.2, -1.0, 1.0) * rng.uniform(0.5, 1.5, n) * (1 + label * place)
    features = torch.eye(2)[place]
    return Rows(features, torch.from_numpy(label), weight, size, **changed), label, place, weight


def linear(n_outputs=1):
    network = nn.Linear(2, n_outputs, bias=False)
    nn.init.zeros_(network.weight)
    return network


@pytest.mark.parametrize("n_classes", [2, 3])
def test_logits_are_log_ratios_of_sums_of_signed_weights(n_classes):
    batches, label, place, weight = rows(n_classes=n_classes)
    training = ClassifierTraining(linear(n_classes - 1), batches, Settings(passes=60), SEED)
    training.run()
    logits = training.network(torch.eye(2)).detach().numpy()
    sums = np.array([[weight[(label == k) & (place == p)].sum() for k in range(n_classes)] for p in (0, 1)])
    assert logits == pytest.approx(np.log(sums[:, 1:] / sums[:, :1]), abs=0.02)


def test_one_logit_is_the_same_as_two_classes():
    logits, label = torch.tensor([[0.3], [-2.0], [5.0]]), torch.tensor([0, 1, 1])
    binary = cross_entropies(logits, label)
    both = cross_entropies(torch.cat([logits, torch.full((3, 1), -1e9)], 1), label)
    assert binary.tolist() == pytest.approx(both.tolist())
    assert binary.tolist() == pytest.approx(
        [math.log(1 + math.exp(0.3)), math.log(1 + math.exp(2)), math.log1p(math.exp(-5))]
    )


def test_descent_with_momentum_finds_the_log_ratios_too():
    batches, label, place, weight = rows()
    settings = Settings(passes=60, learning_rate=1.0, optimiser="sgd")
    training = ClassifierTraining(linear(), batches, settings, SEED)
    training.run()
    sums = np.array([[weight[(label == k) & (place == p)].sum() for k in (0, 1)] for p in (0, 1)])
    found = training.network(torch.eye(2)).detach().numpy()[:, 0]
    assert found == pytest.approx(np.log(sums[:, 1] / sums[:, 0]), abs=0.02)


def test_losses_are_means_over_weights_of_trained_and_held_out_rows():
    held_out = np.arange(3000) % 3 == 0
    batches, *_ = rows(validation=held_out)
    training = ClassifierTraining(linear(), batches, Settings(passes=1, learning_rate=1e-9), SEED)
    training.run()
    weight = rows()[3]
    for column, chosen in (("train_loss", ~held_out), ("validation_loss", held_out)):
        expected = math.log(2) * weight[chosen].sum() / np.abs(weight[chosen]).sum()
        assert training.history.columns[column] == pytest.approx([expected], rel=1e-5)
    assert "validation_loss" not in ClassifierTraining(linear(), rows()[0], Settings(), SEED).history.columns


class TwoParts(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(2, 2, _weight=torch.ones(2, 2))
        self.matrix = nn.Parameter(torch.ones(2, 1))
        self.bias = nn.Parameter(torch.ones(1))

    def forward(self, x):
        return 0.0 * (self.embedding(x.argmax(1)) @ self.matrix + self.bias)


@pytest.mark.parametrize("optimiser", ["adamw", "sgd"])
def test_weight_decay_is_of_matrices_alone(optimiser):
    network = TwoParts()
    ClassifierTraining(network, rows()[0], Settings(passes=1, weight_decay=0.1, optimiser=optimiser), SEED).run()
    assert (network.matrix < 0.95).all()
    assert (network.embedding.weight == 1).all()
    assert (network.bias == 1).all()


def test_biases_of_stacked_layers_are_no_matrices():
    network = DenseNetwork(2, layers=3, units=4, n_outputs=1, generator=torch.Generator().manual_seed(1))
    decayed, others = _optimiser(network, Settings(weight_decay=0.1)).param_groups
    names = {id(p): name for name, p in network.named_parameters()}
    assert {names[id(p)] for p in decayed["params"]} == {"first_weight", "hidden_weight", "last_weight"}
    assert {names[id(p)] for p in others["params"]} == {"first_bias", "hidden_bias", "last_bias"}
    assert (decayed["weight_decay"], others["weight_decay"]) == (0.1, 0.0)


@pytest.mark.parametrize("optimiser", ["adamw", "sgd"])
def test_a_training_resumed_at_any_step_ends_bit_identical(tmp_path, optimiser):
    settings = Settings(passes=2.5, optimiser=optimiser)
    undisturbed = ClassifierTraining(linear(), rows(500)[0], settings, SEED)
    undisturbed.run()
    checkpoint, copies = Checkpoint(tmp_path / "checkpoint", "key", 0.0, pytest.fail), {}
    ClassifierTraining(linear(), rows(500)[0], settings, SEED).run(
        lambda progress: copies.update({progress.step: checkpoint.path.read_bytes()}), checkpoint
    )
    assert list(copies) == list(range(1, 14))
    for step, content in copies.items():
        checkpoint.path.write_bytes(content)
        resumed, told = ClassifierTraining(linear(), rows(500)[0], settings, SEED), []
        resumed.run(checkpoint=Checkpoint(checkpoint.path, "key", math.inf, told.append))
        assert told == [f"continues at step {step} of 13"]
        assert resumed.state().numbers == undisturbed.state().numbers
        for name, tensor in undisturbed.state().tensors.items():
            assert torch.equal(tensor, resumed.state().tensors[name]), name


def test_the_learning_rate_rises_then_falls_as_a_cosine():
    training = ClassifierTraining(linear(), rows()[0], Settings(passes=4), SEED)
    rates: list[float] = []
    training.run(lambda _: rates.append(training.learners["network"].learning_rate))
    assert len(rates) == 120
    assert rates[:12] == pytest.approx([0.05 * (k + 1) / 12 for k in range(12)])
    assert rates[66] == pytest.approx(0.05 * (0.01 + 0.99 / 2))
    assert rates[-1] == pytest.approx(0.05 * 0.01, rel=0.1)


def test_a_loss_that_is_not_finite_says_where_and_on_what():
    batches, *_ = rows(names=("left", "right"))
    network = linear()
    nn.init.constant_(network.weight, torch.inf)
    with pytest.raises(NonFiniteLossError) as error:
        ClassifierTraining(network, batches, Settings(), SEED).run()
    for part in ("the loss is", "at step 0 of 900", "left [0, 1]", "right [0, 1]", "weights [", "learning rate (0.05)"):
        assert part in str(error.value)


class WithOwnGradients(nn.Module):
    """A linear network that knows its gradients, for inputs that are not refused."""

    def __init__(self, *, refuses=False):
        super().__init__()
        self.layer, self.refuses, self.asked = linear(), refuses, 0

    def forward(self, x):
        return self.layer(x)

    def loss_gradients(self, inputs, label, weight, scale):
        self.asked += 1
        if self.refuses:
            return None
        z = self.layer(inputs).detach()[:, 0]
        loss = scale * torch.dot(weight, cross_entropies(z[:, None], label))
        return float(loss), [(self.layer.weight, scale * (weight * (torch.sigmoid(z) - label)) @ inputs[None])]


def test_a_network_that_knows_its_gradients_is_asked_for_them():
    settings, plain = Settings(passes=2), linear()
    expected = ClassifierTraining(plain, rows()[0], settings, SEED)
    expected.run()
    for refuses in (False, True):
        network = WithOwnGradients(refuses=refuses)
        training = ClassifierTraining(network, rows()[0], settings, SEED)
        training.run()
        assert network.asked == training.n_steps
        assert network.layer.weight.tolist()[0] == pytest.approx(plain.weight.tolist()[0], abs=1e-5)
        assert training.history.columns["train_loss"] == pytest.approx(expected.history.columns["train_loss"], rel=1e-5)


def test_a_given_loss_that_is_not_finite_says_where():
    network = WithOwnGradients()
    nn.init.constant_(network.layer.weight, torch.nan)
    with pytest.raises(NonFiniteLossError, match="the loss is nan at step 0 of 900"):
        ClassifierTraining(network, rows()[0], Settings(), SEED).run()
