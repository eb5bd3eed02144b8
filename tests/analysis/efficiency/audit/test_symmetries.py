"""What an ensemble must not depend on, seen on ones that do and do not."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from deepsf.efficiency.audit.symmetries import largest_increase, symmetry_rows
from deepsf.efficiency.events.closest import closest_jet
from tests.analysis.efficiency.events.random_jets import random_events


class Result(NamedTuple):
    mean: np.ndarray
    out_of_range: np.ndarray


class Ensemble:
    """Efficiency from pT and the closest jet, clamped and flagged beyond 1000 GeV."""

    def __init__(self, extra=lambda events: 0.0) -> None:
        self.extra = extra

    def evaluate(self, events) -> Result:
        pt = np.minimum(events.pt_gev.astype(float), 1000.0)
        value = 0.2 + 0.3 * pt / 1000 + 0.1 * np.exp(-closest_jet(events)[0].astype(float)) + self.extra(events)
        return Result(value[:, None].astype(np.float32), events.pt_gev > 1000.0)


@pytest.fixture(scope="module")
def events():
    return random_events(500, 2)


def values(ensemble, events):
    return {name: row.value for name, row in symmetry_rows(ensemble, events, 1).items()}


def test_a_symmetric_ensemble_passes(events):
    found = values(Ensemble(), events)
    assert max(found.pop("symmetry.permutation"), found.pop("symmetry.phi_rotation")) < 1e-5
    assert found == {
        "symmetry.batch_order": 0.0,
        "symmetry.padding": 0.0,
        "symmetry.single_jet": 0.0,
        "out_of_range.not_finite": 0.0,
        "out_of_range.flagged": 1.0,
    }


@pytest.mark.parametrize(
    ("figure", "extra"),
    [
        ("permutation", lambda events: 0.01 * (events.rank == 0)),
        ("phi_rotation", lambda events: 0.01 * np.cos(events.phi)),
        ("batch_order", lambda events: 1e-5 * np.arange(len(events.pt_gev))),
        ("padding", lambda events: 1e-4 * events.n_jets.max()),
    ],
)
def test_each_dependence_shows_in_its_figure(events, figure, extra):
    assert values(Ensemble(extra), events)[f"symmetry.{figure}"] > 1e-4


def test_lone_jets_and_jets_out_of_range_that_go_wrong_are_counted(events):
    found = values(Ensemble(lambda e: np.where(np.repeat(e.n_jets, e.n_jets) == 1, 1.0, 0.0)), events)
    assert found["symmetry.single_jet"] == len(events)
    beyond = values(Ensemble(lambda e: np.where(e.pt_gev > 1000, np.nan, 0.0)), events)
    assert beyond["out_of_range.not_finite"] == len(events.pt_gev)


def test_rise_between_working_points():
    assert largest_increase(np.array([[0.5, 0.3, 0.1], [0.5, 0.4, 0.4]])) == 0.0
    assert largest_increase(np.array([[0.5, 0.6, 0.1]])) == pytest.approx(0.1)
    assert largest_increase(np.array([[0.5]])) == 0.0
