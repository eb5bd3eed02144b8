"""The student's file: it says how far it is from the ensemble, and a student that is too far is no file."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from deepsf.config.exports import Student
from deepsf.corrections.correction import Correction
from deepsf.exports.network_file import StudentError, _largest_ratio, student_correction
from tests.analysis.exports.conftest import FLAVOURS, inclusive_jets

SHORT = Student(layers=2, units=32, steps=1200, n_jets=4000, largest_error=1.0)


def made(errors, label, settings=SHORT):
    # as the helper gives all jets the event 0, half of them get an odd one
    jets = inclusive_jets(9000)
    jets = replace(jets, event=np.arange(9000) // 3)
    return student_correction(errors, jets, FLAVOURS, label, settings), jets


def test_it_states_its_distance_to_the_ensemble_at_jets_that_it_has_not_seen(errors, label):
    (tree, note), sample = made(errors, label)
    assert note in tree["description"]
    assert "central alone: errors are in the tables." in tree["description"]
    b, light = (float(rms) for rms in re.findall(r"(?:b|udsg) ([0-9.e-]+) \(99 %", note))
    correction = Correction.of_tree(tree)
    for number, code, stated in ((0, 5, b), (2, 0, light)):
        jets = sample.of(number, 1).jets
        columns = {"abseta": jets.abseta, "pt": jets.pt_gev, "discriminant": jets.discriminant}
        found = correction.evaluate({"systematic": "central", "flavor": code, **columns})
        mean = errors.ensemble.member_values(list(FLAVOURS)[number], jets).mean(axis=0)
        assert stated == pytest.approx(np.sqrt(np.mean((found - mean) ** 2)), rel=0.05)


def test_the_same_seed_gives_the_same_correction(errors, label):
    few = replace_settings(steps=20, n_jets=200, largest_error=100.0)
    assert made(errors, label, few)[0] == made(errors, label, few)[0]
    assert made(errors, label, few)[0] != made(errors, label, replace_settings(few, seed=2))[0]


def replace_settings(settings=SHORT, **changes):
    return Student.model_validate({**settings.model_dump(), **changes})


def test_a_student_that_has_learnt_nothing_is_refused(errors, label):
    with pytest.raises(StudentError, match=r"student of b is .* allows 1: raise exports\.student\.steps"):
        made(errors, label, replace_settings(steps=1))


def test_a_student_has_to_be_close_in_every_range_of_the_score():
    away, stat = np.array([0.001, 0.001, 0.02]), np.array([0.1, 0.1, 0.01])
    assert _largest_ratio(away, stat, np.array([0, 0, 0])) == pytest.approx(0.1414, abs=1e-4)
    assert _largest_ratio(away, stat, np.array([0, 0, 2])) == pytest.approx(2.0)
    assert _largest_ratio(away, np.array([0.1, 0.1, 0.0]), np.array([0, 0, 2])) == pytest.approx(0.01)
    assert _largest_ratio(away, np.zeros(3), np.array([0, 0, 2])) == np.inf
    assert np.isnan(_largest_ratio(away, np.array([0.1, 0.1, np.nan]), np.array([0, 0, 2])))
    assert np.isnan(_largest_ratio(away * np.array([1, 1, np.nan]), stat, np.array([2, 2, 0])))


def test_without_a_finite_statistical_error_no_student_is_close_enough(errors, label):
    cells = {f: replace(of, rest=np.full(2, np.nan)) for f, of in errors.cells.items()}
    with pytest.raises(StudentError, match="is nan statistical errors from the ensemble"):
        made(replace(errors, cells=cells), label, replace_settings(steps=1, largest_error=1e9))
