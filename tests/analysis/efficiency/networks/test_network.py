"""Networks in use: what an event's efficiencies depend on, jets that were never seen, files, ensembles."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from deepsf.efficiency.events.events import join
from deepsf.efficiency.networks.ensemble import EfficiencyEnsemble, load_member, save_member
from deepsf.efficiency.networks.jet_tensors import JetScaling
from deepsf.efficiency.networks.network import EfficiencyNetwork, build
from deepsf.tensor_files import TensorFileError
from tests.analysis.efficiency.events.random_jets import FLAVOURS, random_events
from tests.analysis.tensor_file_damage import accepted, content, spoil

SIZES = {
    "closest_jet": {"layers": 2, "units": 16},
    "pairwise": {"units": 16},
    "gnn": {"blocks": 2, "units": 16},
    "gnn_2004_02665": {"blocks": 1, "units": 16},
}
MODELS = list(SIZES)
EVENTS = random_events(300, multiplicities=(0, 1, 2, 3, 5))


def network(model="gnn", working_points=("M",), seed=1, flavours=FLAVOURS, **changed):
    generator = torch.Generator().manual_seed(seed)
    module = build(model, SIZES[model], len(flavours), len(working_points), generator)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))
    mu = tuple(1.0 for _ in flavours)
    made = EfficiencyNetwork(model, SIZES[model], flavours, working_points, JetScaling.fit(EVENTS), mu, module)
    return replace(made, **changed)


def one_by_one(events):
    return [events.select(np.arange(len(events)) == number) for number in range(len(events))]


@pytest.mark.parametrize("model", ["closest_jet", "pairwise", "gnn"])
def test_other_events_and_their_order_change_not_a_bit(model):
    net, parts = network(model, ("L", "M")), one_by_one(EVENTS)
    together = net.evaluate(EVENTS)
    for number in range(0, 300, 7):
        begin, end = EVENTS.offsets[number : number + 2]
        assert np.array_equal(net.evaluate(parts[number]), together[begin:end])
    order = np.random.default_rng(1).permutation(300)
    shuffled = net.evaluate(join([parts[number] for number in order]))
    expected = [together[EVENTS.offsets[number] : EVENTS.offsets[number + 1]] for number in order]
    assert np.array_equal(shuffled, np.concatenate(expected))


def test_the_order_of_the_publications_network_is_exact_to_rounding():
    net, parts = network("gnn_2004_02665"), one_by_one(EVENTS)
    together = np.concatenate([net.evaluate(part) for part in parts])
    assert together == pytest.approx(net.evaluate(EVENTS), abs=1e-6)


def test_more_events_than_a_block_holds_change_nothing(monkeypatch):
    net = network()
    expected = net.evaluate(EVENTS)
    monkeypatch.setattr("deepsf.efficiency.networks.network._BLOCK_EVENTS", 7)
    assert np.array_equal(net.evaluate(EVENTS), expected)


@pytest.mark.parametrize("model", MODELS)
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


@pytest.mark.parametrize("model", MODELS)
def test_events_without_jets_have_no_efficiencies(model):
    empty = random_events(3, multiplicities=(0,))
    assert network(model, ("L", "M")).evaluate(empty).shape == (0, 2)
    assert network(model).out_of_range(empty).shape == (0,)
    found = EfficiencyEnsemble.of([network(model), network(model, seed=2)]).evaluate(empty)
    assert found.mean.shape == found.spread.shape == (0, 1)


@pytest.mark.parametrize("model", MODELS)
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


# --- ensembles and files


def test_mean_and_spread_are_over_members():
    networks = [network(seed=seed) for seed in range(4)]
    members = np.stack([net.evaluate(EVENTS) for net in networks])
    ensemble = EfficiencyEnsemble.of(networks)
    found = ensemble.evaluate(EVENTS)
    assert np.array_equal(np.stack(list(ensemble.members(EVENTS))), members)
    assert found.mean == pytest.approx(members.mean(0), rel=1e-6)
    assert found.spread == pytest.approx(members.std(0, ddof=1), rel=1e-5)
    assert np.isnan(EfficiencyEnsemble.of(networks[:1]).evaluate(EVENTS).spread).all()


@pytest.mark.parametrize("model", MODELS)
def test_files_bring_back_every_bit(model, tmp_path):
    networks = [network(model, ("L", "M"), seed=seed, untagged_weight=(1.0, 0.5, 0.1)) for seed in (1, 2)]
    save_member(tmp_path / "member", networks[0])
    assert np.array_equal(load_member(tmp_path / "member").evaluate(EVENTS), networks[0].evaluate(EVENTS))
    ensemble = EfficiencyEnsemble.of(networks)
    ensemble.save(tmp_path / "ensemble")
    loaded = EfficiencyEnsemble.load(tmp_path / "ensemble")
    assert loaded.n_members == 2
    assert loaded.working_points == ("L", "M")
    for one, two in zip(loaded.evaluate(EVENTS), ensemble.evaluate(EVENTS), strict=True):
        assert np.array_equal(one, two)
    loaded.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "ensemble").read_bytes()
    with pytest.raises(ValueError, match="holds 2 members, not one"):
        load_member(tmp_path / "ensemble")


def test_files_of_something_else_are_refused(tmp_path):
    (tmp_path / "note").write_text("not a network")
    with pytest.raises(ValueError, match="note: not a readable safetensors file"):
        EfficiencyEnsemble.load(tmp_path / "note")
    from safetensors.torch import save_file

    save_file({"x": torch.ones(1)}, tmp_path / "foreign")
    with pytest.raises(ValueError, match="format None is not 'deepsf-efficiency-1'"):
        load_member(tmp_path / "foreign")


@pytest.mark.parametrize("model", ["closest_jet", "invariant"])
def test_a_spoilt_file_is_refused_whatever_is_wrong_with_it(model, tmp_path):
    path = tmp_path / "ensemble"
    EfficiencyEnsemble.of([network(model, seed=seed) for seed in (1, 2)]).save(path)
    assert accepted(path, EfficiencyEnsemble.load) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda header: header["scalings"].pop(), "header announces no tensors 1/"),
        (lambda header: header["flavours"].append("tau"), "3 weights of untagged jets for 4 flavours"),
        (lambda header: header["working_points"].append("T"), "its header announces float32 of shape"),
        (lambda header: header.update(model="nothing"), "there is no network 'nothing'"),
        (lambda header: header["sizes"].update(heads=2), "heads"),
    ],
)
def test_a_header_that_does_not_fit_is_refused(tmp_path, change, message):
    path = tmp_path / "ensemble"
    EfficiencyEnsemble.of([network(seed=seed) for seed in (1, 2)]).save(path)
    header, tensors = content(path)
    change(header)
    spoil(path, header, tensors)
    with pytest.raises(TensorFileError, match=message):
        EfficiencyEnsemble.load(path)


@pytest.mark.parametrize(
    ("other", "what"),
    [
        (lambda: network("pairwise"), "the same model, got gnn and pairwise"),
        (lambda: network(working_points=("L", "M")), "the same working_points"),
        (lambda: network(flavours=("b", "udsg")), "the same flavours"),
        (lambda: network(untagged_weight=(1.0, 1.0, 0.1)), "the same untagged_weight"),
    ],
)
def test_members_that_do_not_belong_together_are_refused(other, what):
    with pytest.raises(ValueError, match=what):
        EfficiencyEnsemble.of([network(), other()])


def test_an_ensemble_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one network, got none"):
        EfficiencyEnsemble.of([])
