"""Figures of efficiencies: their names are known from the configuration alone, each shows what its name says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deepsf.plots.efficiency import correlation, gain, jets, rare, regions, reliability, spread, training
from deepsf.plots.efficiency.plan import EfficiencyResults, efficiency_figures
from tests.plots.efficiency.results import FLAVOURS, STYLE, closure, without_truth

STYLED = replace(STYLE, training="60000 events in 2 passes")
HISTORIES = {"gnn": [{"pass": [1, 2], "train_loss": [0.3, 0.2]}]}


@pytest.fixture
def shown(monkeypatch):
    """Return what is given to the functions that draw, by the names of the figures; nothing is drawn."""
    functions = {
        correlation: ("figure",),
        gain: ("figure",),
        jets: ("figure",),
        rare: ("figure",),
        regions: ("figure", "pairs_figure", "n_tags_figure"),
        reliability: ("figure",),
        spread: ("figure", "non_closure_figure"),
        training: ("figure",),
    }
    for module, names in functions.items():
        for name in names:
            drawn = f"{module.__name__.rpartition('.')[2]}.{name}"
            monkeypatch.setattr(module, name, lambda *args, drawn=drawn: (drawn, *args))

    def of(found, **options):
        planned = efficiency_figures(FLAVOURS, other_points=("T",), **options)
        stems = [figure.stem for figure in planned]
        assert len(set(stems)) == len(stems)
        return {figure.stem: figure.draw(EfficiencyResults(found, HISTORIES), STYLE) for figure in planned}

    return of


def test_a_toy_has_the_sample_of_another_process_and_the_truth(shown):
    made, found = shown(closure(), is_toy=True), closure()
    assert len(made) == 49
    assert made["jet_efficiency_pt_scalar"] == ("jets.figure", found, "scalar", "pt_gev", STYLED)
    assert made["2tag_mass_test"] == ("regions.figure", found, "test", "2tag", "mass_gev", STYLED)
    assert made["1tag_delta_r_pairs_scalar"] == ("regions.pairs_figure", found, "scalar", "1tag", "delta_r", STYLED)
    assert made["n_tags_test"] == ("regions.n_tags_figure", found, "test", STYLED)
    assert made["2tag_delta_r_train"] == ("regions.figure", found, "train", "2tag", "delta_r", STYLED)
    assert made["correlation"] == ("correlation.figure", found, STYLED)
    assert made["gain"] == ("gain.figure", found, STYLED)
    assert made["reliability"] == ("reliability.figure", found, STYLED)
    assert made["rare_background"] == ("rare.figure", found, STYLED)
    assert made["spread"] == ("spread.figure", found, STYLED)
    assert made["non_closure_udsg"] == ("spread.non_closure_figure", found, "udsg", STYLED)
    assert made["training"] == ("training.figure", HISTORIES, STYLE)
    assert "2tag_mass_scalar" not in made


def test_other_working_points_have_a_few_figures_of_the_test_sample(shown):
    made, found = shown(closure(), is_toy=True), closure().at("T")
    assert made["jet_efficiency_pt_test_T"][1].working_point == "T"
    expected = {
        "jet_efficiency_pt_test_T": ("jets.figure", found, "test", "pt_gev", STYLED),
        "jet_efficiency_delta_r_test_T": ("jets.figure", found, "test", "delta_r", STYLED),
        "1tag_delta_r_test_T": ("regions.figure", found, "test", "1tag", "delta_r", STYLED),
        "2tag_delta_r_test_T": ("regions.figure", found, "test", "2tag", "delta_r", STYLED),
    }
    assert {name: drawn[0] for name, drawn in made.items() if name.endswith("_T")} == {
        name: drawn[0] for name, drawn in expected.items()
    }
    for name, (_, _, *what) in expected.items():
        assert list(made[name][2:]) == what


def test_how_the_ensemble_was_trained_is_said_in_words():
    assert EfficiencyResults(closure(), HISTORIES).training == "60000 events in 2 passes"
    once = {"gnn": [{"pass": [1], "train_loss": [0.3]}]}
    assert EfficiencyResults(closure(), once).training == "60000 events in 1 pass"
    alone = closure()._replace(samples={"test": closure().samples["test"]})
    assert EfficiencyResults(alone, HISTORIES).training == ""


def test_real_events_have_neither(shown):
    made = shown(without_truth(), is_toy=False)
    assert len(made) == 32
    assert not any("scalar" in name for name in made)
    assert "spread" not in made
