"""Damaged files of tensors: ensembles of scale factors and of efficiencies, efficiencies of jets."""

from __future__ import annotations

import numpy as np

from deepsf.efficiency import evaluation
from deepsf.efficiency.evaluation import ModelEfficiencies
from deepsf.efficiency.networks.ensemble import EfficiencyEnsemble
from deepsf.networks.scale_factor import EnsembleScaleFactor
from tests.analysis.efficiency.networks.random_networks import EVENTS, random_network
from tests.analysis.networks.random_members import CODES, member
from tests.fuzz.gate import failures
from tests.fuzz.test_tables import digest


def test_no_damage_of_scale_factors_does_harm(tmp_path):
    path = tmp_path / "ensemble.safetensors"
    EnsembleScaleFactor(tuple(member(seed) for seed in (1, 2)), CODES).save(path)
    rng = np.random.default_rng(1)
    jets = rng.choice([0, 4, 5], 50), rng.uniform(0, 2.4, 50), rng.uniform(20, 300, 50), rng.random(50)
    assert not failures(lambda case: digest(*EnsembleScaleFactor.load(case).evaluate(*jets)), path, 200)


def test_no_damage_of_efficiencies_does_harm(tmp_path):
    path = tmp_path / "gnn.safetensors"
    EfficiencyEnsemble.of([random_network(seed=seed) for seed in (1, 2)]).save(path)
    events = EVENTS.select(np.arange(len(EVENTS.event)) < 20)
    assert not failures(lambda case: digest(*EfficiencyEnsemble.load(case).evaluate(events)), path, 150)


def test_no_damage_of_efficiencies_of_jets_does_harm(tmp_path):
    path = tmp_path / "efficiencies.safetensors"
    values = np.random.default_rng(1).random((3, 40, 1), np.float32)
    evaluation.write(path, {"gnn": ModelEfficiencies(values[0], values[1], values[:2], np.zeros(40, bool))})
    assert not failures(lambda case: digest(*evaluation.read(case)["gnn"]), path, 150)
