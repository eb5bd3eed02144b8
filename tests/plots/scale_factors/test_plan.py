"""Figures of scale factors: their names are known from the configuration alone, and each shows what its name says."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from deepsf.binned.scale_factor import BinnedScaleFactor
from deepsf.config.binned import Bins
from deepsf.config.validation import Validation
from deepsf.plots.scale_factors import closure, maps, phase_space, purity, scale_factor, training, truth
from deepsf.plots.scale_factors.plan import (
    ClosureResults,
    PhaseSpaceResults,
    ScaleFactorResults,
    closure_figures,
    phase_space_figures,
    purity_figures,
    scale_factor_figures,
)
from tests.plots.scale_factors import results
from tests.plots.scale_factors.results import STYLE

BINS = {"b": Bins(pt_gev=(20, 50, 1000), abseta=(0, 2.5), discriminant=(-2.01, 0, 0.1, 0.5, 1.01))}


@pytest.fixture
def shown(monkeypatch):
    """Return what is given to the functions that draw, by the names of the figures; nothing is drawn."""
    functions = {
        closure: ("figure",),
        maps: ("figure",),
        phase_space: ("figure",),
        purity: ("purity", "condition"),
        scale_factor: ("figure", "overview"),
        training: ("figure",),
        truth: ("figure",),
    }
    for module, names in functions.items():
        for name in names:
            monkeypatch.setattr(module, name, lambda *args, **options: (*args, *options.values()))

    def of(planned, found):
        stems = [figure.stem for figure in planned]
        assert len(set(stems)) == len(stems)
        return {figure.stem: figure.draw(found, STYLE) for figure in planned}

    return of


def test_every_bin_overview_map_and_truth_of_each_flavour_and_the_trainings(shown):
    grid, histories = {"mean": []}, [{"pass": [1]}, {"pass": [1, 2]}]
    of_b = results.results(grid=grid, truth=results.truth())
    made = shown(scale_factor_figures(BINS, ["b"], with_truth=True), ScaleFactorResults({"b": of_b}, histories))
    first, last = "sf_b_pt20to50_eta0to2p5", "sf_b_pt50up_eta0to2p5"
    assert list(made) == [first, last, "overview_b", "map_b", "truth_b", "training"]
    assert made[first][0].bin == ((20.0, 50.0), (0.0, 2.5), False)
    assert made[last][0].bin == ((50.0, 1000.0), (0.0, 2.5), True)
    assert [panel.bin.pt_gev[0] for panel in made["overview_b"][0]] == [20.0, 50.0]
    assert made["map_b"] == ("b", grid, STYLE, len(histories), None)
    assert made["truth_b"][:2] == ("b", of_b.truth.bin_means)
    assert list(made["truth_b"][2]) == ["none", "binned", "deepsf"]
    assert made["training"] == (histories, ["b"], STYLE)


def test_without_truth_none_is_compared(shown):
    found = ScaleFactorResults({"b": results.results()}, [{}])
    made = shown(scale_factor_figures(BINS, ["b"], with_truth=False), found)
    assert "truth_b" not in made
    assert len(made) == 5


def test_tests_are_quoted_in_the_bins_of_the_measurement_alone(shown):
    histograms = SimpleNamespace(simulation=1, data=2, simulation_fine=3, data_fine=4)
    found = ClosureResults(
        {"hf": histograms, "lf": histograms}, {"hf": {"none": 5}, "lf": {"none": 6}}, {"lf": {"none": 7}}
    )
    assert shown(closure_figures(["hf", "lf"]), found) == {
        "closure_hf": ("hf", 1, 2, STYLE, {"none": 5}, {}),
        "closure_hf_fine": ("hf", 3, 4, STYLE),
        "closure_lf": ("lf", 1, 2, STYLE, {"none": 6}, {"none": 7}),
        "closure_lf_fine": ("lf", 3, 4, STYLE),
    }


def test_every_phase_space_has_its_variables_and_the_validation_its_tests(shown):
    tests = {"all": {}}
    made = shown(phase_space_figures(), PhaseSpaceResults({}, Validation(n_jets_min=4), tests))
    assert list(made) == [
        *(f"measurement_{variable}" for variable in ("leading", "second", "ht")),
        *(f"closure_{variable}" for variable in ("leading", "second", "further", "n_jets", "ht")),
        *(f"validation_{variable}" for variable in ("leading", "second", "further", "n_jets", "ht")),
    ]
    assert made["measurement_ht"] == ({}, "ht", (2, 2), STYLE, {})
    assert made["validation_n_jets"] == ({}, "n_jets", (4, 8), STYLE, tests)


def test_every_region_has_its_purity(shown):
    found = BinnedScaleFactor({}, (), purities=object())
    assert shown(purity_figures(["hf", "lf"]), found) == {
        "purity_hf": (found.purities, "hf", STYLE),
        "purity_lf": (found.purities, "lf", STYLE),
        "condition": (found.purities, STYLE),
    }
