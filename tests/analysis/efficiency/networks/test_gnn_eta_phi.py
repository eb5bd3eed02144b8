"""The network without DeltaR: what it sees of a pair, and under what it does not change."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.analysis.efficiency.networks.random_networks import (
    EVENTS,
    SCALING,
    efficiencies,
    random_module,
    rotated,
    tensors,
)


def only_separations(events):
    return SCALING.tensors(events, events.flavour, 3, ["separations"])


def test_it_needs_no_distance():
    net, jets = random_module("gnn_eta_phi"), only_separations(EVENTS)
    assert jets.pairs is None
    with torch.no_grad():
        assert net(jets).isfinite().all()
    assert net.needs == {"separations"}


def test_it_does_not_change_under_rotation_in_phi_and_reflection_in_eta():
    net = random_module("gnn_eta_phi")
    reflected = replace(EVENTS, eta=-EVENTS.eta)
    one, *others = (
        efficiencies(net(only_separations(events)).detach()) for events in (EVENTS, rotated(EVENTS), reflected)
    )
    for other in others:
        assert other.numpy() == pytest.approx(one.numpy(), abs=2e-5)


def test_its_compiled_form_is_the_plain_one():
    net, jets = random_module("gnn_eta_phi"), tensors(EVENTS)
    with torch.no_grad():
        found = net(jets)
    assert found.numpy() == pytest.approx(net.plain(jets).detach().numpy(), abs=1e-5)
    label, weight = torch.from_numpy(EVENTS.tag_bin).long(), torch.ones(len(found))
    loss, _ = net.loss_gradients(jets, label, weight, 1.0)
    expected = torch.nn.functional.binary_cross_entropy_with_logits(found[:, 0], label.float(), reduction="sum")
    assert loss == pytest.approx(float(expected), rel=1e-5)


def test_it_tells_a_pair_apart_in_eta_from_one_apart_in_phi():
    net = random_module("gnn_eta_phi")
    first = EVENTS.select(EVENTS.n_jets == 2)
    first = first.select(np.arange(len(first)) == 0)
    in_eta = replace(first, eta=np.array([0.5, 1.3], np.float32), phi=np.zeros(2, np.float32))
    in_phi = replace(first, eta=np.array([0.5, 1.3], np.float32), phi=np.array([0.0, 0.8], np.float32))
    one, two = (efficiencies(net(only_separations(events)).detach()) for events in (in_eta, in_phi))
    assert (one - two).abs().max() > 1e-3
