"""Pseudo-experiments: their size is a parameter, and part of what they are made from."""

from __future__ import annotations

import pytest

from tasks.pseudo_experiments import RunPseudoExperiments
from tests.tasks.conftest import names


def test_summary_and_figure_are_outputs_and_nothing_is_required(campaign):
    task = RunPseudoExperiments(version="v1", config="toy_small")
    assert names(task) == ["pulls.pdf", "pulls.png", "summary.json"]
    assert task.requires() == []


@pytest.mark.parametrize("name", ["n_experiments", "n_bootstrap", "n_events", "seed"])
def test_every_parameter_is_an_input(campaign, name):
    first, other = (RunPseudoExperiments(version="v1", config="toy_small", **{name: value}) for value in (7, 8))
    assert (first.own_inputs()[f"parameter:{name}"], other.own_inputs()[f"parameter:{name}"]) == (7, 8)
    assert first.output()["summary"].place == other.output()["summary"].place
