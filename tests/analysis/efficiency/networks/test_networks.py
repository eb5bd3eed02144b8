"""Efficiency networks: the fast form is the textbook one, symmetries hold exactly where they are built in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from deepsf.efficiency.networks.gnn import MessageLayer
from deepsf.efficiency.networks.jet_tensors import JetScaling, JetTensors
from deepsf.efficiency.networks.network import build
from tests.analysis.efficiency.events.random_jets import random_events

SIZES = {
    "closest_jet": {"layers": 2, "units": 16},
    "pairwise": {"units": 16},
    "gnn": {"blocks": 2, "units": 16},
    "gnn_2004_02665": {"blocks": 3, "units": 32},
}
EVENTS = random_events(200)
SCALING = JetScaling.fit(EVENTS)
PARTS = ("pairs", "closest", "angles")


def tensors(events) -> JetTensors:
    return SCALING.tensors(events, events.flavour, 3, PARTS)


def network(model, n_points=1, seed=1):
    """Return a network with weights that are far from those it starts with: nothing is near zero by construction."""
    generator = torch.Generator().manual_seed(seed)
    made = build(model, SIZES[model], 3, n_points, generator)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))
    return made


def efficiencies(logits):
    """Cumulative probabilities from logits relative to untagged."""
    bins = torch.softmax(torch.cat([torch.zeros(len(logits), 1), logits], 1), 1)
    return bins.flip(1).cumsum(1).flip(1)[:, 1:]


@pytest.mark.parametrize("n_points", [1, 3])
@pytest.mark.parametrize("model", ["gnn", "pairwise"])
def test_the_fast_form_is_that_of_torch_geometric_in_values_and_gradients(model, n_points, monkeypatch):
    net, jets, results = network(model, n_points), tensors(EVENTS), []
    factor = torch.randn(len(jets.x), n_points, generator=torch.Generator().manual_seed(2))
    for form in (MessageLayer.forward, MessageLayer.plain):
        monkeypatch.setattr(MessageLayer, "forward", form)
        value = efficiencies(net(jets))
        results.append((value.detach(), torch.autograd.grad((value * factor).sum(), list(net.parameters()))))
    (fast, fast_gradients), (plain, plain_gradients) = results
    assert fast.numpy() == pytest.approx(plain.numpy(), abs=2e-6)
    for ours, theirs in zip(fast_gradients, plain_gradients, strict=True):
        assert ours.numpy() == pytest.approx(theirs.numpy(), rel=1e-4, abs=2e-5 * float(theirs.abs().max()))


def test_the_textbook_form_is_one_linear_layer_on_target_source_and_edge():
    net, jets = network("gnn"), tensors(EVENTS)
    layer = net.messages[0]
    h = torch.cat([jets.x, net.flavour(jets.flavour)], 1)
    (source, target), e = jets.edge_index(), jets.edge_attr()
    own, other = layer.node.weight.chunk(2, 1)
    plain = nn.Linear(2 * h.shape[1] + e.shape[1], own.shape[1])
    plain.load_state_dict({"weight": torch.cat([own, other, layer.edge]).t(), "bias": sum(layer.node.bias.chunk(2))})
    messages = torch.relu(plain(torch.cat([h[target], h[source], e], 1)))
    expected = torch.zeros(len(h), own.shape[1]).index_add_(0, target, messages)
    assert layer(h, jets).detach().numpy() == pytest.approx(expected.detach().numpy(), abs=1e-5)


@pytest.mark.parametrize("model", SIZES)
def test_permutation_of_jets_permutes_their_efficiencies(model):
    rng = np.random.default_rng(1)
    order = np.concatenate(
        [b + rng.permutation(e - b) for b, e in zip(EVENTS.offsets, EVENTS.offsets[1:], strict=False)]
    )
    columns = ("pt_gev", "eta", "phi", "flavour")
    permuted = replace(EVENTS, **{name: getattr(EVENTS, name)[order] for name in columns})
    net = network(model)
    one, two = (efficiencies(net(tensors(events))).detach().numpy() for events in (EVENTS, permuted))
    assert two == pytest.approx(one[order], abs=1e-6)
    assert one.std() > 0.05


def rotated(events, angle=2.0):
    return replace(events, phi=(np.mod(events.phi + angle + np.pi, 2 * np.pi) - np.pi).astype(np.float32))


@pytest.mark.parametrize("model", ["closest_jet", "pairwise", "gnn"])
def test_rotation_in_phi_and_reflection_in_eta_change_nothing(model):
    net = network(model)
    expected = efficiencies(net(tensors(EVENTS))).detach().numpy()
    for events in (rotated(EVENTS), replace(EVENTS, eta=-EVENTS.eta), replace(EVENTS, phi=-EVENTS.phi)):
        assert efficiencies(net(tensors(events))).detach().numpy() == pytest.approx(expected, abs=5e-6)


def test_the_network_of_the_publication_is_not_invariant_under_rotation():
    net = network("gnn_2004_02665")
    one, two = (efficiencies(net(tensors(events))) for events in (EVENTS, rotated(EVENTS)))
    assert (one - two).abs().max() > 1e-2


@pytest.mark.parametrize("model", ["gnn", "pairwise", "gnn_2004_02665"])
def test_every_jet_of_the_event_matters_to_graph_networks(model):
    six, net = random_events(1, multiplicities=(6,)), network(model)
    with torch.no_grad():
        net.bias.weight.sub_(3.0)  # a product at its highest value changes with nothing
    before = efficiencies(net(tensors(six)))
    for jet in range(1, 6):
        flavour = six.flavour.copy()
        flavour[jet] = (flavour[jet] + 1) % 3
        after = efficiencies(net(tensors(replace(six, flavour=flavour))))
        assert (after - before)[0].abs() > 1e-5


def test_the_closest_jet_alone_matters_to_the_network_on_theta_star():
    three = replace(
        random_events(1, multiplicities=(3,)),
        eta=np.array([0, 0.5, 2], np.float32), phi=np.zeros(3, np.float32), flavour=np.zeros(3, np.int8),
    )  # fmt: skip
    net = network("closest_jet")
    before = efficiencies(net(tensors(three)))
    for jet, matters in ((1, True), (2, False)):
        flavour = three.flavour.copy()
        flavour[jet] = 2
        change = (efficiencies(net(tensors(replace(three, flavour=flavour)))) - before)[0].abs()
        assert (change > 1e-4) == matters


def alone(events):
    """The same jets, each in an event of its own."""
    n_jets = len(events.pt_gev)
    return replace(
        events,
        offsets=np.arange(n_jets + 1),
        weight=np.ones(n_jets, np.float32),
        event=np.arange(n_jets, dtype=np.uint64),
    )


@pytest.mark.parametrize("model", SIZES)
def test_a_lone_jet_has_an_efficiency_that_no_other_event_changes(model):
    net = network(model)
    lone = alone(EVENTS)
    together = net(tensors(lone)).detach().numpy()
    assert np.isfinite(together).all()
    mixed = net(tensors(EVENTS)).detach().numpy()
    is_lone = np.repeat(EVENTS.n_jets == 1, EVENTS.n_jets)
    assert mixed[is_lone] == pytest.approx(together[is_lone], abs=1e-5)


def test_the_product_is_that_of_one_factor_for_each_neighbour():
    """With three jets: eps = eps_alone * r_1 * r_2, each ratio from the events of two jets."""
    three, net = random_events(1, multiplicities=(3,), seed=4), network("pairwise")
    with torch.no_grad():
        net.bias.weight.sub_(3.0)  # far below the highest value

    def of_first(*others):
        chosen = [0, *others]
        columns = {name: getattr(three, name)[chosen] for name in ("pt_gev", "eta", "phi", "flavour", "tag_bin")}
        return efficiencies(net(tensors(replace(three, offsets=np.array([0, len(chosen)]), **columns))))[0, 0].item()

    factors = [of_first(other) / of_first() for other in (1, 2)]
    assert of_first(1, 2) == pytest.approx(of_first() * factors[0] * factors[1], rel=1e-4)
    assert abs(factors[0] - 1) > 1e-3


def test_a_neighbour_can_raise_the_efficiency_of_the_product_but_not_above_one():
    net = network("pairwise")
    with torch.no_grad():
        net.log_factor.weight.fill_(1.0)
    pairs = efficiencies(net(tensors(EVENTS)))
    single = efficiencies(net(tensors(alone(EVENTS))))
    has_neighbour = torch.from_numpy(np.repeat(EVENTS.n_jets > 1, EVENTS.n_jets))
    assert (pairs >= single)[has_neighbour].all()
    assert (pairs > single + 0.1)[has_neighbour].any()
    assert (pairs < 1).all()


@pytest.mark.parametrize("model", SIZES)
@pytest.mark.parametrize("n_points", [1, 4])
def test_passing_a_tighter_working_point_is_never_more_probable(model, n_points):
    passing = efficiencies(network(model, n_points)(tensors(EVENTS)))
    assert passing.shape == (len(EVENTS.pt_gev), n_points)
    assert (passing.diff(dim=1) <= 0).all()
    assert (passing > 0).all()
    assert (passing < 1).all()


@pytest.mark.parametrize("model", SIZES)
def test_a_network_starts_near_the_fraction_of_each_flavour_in_each_bin(model):
    fractions = torch.tensor([[0.3, 0.2, 0.5], [0.9, 0.08, 0.02], [0.99, 0.009, 0.001]])
    net = build(model, SIZES[model], 3, 2, torch.Generator().manual_seed(1))
    net.start_from(fractions)
    found = efficiencies(net(tensors(EVENTS))).detach()
    for flavour in range(3):
        mean = found[torch.from_numpy(EVENTS.flavour == flavour)].mean(0)
        expected = [float(fractions[flavour, 1:].sum()), float(fractions[flavour, 2])]
        assert mean.tolist() == pytest.approx(expected, rel=0.3)


@pytest.mark.parametrize("model", SIZES)
def test_weights_depend_on_the_generator_alone(model):
    torch.manual_seed(1)
    one = build(model, SIZES[model], 3, 1, torch.Generator().manual_seed(1)).state_dict()
    torch.manual_seed(2)
    two = build(model, SIZES[model], 3, 1, torch.Generator().manual_seed(1)).state_dict()
    other = build(model, SIZES[model], 3, 1, torch.Generator().manual_seed(2)).state_dict()
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert not any(torch.equal(one[name], other[name]) for name in one if "bias" not in name)


def test_an_unknown_network_is_named():
    with pytest.raises(ValueError, match=r"no network 'transformer', only \['closest_jet'"):
        build("transformer", {}, 3, 1, torch.Generator())
