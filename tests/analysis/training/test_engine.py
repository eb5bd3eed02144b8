"""The engine of all trainings: what a learner does to its network, and steps to the end with saves on the way."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from deepsf.training.checkpoint import Checkpoint, State
from deepsf.training.engine import Learner, NonFiniteLossError, Trainer

INPUTS = torch.tensor([[1.0, 2.0], [3.0, -1.0], [0.5, 0.5]])


def network():
    layer = nn.Linear(2, 1)
    nn.init.constant_(layer.weight, 0.3)
    nn.init.constant_(layer.bias, -0.1)
    return layer


def learner(net):
    return Learner(net, torch.optim.Adam(net.parameters(), lr=1.0, weight_decay=0.01, fused=True))


def loss_of(net, number):
    return (net(INPUTS) - number).square().mean()


def no_error(loss):
    pytest.fail(f"asked to explain {loss}")


def test_a_learner_steps_as_adam_alone_does_and_at_the_rate_that_is_asked_for():
    ours, plain = network(), network()
    learns = learner(ours)
    optimiser = torch.optim.Adam(plain.parameters(), lr=1.0, weight_decay=0.01, fused=True)
    for number, rate in enumerate((0.1, 0.03, 0.2)):
        value = learns.step(loss_of(ours, number), rate, no_error)
        loss = loss_of(plain, number)
        optimiser.param_groups[0]["lr"] = rate
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        assert value == float(loss.detach())
        assert learns.learning_rate == rate
        assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), plain.parameters(), strict=True))


def test_a_learner_has_its_whole_state_before_its_first_step():
    learns = learner(network())
    before = {name: tensor.shape for name, tensor in learns.tensors().items()}
    learns.step(loss_of(learns.network, 1.0), 0.1, no_error)
    assert before == {name: tensor.shape for name, tensor in learns.tensors().items()}
    assert {"weight", "weight/step", "weight/exp_avg", "weight/exp_avg_sq", "bias"} <= before.keys()


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_changes_nothing_and_is_explained(bad):
    learns = learner(network())
    with pytest.raises(NonFiniteLossError, match=f"look at {bad}"):
        learns.step(bad * loss_of(learns.network, 1.0), 0.1, lambda value: f"look at {value}")
    assert torch.equal(learns.network.weight, network().weight)


class Counting(Trainer):
    """Six steps towards numbers that are drawn one after the other."""

    def __init__(self) -> None:
        super().__init__({"one": learner(network()), "other": learner(network())}, 6)
        self.drawn = torch.zeros(1)

    def next_step(self):
        self.drawn = self.drawn + 1
        losses = {
            name: learns.step(loss_of(learns.network, self.drawn), 0.1, no_error)
            for name, learns in self.learners.items()
        }
        self.step += 1
        self.history.add(**losses)
        return losses

    def _place(self):
        return State({"drawn": self.drawn}, {"parity": self.step % 2})

    def _go_to(self, state):
        assert state.numbers["parity"] == self.step % 2
        self.drawn = state.tensors["drawn"]


def test_steps_are_reported_with_their_losses_and_saved_when_it_is_time(tmp_path):
    trainer, reports = Counting(), []
    checkpoint = Checkpoint(tmp_path / "state", "key", math.inf, pytest.fail)

    def report(progress):
        reports.append(progress)
        assert checkpoint.path.exists() == (progress.step > 3)
        checkpoint.every_s = 0.0 if progress.step == 3 else math.inf

    trainer.run(report, checkpoint)
    assert [(progress.step, progress.n_steps) for progress in reports] == [(step, 6) for step in range(1, 7)]
    assert [progress.losses["other"] for progress in reports] == trainer.history.columns["other"]


@pytest.mark.parametrize("at", [1, 5])
def test_a_state_brings_back_networks_history_and_what_a_subclass_adds(tmp_path, at):
    undisturbed = Counting()
    undisturbed.run()
    interrupted = Counting()
    for _ in range(at):
        interrupted.next_step()
    checkpoint = Checkpoint(tmp_path / "state", "key", 0.0, pytest.fail)
    checkpoint.save(interrupted.state())
    resumed, told = Counting(), []
    resumed.run(checkpoint=Checkpoint(checkpoint.path, "key", math.inf, told.append))
    assert told == [f"continues at step {at} of 6"]
    (tensors, numbers), (expected, expected_numbers) = resumed.state(), undisturbed.state()
    assert numbers == expected_numbers
    assert tensors.keys() == expected.keys()
    assert [name for name in tensors if not torch.equal(tensors[name], expected[name])] == []
