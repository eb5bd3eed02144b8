"""Pseudo-data sets: which there are, what they depend on, and what is said without the sections."""

from __future__ import annotations

import pytest

from deepsf.config import ConfigError
from tasks.coverage import MeasureCoverage, MeasurePseudoData
from tests.tasks.conftest import names


def test_more_sets_leave_those_that_there_are(task_of):
    few, more = (task_of(MeasurePseudoData, "toy_coverage", coverage={"n_sets": n}).branch_map for n in (2, 3))
    assert few == {
        0: ("sharp", 0),
        1: ("smooth", 0),
        2: ("turning", 0),
        3: ("sharp", 1),
        4: ("smooth", 1),
        5: ("turning", 1),
    }
    assert more.items() > few.items()


def test_the_report_is_one_file(task_of):
    assert names(task_of(MeasureCoverage, "toy_coverage")) == ["coverage.json"]


def test_without_the_section_it_says_what_to_write(task_of):
    message = "no section coverage, which MeasureCoverage needs; write it, or extend configs/toy_coverage.yaml"
    with pytest.raises(ConfigError, match=message):
        task_of(MeasurePseudoData).workflow_requires()


@pytest.mark.parametrize(
    ("edit", "keys"),
    [
        ({"coverage": {"n_bootstrap": 5}}, {"config:coverage"}),
        ({"exports": {"era": "other"}}, set()),
        ({"training": {"passes": 3}}, {"config:training"}),
    ],
)
def test_sets_depend_on_how_they_are_measured(changed, edit, keys):
    assert changed(MeasurePseudoData, "toy_coverage", **edit) == keys
