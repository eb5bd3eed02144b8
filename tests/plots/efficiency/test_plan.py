"""Figures of efficiencies: their names are known from the configuration alone, each shows what its name says."""

from __future__ import annotations

import pytest

from deepsf.plots.efficiency import correlation, gain, jets, regions, reliability, spread, training
from deepsf.plots.efficiency.plan import EfficiencyResults, efficiency_figures
from tests.plots.efficiency.results import FLAVOURS, STYLE, closure, without_truth

HISTORIES = {"gnn": [{"pass": [1, 2], "train_loss": [0.3, 0.2]}]}


@pytest.fixture
def shown(monkeypatch):
    """Return what is given to the functions that draw, by the names of the figures; nothing is drawn."""
    functions = {
        correlation: ("figure",),
        gain: ("figure",),
        jets: ("figure",),
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
        planned = efficiency_figures(FLAVOURS, **options)
        stems = [figure.stem for figure in planned]
        assert len(set(stems)) == len(stems)
        return {figure.stem: figure.draw(EfficiencyResults(found, HISTORIES), STYLE) for figure in planned}

    return of


def test_a_toy_has_the_sample_of_another_process_and_the_truth(shown):
    made, found = shown(closure(), is_toy=True), closure()
    assert len(made) == 44
    assert made["jet_efficiency_pt_scalar"] == ("jets.figure", found, "scalar", "pt_gev", STYLE)
    assert made["2tag_mass_test"] == ("regions.figure", found, "test", "2tag", "mass_gev", STYLE)
    assert made["1tag_delta_r_pairs_scalar"] == ("regions.pairs_figure", found, "scalar", "1tag", "delta_r", STYLE)
    assert made["n_tags_test"] == ("regions.n_tags_figure", found, "test", STYLE)
    assert made["2tag_delta_r_train"] == ("regions.figure", found, "train", "2tag", "delta_r", STYLE)
    assert made["correlation"] == ("correlation.figure", found, STYLE)
    assert made["gain"] == ("gain.figure", found, STYLE)
    assert made["reliability"] == ("reliability.figure", found, STYLE)
    assert made["spread"] == ("spread.figure", found, STYLE)
    assert made["non_closure_udsg"] == ("spread.non_closure_figure", found, "udsg", STYLE)
    assert made["training"] == ("training.figure", HISTORIES, STYLE)
    assert "2tag_mass_scalar" not in made


def test_real_events_have_neither(shown):
    made = shown(without_truth(), is_toy=False)
    assert len(made) == 27
    assert not any("scalar" in name for name in made)
    assert "spread" not in made
