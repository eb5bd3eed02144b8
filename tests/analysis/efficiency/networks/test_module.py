"""What all networks have in common: symmetries, nested working points, where they start, what their weights are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from deepsf.config.efficiency.networks import NETWORKS
from deepsf.efficiency.networks.network import build, network_class
from tests.analysis.efficiency.events.random_jets import random_events
from tests.analysis.efficiency.networks.random_networks import (
    EVENTS,
    GRAPHS,
    SIZES,
    alone,
    efficiencies,
    random_module,
    rotated,
    tensors,
)

SEE_NO_PHI = [name for name in NETWORKS if "angles" not in network_class(name).needs]


@pytest.mark.parametrize("model", NETWORKS)
def test_permutation_of_jets_permutes_their_efficiencies(model):
    rng = np.random.default_rng(1)
    order = np.concatenate(
        [b + rng.permutation(e - b) for b, e in zip(EVENTS.offsets, EVENTS.offsets[1:], strict=False)]
    )
    columns = ("pt_gev", "eta", "phi", "flavour")
    permuted = replace(EVENTS, **{name: getattr(EVENTS, name)[order] for name in columns})
    net = random_module(model)
    one, two = (efficiencies(net(tensors(events))).detach().numpy() for events in (EVENTS, permuted))
    assert two == pytest.approx(one[order], abs=1e-6)
    assert one.std() > 0.05


@pytest.mark.parametrize("model", SEE_NO_PHI)
def test_rotation_in_phi_and_reflection_in_eta_change_nothing(model):
    net = random_module(model)
    expected = efficiencies(net(tensors(EVENTS))).detach().numpy()
    for events in (rotated(EVENTS), replace(EVENTS, eta=-EVENTS.eta), replace(EVENTS, phi=-EVENTS.phi)):
        assert efficiencies(net(tensors(events))).detach().numpy() == pytest.approx(expected, abs=5e-6)


@pytest.mark.parametrize("model", GRAPHS)
def test_every_jet_of_the_event_matters_to_graph_networks(model):
    six, net = random_events(1, multiplicities=(6,)), random_module(model)
    with torch.no_grad():
        net.bias.weight.sub_(3.0)  # a product at its highest value changes with nothing
    before = efficiencies(net(tensors(six)))
    for jet in range(1, 6):
        flavour = six.flavour.copy()
        flavour[jet] = (flavour[jet] + 1) % 3
        after = efficiencies(net(tensors(replace(six, flavour=flavour))))
        assert (after - before)[0].abs() > 1e-5


@pytest.mark.parametrize("model", NETWORKS)
def test_a_lone_jet_has_an_efficiency_that_no_other_event_changes(model):
    net = random_module(model)
    lone = alone(EVENTS)
    together = net(tensors(lone)).detach().numpy()
    assert np.isfinite(together).all()
    mixed = net(tensors(EVENTS)).detach().numpy()
    is_lone = np.repeat(EVENTS.n_jets == 1, EVENTS.n_jets)
    assert mixed[is_lone] == pytest.approx(together[is_lone], abs=1e-5)


@pytest.mark.parametrize("model", NETWORKS)
@pytest.mark.parametrize("n_points", [1, 4])
def test_passing_a_tighter_working_point_is_never_more_probable(model, n_points):
    passing = efficiencies(random_module(model, n_points)(tensors(EVENTS)))
    assert passing.shape == (len(EVENTS.pt_gev), n_points)
    assert (passing.diff(dim=1) <= 0).all()
    assert (passing > 0).all()
    assert (passing < 1).all()


@pytest.mark.parametrize("model", NETWORKS)
def test_a_network_starts_near_the_fraction_of_each_flavour_in_each_bin(model):
    fractions = torch.tensor([[0.3, 0.2, 0.5], [0.9, 0.08, 0.02], [0.99, 0.009, 0.001]])
    net = build(model, SIZES[model], 3, 2, torch.Generator().manual_seed(1))
    net.start_from(fractions)
    found = efficiencies(net(tensors(EVENTS))).detach()
    for flavour in range(3):
        mean = found[torch.from_numpy(EVENTS.flavour == flavour)].mean(0)
        expected = [float(fractions[flavour, 1:].sum()), float(fractions[flavour, 2])]
        assert mean.tolist() == pytest.approx(expected, rel=0.3)


@pytest.mark.parametrize("model", NETWORKS)
def test_weights_depend_on_the_generator_alone(model):
    torch.manual_seed(1)
    one = build(model, SIZES[model], 3, 1, torch.Generator().manual_seed(1)).state_dict()
    torch.manual_seed(2)
    two = build(model, SIZES[model], 3, 1, torch.Generator().manual_seed(1)).state_dict()
    other = build(model, SIZES[model], 3, 1, torch.Generator().manual_seed(2)).state_dict()
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert not any(torch.equal(one[name], other[name]) for name in one if "bias" not in name)
