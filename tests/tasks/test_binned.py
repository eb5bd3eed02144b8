"""The binned measurement: its output and what makes it stale."""

from __future__ import annotations

import pytest

from tasks.binned import MeasureBinnedSF
from tests.tasks.conftest import names


def test_its_output_is_one_file(task_of):
    assert names(task_of(MeasureBinnedSF)) == ["binned.json"]


def test_cuts_on_the_tag_that_may_be_named_by_working_points_depend_on_them(changed):
    cuts = {"tag_cuts": {"hf": {"above": "T"}}}
    points = {"tagger": {"working_points": {"L": 0.05, "M": 0.3, "T": 0.8}}}
    assert changed(MeasureBinnedSF, shifts=cuts, **points) == {"config:shifts", "config:tagger.working_points"}


@pytest.mark.parametrize(
    ("edit", "keys"),
    [
        ({"binned": {"n_bootstrap": 9}}, {"config:binned"}),
        ({"normalisation": {"n_pt": 5}}, {"config:normalisation"}),
        ({"shifts": {"contamination": {}}}, {"config:shifts"}),
        ({"campaign": {"luminosity_ifb": 2.0}}, {"config:campaign.luminosity_ifb"}),
        ({"plots": {"label": "other"}}, set()),
        ({"training": {"learning_rate": 5e-4}}, set()),
        ({"tagger": {"working_points": {"L": 0.05, "M": 0.3, "T": 0.8}}}, set()),
    ],
)
def test_it_depends_on_what_it_measures_with_and_not_on_networks_labels_or_cuts(changed, edit, keys):
    assert changed(MeasureBinnedSF, **edit) == keys
