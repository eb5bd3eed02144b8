"""A figure of each kind looks like its reference image; `reference_plots` says how the images are updated."""

from __future__ import annotations

import functools
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from deepsf.audit.closure import RegionClosure
from deepsf.audit.truth import FlavourTruth
from deepsf.binned.scale_factor import BinnedScaleFactor
from deepsf.config.binned import Bins
from deepsf.config.validation import Validation
from deepsf.plots.efficiency.plan import EfficiencyResults, efficiency_figures
from deepsf.plots.plan import PlannedFigure
from deepsf.plots.scale_factors import pulls
from deepsf.plots.scale_factors.plan import (
    ClosureResults,
    PhaseSpaceResults,
    ScaleFactorResults,
    closure_figures,
    phase_space_figures,
    purity_figures,
    scale_factor_figures,
)
from deepsf.plots.scale_factors.reference import Reference
from tests.analysis.audit.phase_space.flat_histograms import METHODS, histograms
from tests.plots.efficiency.results import LACKING as LACKING_EFFICIENCY
from tests.plots.efficiency.results import closure
from tests.plots.reference_plots import REFERENCE, ReferencePlots
from tests.plots.scale_factors import results

STYLE = results.LACKING
TEST = {"chi2": 12.34, "ndf": 15, "p": 0.0006}


def scale_factors() -> ScaleFactorResults:
    shifted = results.binned(shifts={"lf_up": 1.2, "lf_down": 0.9})
    truth = FlavourTruth(results.means(value=1.1), results.true_grid())
    reference = Reference("Public SF", lambda flavour, pt, abseta, disc: 0.9 + 0.5 * disc)
    more = {"truth": truth, "reference": reference, "other": {"direct": results.means(value=1.2)}}
    errors = {"deepsf": results.means(value=0.05), "direct": results.means(value=0.08)}
    of_b = results.results(shifted, grid=results.grid(), errors=errors, **more)
    return ScaleFactorResults({"b": of_b}, [results.history(offset) for offset in (0.0, 0.2, 0.5)])


def closures() -> ClosureResults:
    fine = [-2.01, *np.linspace(0.0, 1.0, 41)]
    falling = 1000.0 * np.exp(-0.2 * np.arange(41.0))
    of_region = RegionClosure(
        results.simulation(),
        results.observed(),
        results.simulation(fine, falling, 0.5 * falling[::-1]),
        results.observed(fine, np.floor(falling + 0.55 * falling[::-1])),
    )
    tests = {"hf": dict.fromkeys(results.METHODS, TEST)}
    return ClosureResults({"hf": of_region}, tests, {"hf": {"deepsf": TEST | {"p": 0.034}}})


def phase_spaces() -> PhaseSpaceResults:
    variables = ("leading", "second", "further", "n_jets", "ht")
    tests = {c: {v: dict.fromkeys(METHODS, TEST) for v in variables} for c in ("ee", "emu", "mumu", "all")}
    return PhaseSpaceResults(histograms(), Validation(), tests)


def measured() -> BinnedScaleFactor:
    return BinnedScaleFactor({}, (), purities=results.purities())


def efficiencies() -> EfficiencyResults:
    losses = {"pass": [1, 2, 3], "train_loss": [0.3, 0.25, 0.24]}
    held_out = losses | {"validation_loss": [0.31, 0.27, 0.26]}
    return EfficiencyResults(
        closure(), {"gnn": [losses, held_out | {"train_loss": [0.4, 0.3, 0.2]}][:1], "pairwise": [held_out]}
    )


BINS = Bins(pt_gev=(20, 50, 1000), abseta=(0, 2.5), discriminant=(-2.01, 0, 0.1, 0.5, 1.01))
PLANS = {
    "scale_factors": (partial(scale_factor_figures, {"b": BINS}, ["b"], with_truth=True), scale_factors, STYLE),
    "closure": (partial(closure_figures, ["hf"]), closures, STYLE),
    "phase_space": (phase_space_figures, phase_spaces, STYLE),
    "purity": (
        partial(purity_figures, ["hf", "lf"]),
        measured,
        STYLE,
    ),
    "efficiency": (partial(efficiency_figures, ("b", "c", "udsg"), is_toy=True), efficiencies, LACKING_EFFICIENCY),
}
SHOWN = {
    "scale_factors": ("sf_b_pt50up_eta0to2p5", "overview_b", "map_b", "truth_b", "training"),
    "closure": ("closure_hf", "closure_hf_fine"),
    "phase_space": ("closure_leading", "validation_n_jets", "validation_ht"),
    "purity": ("purity_hf", "condition"),
    "efficiency": (
        "jet_efficiency_pt_test",
        "2tag_delta_r_test",
        "1tag_closest_flavour_test",
        "2tag_delta_r_pairs_scalar",
        "n_tags_test",
        "correlation",
        "gain",
        "rare_background",
        "reliability",
        "spread",
        "non_closure_b",
        "training",
    ),
}
NAMES = [f"{plan}/{stem}" for plan, stems in SHOWN.items() for stem in stems]
PULLS = "scale_factors/pulls"


def kind(planned: PlannedFigure) -> str:
    """Return what draws a figure: a function of the plan, or the place that a general one is given."""
    function = getattr(planned.draw, "func", planned.draw).__name__
    return planned.draw.args[0] if function == "_draw" else function


@functools.cache
def found(plan: str):
    """Return the results that a plan shows, made once."""
    return PLANS[plan][1]()


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_looks_like_its_reference(name, reference_plots):
    plan, _, stem = name.partition("/")
    make, _, style = PLANS[plan]
    (planned,) = [figure for figure in make() if figure.stem == stem]
    reference_plots.check(name, planned.draw(found(plan), style))


def test_pulls_look_like_their_reference(reference_plots):
    shown = {"purities 0.85, 0.90": results.experiments(), "biased": results.experiments(0.5)}
    reference_plots.check(PULLS, pulls.figure(shown, STYLE))


@pytest.mark.parametrize("plan", PLANS)
def test_every_kind_of_figure_has_a_reference(plan):
    planned = PLANS[plan][0]()
    assert {kind(figure) for figure in planned} == {kind(f) for f in planned if f.stem in SHOWN[plan]}


def test_references_are_those_of_the_tests_and_small():
    images = sorted(REFERENCE.rglob("*.png"))
    assert {str(path.relative_to(REFERENCE).with_suffix("")) for path in images} == {*NAMES, PULLS}
    assert sum(path.stat().st_size for path in images) < 1.5e6


# --- the comparison itself


@pytest.fixture
def compare(tmp_path) -> Callable[..., ReferencePlots]:
    """Return a comparison in folders of its own."""
    return partial(ReferencePlots, tmp_path / "reference", tmp_path / "failed")


def drawing(height: float = 0.5, size: float = 3.0) -> Figure:
    figure = Figure(figsize=(size, 3.0))
    figure.add_subplot().plot([0.0, 1.0], [0.0, height])
    return figure


def test_an_equal_figure_passes_and_leaves_nothing(compare):
    compare(update=True).check("room/line", drawing())
    compare().check("room/line", drawing())
    assert (compare().reference / "room" / "line.png").exists()
    assert not list(compare().failed.rglob("*.png"))


def test_a_changed_figure_fails_and_leaves_the_image_and_the_difference(compare):
    compare(update=True).check("room/line", drawing(0.5))
    with pytest.raises(pytest.fail.Exception, match=r"room/line is not what it was, RMS \d") as failure:
        compare().check("room/line", drawing(0.6))
    made, difference = (compare().failed / "room" / name for name in ("line.png", "line-failed-diff.png"))
    for path in (compare().reference / "room" / "line.png", made, difference):
        assert str(path) in str(failure.value)
    assert imread(difference).max() > 0.1
    assert imread(made).shape == imread(difference).shape
    assert "pytest --update-reference-plots" in str(failure.value)


def test_a_changed_digit_fails(compare):
    def numbered(text):
        figure = drawing()
        figure.text(0.2, 0.6, text)
        return figure

    compare(update=True).check("line", numbered("0.5"))
    with pytest.raises(pytest.fail.Exception, match="not what it was"):
        compare().check("line", numbered("0.6"))


def test_a_figure_of_another_size_fails_and_leaves_the_image(compare):
    compare(update=True).check("line", drawing())
    with pytest.raises(pytest.fail.Exception, match=r"line: .*size") as failure:
        compare().check("line", drawing(size=4.0))
    assert str(compare().failed / "line.png") in str(failure.value)
    assert (compare().failed / "line.png").exists()


def test_a_figure_without_a_reference_fails(compare):
    with pytest.raises(pytest.fail.Exception, match=r"line has no reference image .*line\.png; look at") as failure:
        compare().check("line", drawing())
    assert str(compare().failed / "line.png") in str(failure.value)
    assert not compare().reference.exists()


def test_an_update_replaces_the_reference_and_the_difference_goes(compare):
    compare(update=True).check("line", drawing(0.5))
    with pytest.raises(pytest.fail.Exception):
        compare().check("line", drawing(0.6))
    compare(update=True).check("line", drawing(0.6))
    compare().check("line", drawing(0.6))
    assert not list(compare().failed.rglob("*.png"))


def test_without_the_option_references_are_compared(reference_plots, pytestconfig):
    assert reference_plots.update == pytestconfig.getoption("--update-reference-plots")
    assert ReferencePlots().update is False
