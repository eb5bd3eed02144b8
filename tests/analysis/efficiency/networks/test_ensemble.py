"""Members of a network together: mean, spread, files, and what does not belong together."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import deepsf
from deepsf.config.efficiency.networks import NETWORKS
from deepsf.efficiency.events.folds import Fold
from deepsf.efficiency.networks.ensemble import EfficiencyEnsemble, load_member, save_member
from deepsf.tensor_files import TensorFileError
from tests.analysis.efficiency.events.random_jets import random_events
from tests.analysis.efficiency.networks.random_networks import EVENTS, random_network
from tests.analysis.tensor_file_damage import accepted, content, spoil


def test_mean_and_spread_are_over_members():
    networks = [random_network(seed=seed) for seed in range(4)]
    members = np.stack([net.evaluate(EVENTS) for net in networks])
    ensemble = EfficiencyEnsemble.of(networks)
    found = ensemble.evaluate(EVENTS)
    assert np.array_equal(np.stack(list(ensemble.members(EVENTS))), members)
    assert found.mean == pytest.approx(members.mean(0), rel=1e-6)
    assert found.spread == pytest.approx(members.std(0, ddof=1), rel=1e-5)
    assert np.isnan(EfficiencyEnsemble.of(networks[:1]).evaluate(EVENTS).spread).all()


@pytest.mark.parametrize("model", NETWORKS)
def test_files_bring_back_every_bit(model, tmp_path):
    networks = [random_network(model, ("L", "M"), seed=seed, untagged_weight=(1.0, 0.5, 0.1)) for seed in (1, 2)]
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
    assert content(tmp_path / "ensemble")[0]["deepsf_version"] == deepsf.__version__
    assert "deepsf_version" not in content(tmp_path / "member")[0]  # trainings outlive versions
    with pytest.raises(ValueError, match="holds 2 members, not one"):
        load_member(tmp_path / "ensemble")


def test_files_keep_which_events_their_networks_were_trained_on(tmp_path):
    odd = [random_network(seed=seed, fold=Fold(1)) for seed in (1, 2)]
    save_member(tmp_path / "member", odd[0])
    EfficiencyEnsemble.of([load_member(tmp_path / "member"), odd[1]]).save(tmp_path / "ensemble")
    assert EfficiencyEnsemble.load(tmp_path / "ensemble").fold == Fold(1, 2)
    with pytest.raises(ValueError, match="the same fold, got events with an odd number and None"):
        EfficiencyEnsemble.of([odd[0], random_network(seed=2)])


def test_files_of_something_else_are_refused(tmp_path):
    (tmp_path / "note").write_text("not a network")
    with pytest.raises(ValueError, match="note: not a readable safetensors file"):
        EfficiencyEnsemble.load(tmp_path / "note")
    from safetensors.torch import save_file

    save_file({"x": torch.ones(1)}, tmp_path / "foreign")
    with pytest.raises(ValueError, match="format None is not 'deepsf-efficiency-1'"):
        load_member(tmp_path / "foreign")


@pytest.mark.parametrize("model", ["closest_jet", "gnn"])
def test_a_spoilt_file_is_refused_whatever_is_wrong_with_it(model, tmp_path):
    path = tmp_path / "ensemble"
    EfficiencyEnsemble.of([random_network(model, seed=seed) for seed in (1, 2)]).save(path)
    assert accepted(path, EfficiencyEnsemble.load) == ["header without deepsf_version"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda header: header["scalings"].pop(), "header announces no tensors 1/"),
        (lambda header: header["flavours"].append("tau"), "3 weights of untagged jets for 4 flavours"),
        (lambda header: header["working_points"].append("T"), "its header announces float32 of shape"),
        (lambda header: header.update(model="nothing"), "there is no network 'nothing'"),
        (lambda header: header["sizes"].update(heads=2), "heads"),
        (lambda header: header["sizes"].update(units=100_000), "announces units = 100000, its tensors allow"),
        (lambda header: header["sizes"].update(blocks=-1), "announces blocks = -1, its tensors allow"),
        (lambda header: header["untagged_weight"].__setitem__(1, 0.0), "not all above 0"),
        (lambda header: header["scalings"][1].update(width=[1.0, 0.0, 1.0]), "3 means and widths above 0"),
        (lambda header: header["scalings"][1]["mean"].pop(), "3 means and widths above 0"),
        (lambda header: header["scalings"][1].update(pt_gev=[500.0, 20.0]), "an empty range of pt_gev"),
    ],
)
def test_a_header_that_does_not_fit_is_refused(tmp_path, change, message):
    path = tmp_path / "ensemble"
    EfficiencyEnsemble.of([random_network(seed=seed) for seed in (1, 2)]).save(path)
    header, tensors = content(path)
    change(header)
    spoil(path, header, tensors)
    with pytest.raises(TensorFileError, match=message):
        EfficiencyEnsemble.load(path)


@pytest.mark.parametrize(
    ("other", "what"),
    [
        (lambda: random_network("pairwise"), "the same model, got gnn and pairwise"),
        (lambda: random_network(working_points=("L", "M")), "the same working_points"),
        (lambda: random_network(flavours=("b", "udsg")), "the same flavours"),
        (lambda: random_network(untagged_weight=(1.0, 1.0, 0.1)), "the same untagged_weight"),
    ],
)
def test_members_that_do_not_belong_together_are_refused(other, what):
    with pytest.raises(ValueError, match=what):
        EfficiencyEnsemble.of([random_network(), other()])


@pytest.mark.parametrize("model", NETWORKS)
def test_events_without_jets_have_no_mean_and_no_spread(model):
    ensemble = EfficiencyEnsemble.of([random_network(model), random_network(model, seed=2)])
    found = ensemble.evaluate(random_events(3, multiplicities=(0,)))
    assert found.mean.shape == found.spread.shape == (0, 1)


def test_an_ensemble_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one network, got none"):
        EfficiencyEnsemble.of([])
