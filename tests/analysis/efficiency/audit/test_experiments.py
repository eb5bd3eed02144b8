"""Experiments with the ensemble's network: what each one tells, on samples of seconds."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.config.efficiency.experiments import EfficiencyExperiments
from deepsf.config.efficiency.networks import Gnn
from deepsf.efficiency.audit import experiments
from deepsf.efficiency.audit.experiments import ExperimentSetup, run_experiment
from tests.analysis.efficiency.audit.audited_toy import CONFIG, FLAVOURS

DEFAULTS = EfficiencyExperiments()
TOY = CONFIG.efficiency.toy.model_copy(update={"n_test": 20_000})
# light jets are tagged ten times as often: few events are enough
OFTEN = TOY.model_copy(
    update={"base": {**TOY.base, "udsg": TOY.base["udsg"].model_copy(update={"scale": 0.08})}, "n_train": 40_000}
)


def run(name, toy=OFTEN, n_events=None, **changes):
    training = Gnn(**{"passes": 4, "units": 16, "blocks": 1, **changes})
    delta_r = np.array(CONFIG.efficiency.audit.delta_r)
    setup = ExperimentSetup(toy, FLAVOURS, "gnn", training, n_events, seed=1, delta_r=delta_r)
    return run_experiment(name, getattr(DEFAULTS, name), setup)


def test_efficiencies_do_not_depend_on_mu_once_it_is_undone():
    rows = run("untagged_weight")
    for flavour, eps in (("b", 0.7), ("c", 0.11), ("udsg", 0.11)):
        assert abs(rows[f"untagged_weight.undone.{flavour}"].value) < 2.0
        # a tag of probability eps counts 1, its opposite 0.1
        expected = 1 / (eps + 0.1 * (1 - eps))
        assert rows[f"untagged_weight.left.{flavour}"].value == pytest.approx(expected, rel=0.15)


def test_mu_that_the_network_forgets_to_undo_is_found(monkeypatch):
    plain = experiments.train_member

    def forgetful(*arguments):
        network, history = plain(*arguments)
        return experiments.replace(network, untagged_weight=(1.0,) * len(FLAVOURS)), history

    monkeypatch.setattr(experiments, "train_member", forgetful)
    assert run("untagged_weight", n_events=10_000)["untagged_weight.undone.udsg"].value > 100


def test_the_mean_over_a_hidden_variable_is_learnt():
    rows = run("hidden_variable", passes=8)
    # of the toy without neighbours' effect being known: 10 to 15 %
    assert rows["hidden_variable.deviation.b"].value < 6.0
    assert rows["hidden_variable.delta_r.1tag.chi2"].value < 4.0


def test_working_points_of_one_network_are_nested_and_have_a_row_each():
    rows = run("working_points")
    assert rows["working_points.monotone"].value == 0.0
    assert rows["working_points.sum_of_bins"].value < 1e-6
    names = {f"working_points.deviation.{flavour}.{point}" for flavour in FLAVOURS for point in ("L", "M", "T")}
    assert rows.keys() == {*names, "working_points.monotone", "working_points.sum_of_bins"}
    assert rows["working_points.deviation.b.L"].value < 8.0


def test_bins_add_up_with_mu_too():
    rows = run("working_points", n_events=3000, passes=1, untagged_weight={"b": 0.3, "udsg": 0.1})
    assert rows["working_points.sum_of_bins"].value < 1e-6


def test_bins_that_do_not_add_up_are_found(monkeypatch):
    def evaluate(network, events):
        return np.float32(0.999) * plain(network, events)

    plain = experiments.EfficiencyNetwork.evaluate
    monkeypatch.setattr(experiments.EfficiencyNetwork, "evaluate", evaluate)
    assert run("working_points", n_events=3000, passes=1)["working_points.sum_of_bins"].value > 1e-4


def test_the_same_seed_gives_the_same_figures():
    first, again = (run("hidden_variable", n_events=3000, passes=1) for _ in range(2))
    assert first == again
