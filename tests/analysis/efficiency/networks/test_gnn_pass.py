"""The compiled network, in groups of events: any sizes, any order, NaN, and events without neighbours or jets."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from deepsf.efficiency.events.events import offsets_of
from deepsf.efficiency.networks import gnn_pass
from deepsf.efficiency.networks.gnn_pass import GROUP_JETS, largest_group
from deepsf.efficiency.networks.jet_tensors import JetTensors
from deepsf.efficiency.networks.pairs import N_FEATURES, pair_offsets
from deepsf.training.classifier import cross_entropies
from tests.analysis.efficiency.networks.random_networks import random_module


def random_jets(counts, seed=1):
    generator, offsets = torch.Generator().manual_seed(seed), offsets_of(np.asarray(counts))
    n_jets, n_pairs = int(offsets[-1]), int(pair_offsets(offsets)[-1])
    x, pairs = (torch.randn(n, 3, generator=generator) for n in (n_jets, n_pairs))
    assert N_FEATURES == 3
    return JetTensors(offsets, x, torch.randint(0, 3, (n_jets,), generator=generator).int(), pairs)


def logits_of(net, jets):
    with torch.no_grad():
        return net(jets)


def test_groups_are_as_large_as_they_may_be_and_a_larger_event_is_one_of_its_own():
    assert largest_group(offsets_of(np.full(1000, 3))) == GROUP_JETS // 3 * 3
    assert largest_group(offsets_of(np.array([1, GROUP_JETS + 5, 2]))) == GROUP_JETS + 5
    assert largest_group(offsets_of(np.array([2, 0, 3]))) == 5
    assert largest_group(np.array([0])) == 0


@pytest.mark.parametrize("counts", [[4, 1, 0, 7, 2] * 100, [1], [0, 0], [2], [30, 1, 12], [1] * 700])
def test_logits_are_those_of_the_plain_form(counts):
    net, jets = random_module("gnn", 2), random_jets(counts)
    found, expected = logits_of(net, jets), net.plain(jets).detach()
    assert found.shape == expected.shape == (sum(counts), 2)
    # sums over 29 neighbours round more
    assert found.numpy() == pytest.approx(expected.numpy(), rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("n_points", [1, 3])
def test_loss_and_gradients_are_those_of_automatic_differentiation_in_double_precision(n_points):
    net, jets = random_module("gnn", n_points), random_jets([4, 1, 0, 7, 2] * 100)
    generator = torch.Generator().manual_seed(3)
    weight = torch.randn(len(jets.x), generator=generator)
    label = torch.randint(0, n_points + 1, (len(jets.x),), generator=generator)
    loss, gradients = net.loss_gradients(jets, label, weight, 0.3)
    double = random_module("gnn", n_points).double()
    wide = JetTensors(jets.offsets, jets.x.double(), jets.flavour, jets.pairs.double())
    expected = 0.3 * torch.dot(weight.double(), cross_entropies(double.plain(wide), label))
    expected.backward()
    assert loss == pytest.approx(float(expected.detach()), rel=1e-6)
    of = {id(parameter): gradient for parameter, gradient in gradients}
    assert len(of) == len(list(net.parameters()))
    for (name, parameter), other in zip(net.named_parameters(), double.parameters(), strict=True):
        largest = float(other.grad.abs().max())
        assert of[id(parameter)].numpy() == pytest.approx(other.grad.numpy(), rel=2e-5, abs=5e-6 * largest), name


def test_a_batch_has_the_sum_of_the_losses_and_gradients_of_its_parts():
    net, jets = random_module("gnn"), random_jets([3, 5, 2] * 60)
    weight, label = torch.ones(len(jets.x)), jets.flavour.clamp(max=1).long()
    whole = net.loss_gradients(jets, label, weight, 1.0)
    half = JetTensors(jets.offsets[:91], jets.x[:300], jets.flavour[:300], jets.pairs[: pair_offsets(jets.offsets)[90]])
    rest = JetTensors(
        jets.offsets[90:] - 300, jets.x[300:], jets.flavour[300:], jets.pairs[pair_offsets(jets.offsets)[90] :]
    )
    parts = [net.loss_gradients(p, label[s], weight[s], 1.0) for p, s in ((half, slice(300)), (rest, slice(300, None)))]
    assert whole[0] == pytest.approx(parts[0][0] + parts[1][0], rel=1e-6)
    for (_, one), (_, two), (_, three) in zip(whole[1], parts[0][1], parts[1][1], strict=True):
        assert one.numpy() == pytest.approx((two + three).numpy(), rel=1e-4, abs=1e-4)


def test_a_jet_that_is_not_a_number_spoils_its_event_and_the_loss_and_no_other_event():
    net, jets = random_module("gnn"), random_jets([3, 4, 2] * 50)
    jets.x[jets.offsets[10], 0] = torch.nan
    bad = torch.isnan(logits_of(net, jets)[:, 0]).nonzero()[:, 0].tolist()
    assert bad == list(range(jets.offsets[10], jets.offsets[11]))
    loss, _ = net.loss_gradients(jets, torch.zeros(len(jets.x), dtype=torch.int64), torch.ones(len(jets.x)), 1.0)
    assert np.isnan(loss)


def test_large_logits_have_a_finite_loss():
    logits = np.array([[200.0, -300.0], [-500.0, -500.0], [90.0, 100.0]], np.float32)
    label, weight = np.array([2, 0, 1]), np.array([1.0, 2.0, -0.5], np.float32)
    expected = torch.from_numpy(logits.copy()).double().requires_grad_()
    loss = torch.dot(torch.from_numpy(weight).double(), cross_entropies(expected, torch.from_numpy(label)))
    loss.backward()
    assert gnn_pass._to_gradient(logits, label, weight) == pytest.approx(float(loss.detach()), rel=1e-6)
    assert logits == pytest.approx(expected.grad.numpy(), abs=1e-6)
