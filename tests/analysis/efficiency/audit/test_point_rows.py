"""Rows of every working point: a broken one is seen, also where it is not the one of tags."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
import pytest

from deepsf.efficiency.audit.jet_closure import Profile
from deepsf.efficiency.audit.point_rows import mean_calibration
from deepsf.efficiency.audit.results import EfficiencyClosure
from deepsf.efficiency.evaluation import ModelEfficiencies
from tests.analysis.efficiency.audit.audited_toy import CONFIG, audited, first_events, rows_of, samples

N_EVENTS = 10_000
TIGHT = 0.4
"""Of the jets that pass the loose working point, this part passes the tight one."""


@functools.cache
def of_two_points(broken: float = 1.0):
    """Return audit rows and closure of skims with two working points, the tight one wrong by a factor."""
    sample = first_events(samples()["test"], N_EVENTS)
    rng = np.random.default_rng(3)
    tight = (sample.events.tag_bin > 0) & (rng.random(len(sample.events.tag_bin)) < TIGHT)
    events = replace(sample.events, tag_bin=(sample.events.tag_bin + tight).astype(np.int8), working_points=("L", "T"))

    def both(values):
        return None if values is None else np.concatenate([values, broken * TIGHT * values], axis=-1)

    models = {name: ModelEfficiencies(*map(both, model[:3])) for name, model in sample.models.items()}
    loose = CONFIG.efficiency.truth_tagging.model_copy(update={"working_point": "L"})
    result = audited(
        {"test": sample._replace(events=events, truth=None, models=models)},
        CONFIG.efficiency.model_copy(update={"truth_tagging": loose}),
    )
    return rows_of(result), EfficiencyClosure.from_json(result.closure)


CHI2 = (
    "working_points.delta_r.1tag.{}.chi2",
    "working_points.delta_r.2tag.{}.chi2",
    "working_points.n_tags.{}.chi2",
    "working_points.reliability.b.{}.chi2",
)


@pytest.mark.parametrize("name", CHI2)
def test_a_tight_point_that_is_wrong_fails_and_one_that_is_right_passes(name):
    right, _ = of_two_points()
    wrong, _ = of_two_points(0.7)
    # ten bins or five: a chi2/ndf of 2.6 has a probability of .003 or .02
    assert right[name.format("T")]["value"] < 2.6
    assert wrong[name.format("T")]["value"] > 5
    # all that is shown of tags does not notice
    assert wrong[name.format("L")]["value"] == right[name.format("L")]["value"] < 2.6
    assert wrong["closure.delta_r.2tag.chi2"]["value"] == right["closure.delta_r.2tag.chi2"]["value"]


def test_the_calibration_of_every_point_is_the_factor_between_prediction_and_tags():
    right, _ = of_two_points()
    wrong, _ = of_two_points(0.7)
    assert wrong["working_points.calibration.b.T"]["value"] == pytest.approx(-30, abs=2)
    assert right["working_points.calibration.b.T"]["value"] == pytest.approx(0, abs=2)
    assert right["working_points.calibration.b.L"]["value"] == right["calibration.all_jets.b"]["value"]


def test_figures_get_what_is_found_at_the_other_points():
    _, closure = of_two_points()
    assert (closure.working_point, list(closure.other_points)) == ("L", ["T"])
    tight = closure.at("T")
    ratio = tight.samples["test"].regions["1tag"]["delta_r"].models["gnn"].predicted / (
        closure.samples["test"].regions["1tag"]["delta_r"].models["gnn"].predicted
    )
    np.testing.assert_allclose(ratio[np.isfinite(ratio)], TIGHT, rtol=1e-5)
    assert tight.quality is None


def test_one_working_point_has_no_rows_of_its_own():
    assert not [name for name in rows_of(audited({"test": first_events(samples()["test"], 500)})) if "points." in name]


def test_calibration_by_hand():
    nan = np.nan
    profile = Profile(
        np.array([0.0, 1.0, 2.0]),
        weight=np.array([[1.0, 3.0], [0.0, 2.0]]),
        tag_rate=np.array([[0.5, 0.1], [nan, 0.2]]),
        tag_error=np.zeros((2, 2)),
        models={"gnn": np.array([[0.4, 0.2], [nan, 0.2]])},
        spread={},
    )
    # (.4 + .6) / (.5 + .3) and .4 / .4
    np.testing.assert_allclose(mean_calibration(profile, "gnn"), [0.25, 0.0])
    true = profile._replace(models={**profile.models, "truth": np.array([[0.4, 0.2], [nan, 0.1]])})
    np.testing.assert_allclose(mean_calibration(true, "gnn"), [0.0, 1.0])
