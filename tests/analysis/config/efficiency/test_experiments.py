"""Experiments on changed toys: which there are, and working points that fit."""

from deepsf.config import load
from deepsf.config.efficiency.experiments import EfficiencyExperiments, experiment_problems, experiments_of
from tests.analysis.config.efficiency.conftest import CONFIGS

CONFIG = load(CONFIGS / "efficiency_toy.yaml")
TOY = CONFIG.efficiency.toy
DEFAULTS = EfficiencyExperiments()


def test_working_points_that_do_not_fit_are_named():
    given = EfficiencyExperiments(working_points={"L": {}, "M": {"b": 0.8}, "T": {"b": 0.9, "udsg": 0.1, "s": 0.1}})
    problems = "\n".join(experiment_problems(given, TOY, CONFIG.flavours))
    assert "efficiency.experiments.working_points.T.s: not one of the flavours ['b', 'c', 'udsg']" in problems
    assert "efficiency.experiments.working_points: not nested for b, T (0.9) passes more jets than M (0.8)" in problems
    assert not list(experiment_problems(DEFAULTS, TOY, CONFIG.flavours))


def test_a_toy_of_several_working_points_is_that_experiment_itself():
    assert experiments_of(TOY) == ("hidden_variable", "untagged_weight", "working_points")
    several = TOY.model_copy(update={"working_points": DEFAULTS.working_points})
    assert experiments_of(several) == ("hidden_variable", "untagged_weight")


def test_a_toy_of_several_working_points_needs_no_others():
    several = TOY.model_copy(update={"working_points": DEFAULTS.working_points})
    unknown = EfficiencyExperiments(working_points={"L": {}, "T": {"s": 0.1}})
    assert list(experiment_problems(unknown, TOY, CONFIG.flavours))
    assert not list(experiment_problems(unknown, several, CONFIG.flavours))


def test_experiments_without_toy_are_refused(message):
    text = message("toy_small", experiments={})
    assert "efficiency.experiments: they are on generated jets, need efficiency.toy; leave them out" in text
