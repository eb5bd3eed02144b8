"""A student learns the mean of an ensemble, and is the same each time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from deepsf.config.exports import Student
from deepsf.exports.student import distilled
from deepsf.networks.scale_factor import EnsembleScaleFactor
from deepsf.probes.inclusive import InclusiveJets
from deepsf.training.engine import NonFiniteLossError
from tests.analysis.exports.conftest import points
from tests.analysis.exports.networks import LIMITS, limited, with_further_input, with_limit, with_mass

SHORT = Student(layers=2, units=32, steps=800, n_jets=4000)


def sample_of(jets):
    return InclusiveJets(np.arange(len(jets)), np.ones(len(jets)), jets)


def ensemble_of(make):
    return EnsembleScaleFactor(tuple(make(seed) for seed in range(3)), {"b": (5,), "c": (4,), "udsg": (0,)})


def test_it_follows_the_mean_at_other_jets_and_keeps_the_limits():
    ensemble = ensemble_of(limited)
    made = distilled(ensemble, {f: sample_of(points(4000)) for f in ("b", "udsg")}, SHORT)
    jets = points(4000, seed=6)
    for flavour in ("b", "udsg"):
        mean = ensemble.member_values(flavour, jets).mean(axis=0)
        away = made.evaluate(flavour, jets) - mean
        assert np.sqrt(np.mean(away**2)) < 0.25 * mean.std()
    assert made.limits == LIMITS
    assert (made.evaluate("c", jets) == 1).all()


def test_it_takes_the_mean_normalisation_and_the_widest_range_of_inputs():
    ensemble = ensemble_of(limited)
    members = list(ensemble.members)
    scaling = members[1].scalings["b"]
    members[1] = replace(members[1], scalings={**members[1].scalings, "b": replace(scaling, low=scaling.low - 0.5)})
    few = Student(layers=1, units=4, steps=2, n_jets=100)
    made = distilled(replace(ensemble, members=tuple(members)), {"b": sample_of(points(100))}, few)
    assert made.scalings["b"].low.tolist() == (scaling.low - 0.5).tolist()
    assert made.scalings["b"].high.tolist() == scaling.high.tolist()
    nodes = [member.normalisation["b"].at_node for member in members]
    np.testing.assert_allclose(made.normalisation["b"].at_node, np.mean(nodes, axis=0))


def test_equal_seeds_give_equal_networks_and_jets_without_weight_do_not_count():
    ensemble = ensemble_of(with_further_input)
    few = Student(layers=2, units=8, steps=20, n_jets=300)
    sample = sample_of(with_mass(500))
    without = replace(sample, weight=np.where(np.arange(500) < 250, -1.0, 0.0))
    first, second, other = (
        distilled(ensemble, {"b": of}, few).networks["b"].state_dict() for of in (sample, sample, without)
    )
    assert all((first[name] == second[name]).all() for name in first)
    assert not (first["last_weight"] == other["last_weight"]).all()


def test_jets_to_learn_from_have_invalid_values_where_there_may_be_some():
    few = Student(layers=2, units=8, steps=20, n_jets=300)
    sample = sample_of(with_mass(500, some_are_nan=True))
    made = distilled(ensemble_of(with_limit), {"b": sample}, few)
    assert made.scalings["b"].limits == {"mass": 5.0}
    assert np.isfinite(made.evaluate("b", sample.jets)).all()


def test_a_training_that_diverges_says_what_to_lower():
    steep = Student(layers=2, units=8, steps=200, n_jets=300, learning_rate=1e30)
    with pytest.raises(NonFiniteLossError, match=r"loss of the student .* lower exports\.student\.learning_rate"):
        distilled(ensemble_of(limited), {"b": sample_of(points(300))}, steep)
