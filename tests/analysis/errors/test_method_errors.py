"""Errors by name, worked out by hand on scale factors that are numbers."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.errors.cells import ErrorCells
from deepsf.errors.method_errors import MethodErrors, Refits, total
from deepsf.probes.score_limits import ScoreLimits
from tests.analysis.errors.constant import CODES, ensemble, jets, member

HELD = ScoreLimits(np.array([50.0]), np.array([0.0]), np.array([0.8]))
CELLS = ErrorCells(np.array([100.0]), np.array([0.5]), np.array([0.3, 0.4]), np.array([[0.1, -0.2], [0, 0]]))


def errors(refits=None, limits=None) -> MethodErrors:
    """Return S = 2, with trainings at 1.9 and 2.1."""
    made = ensemble(1.9, 2.1, limits={"b": limits} if limits else None)
    return MethodErrors(made, refits or Refits(), {"b": CELLS, "udsg": CELLS}, extrapolation=0.5)


def test_every_error_of_a_mean_has_its_own_rule():
    refits = Refits((member(1.0), member(1.1), member(0.9)))
    at = errors(refits, HELD).at("b", jets([0.1, 0.3, 0.7, 0.9]))
    np.testing.assert_allclose(at.value, 2.0, rtol=1e-6)
    found = at.of_mean(np.full(4, 0.25))
    # 0.2 / sqrt(2), over sqrt(2) for the mean of two
    assert found["train"] == pytest.approx(0.1, rel=1e-4)
    # bootstraps: 10 % of 2. Floors of the two cells, half of the jets in each: independent
    assert found["stat"] == pytest.approx(np.sqrt(0.2**2 + 0.15**2 + 0.2**2), rel=1e-4)
    # the difference of the means, with its sign: 0.5 * 0.1 - 0.5 * 0.2
    assert found["model"] == pytest.approx(0.05)
    # one of four jets is beyond 0.8
    assert found["extrapolation"] == pytest.approx(0.25 * 0.5 * 2.0, rel=1e-4)
    assert total(found) == pytest.approx(np.sqrt(sum(v**2 for v in found.values())))


def test_the_errors_of_a_single_jet_are_those_of_a_mean_over_it():
    at = errors(Refits((member(1.0), member(1.2))), HELD).at("b", jets([0.1, 0.9]))
    each = at.at_each()
    for number in range(2):
        share = np.eye(2)[number]
        for name, value in at.of_mean(share).items():
            assert each[name][number] == pytest.approx(value, rel=1e-5), name


def test_without_bootstraps_the_counting_error_is_left():
    assert errors().at("b", jets([0.1])).of_mean(np.ones(1))["stat"] == pytest.approx(0.3)


def test_shifts_are_ratios_to_the_fit_without_them():
    refits = Refits((), member(4.0), {"lf_up": member(4.4), "lf_down": member(4.0), "jer_up": member(3.8)})
    at = errors(refits).at("b", jets([0.2]))
    np.testing.assert_allclose(at.shifts["lf_up"], 0.2, rtol=1e-5)
    np.testing.assert_allclose(at.shifts["jer_up"], -0.1, rtol=1e-5)
    # of each source the larger direction: 0.2 and 0.1
    assert at.systematic(np.ones(1)) == pytest.approx(np.hypot(0.2, 0.1), rel=1e-4)


def test_what_errors_lack_is_named():
    repeated = Refits((member(1.0), member(1.1)), member(1.0), {"lf_up": member(1.1)})
    assert errors(repeated).lacking == ()
    assert errors(Refits(repeated.bootstraps)).lacking == ("shifts",)
    assert errors().lacking == ("bootstraps", "shifts")
    assert MethodErrors(ensemble(2.0), repeated, {}, 0.0).lacking == ("train", "extrapolation")


def test_a_tighter_tag_cut_has_a_mirror_image():
    at = errors(Refits((), member(1.0), {"tagcut_up": member(1.1)})).at("b", jets([0.2]))
    np.testing.assert_allclose(at.shifts["tagcut_down"], -at.shifts["tagcut_up"])


def test_repetitions_come_back_from_a_file_as_they_were(tmp_path):
    from deepsf.networks.scale_factor import EnsembleScaleFactor

    refits = Refits((member(1.0), member(1.1)), member(2.0), {"hf_up": member(2.2), "lf_up": member(1.8)})
    refits.save(tmp_path / "refits", CODES)
    loaded = Refits.of(EnsembleScaleFactor.load(tmp_path / "refits"), refits.shift_names)
    sample = jets([0.1, 0.6])
    np.testing.assert_allclose(loaded.replicas("b", sample), refits.replicas("b", sample))
    for name, values in refits.shifts("b", sample).items():
        np.testing.assert_allclose(loaded.shifts("b", sample)[name], values)
    without = Refits((member(1.0), member(1.1)))
    without.save(tmp_path / "bootstraps", CODES)
    assert len(Refits.of(EnsembleScaleFactor.load(tmp_path / "bootstraps"), []).bootstraps) == 2


def test_shifts_without_the_fit_that_they_are_compared_with_are_refused():
    with pytest.raises(ValueError, match=r"1 fits under shifts lack the fit without any; repeat them \(TrainShifts\)"):
        Refits((), None, {"lf_up": member(1.1)})
