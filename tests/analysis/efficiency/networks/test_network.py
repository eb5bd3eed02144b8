"""Networks in use: what an event's efficiencies depend on, and jets that were never seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from deepsf.config.efficiency.networks import NETWORKS
from deepsf.efficiency.events.events import join
from deepsf.efficiency.networks.jet_tensors import JetScaling
from deepsf.efficiency.networks.network import build
from tests.analysis.efficiency.events.random_jets import random_events
from tests.analysis.efficiency.networks.random_networks import one_by_one, random_network

EVENTS = random_events(300, multiplicities=(0, 1, 2, 3, 5))


def network(*args, **changed):
    return random_network(*args, scaling=JetScaling.fit(EVENTS), **changed)


@pytest.mark.parametrize("model", NETWORKS)
def test_other_events_and_their_order_change_nothing(model):
    net, parts = network(model, ("L", "M")), one_by_one(EVENTS)
    together = net.evaluate(EVENTS)
    assert np.concatenate([net.evaluate(part) for part in parts]) == pytest.approx(together, abs=1e-6)
    order = np.random.default_rng(1).permutation(len(parts))
    expected = np.concatenate([together[EVENTS.offsets[k] : EVENTS.offsets[k + 1]] for k in order])
    assert net.evaluate(join([parts[number] for number in order])) == pytest.approx(expected, abs=1e-6)


def test_more_events_than_a_block_holds_change_nothing(monkeypatch):
    net = network()
    expected = net.evaluate(EVENTS)
    monkeypatch.setattr("deepsf.efficiency.networks.network._BLOCK_EVENTS", 7)
    assert net.evaluate(EVENTS) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("model", NETWORKS)
def test_evaluation_is_what_was_trained(model):
    net = network(model, ("L", "M", "T"))
    tensors = net.scaling.tensors(EVENTS, EVENTS.flavour, 3, net.module.needs)
    logits = net.module(tensors).detach().double()
    bins = torch.softmax(torch.cat([torch.zeros(len(logits), 1), logits], 1), 1)
    passing = net.evaluate(EVENTS)
    assert passing.dtype == np.float32
    assert passing == pytest.approx(bins.flip(1).cumsum(1).flip(1)[:, 1:].numpy(), abs=1e-5)
    assert (np.diff(passing, axis=1) <= 0).all()


def test_the_weight_of_untagged_jets_is_undone_exactly_by_flavour():
    """eps = mu p / (mu p + 1 - p) for the p that the network gives."""
    p = network().evaluate(EVENTS)[:, 0].astype(float)
    mu = np.array([0.5, 0.1, 0.01])
    eps = network(untagged_weight=tuple(mu)).evaluate(EVENTS)[:, 0]
    mu_of_jet = mu[EVENTS.flavour]
    assert eps == pytest.approx(mu_of_jet * p / (mu_of_jet * p + 1 - p), rel=1e-5)


@pytest.mark.parametrize("model", NETWORKS)
def test_events_without_jets_have_no_efficiencies(model):
    empty = random_events(3, multiplicities=(0,))
    assert network(model, ("L", "M")).evaluate(empty).shape == (0, 2)
    assert network(model).out_of_range(empty).shape == (0,)


@pytest.mark.parametrize("model", NETWORKS)
def test_jets_beyond_all_that_was_seen_are_flagged_and_have_an_efficiency(model):
    crowd = random_events(2, multiplicities=(12,))
    wild = replace(EVENTS, pt_gev=EVENTS.pt_gev * 1e4, eta=EVENTS.eta * 10)
    for events in (crowd, wild):
        passing = network(model).evaluate(events)
        assert ((passing > 0) & (passing < 1)).all()
        assert network(model).out_of_range(events).all()
    assert not network(model).out_of_range(EVENTS).any()


def test_a_flavour_never_trained_on_is_named():
    beauty = random_events(10, flavours=("b", "c"), seed=3)
    strange = replace(beauty, flavours=("b", "tau"))
    with pytest.raises(ValueError, match="jets of flavour tau: the network gnn was trained on b, c, udsg"):
        network().evaluate(strange)
    # known to the events, but no jet has it
    assert len(network().evaluate(replace(strange, flavour=np.zeros_like(strange.flavour))))


def test_flavours_are_matched_by_name_not_by_number():
    other_order = replace(EVENTS, flavours=("udsg", "b", "c"), flavour=((EVENTS.flavour + 1) % 3).astype(np.int8))
    assert np.array_equal(network().evaluate(other_order), network().evaluate(EVENTS))


def test_an_unknown_network_is_named():
    with pytest.raises(ValueError, match=r"no network 'transformer', only \['closest_jet'"):
        build("transformer", {}, 3, 1, torch.Generator())
