"""The contamination of regions: found where it is wrong, with an error that covers, and said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from deepsf.audit import contamination
from deepsf.audit.contamination import _Control, contamination_notes, measured_contamination
from deepsf.binned.build import measure_binned
from deepsf.binned.shifts import SystematicShifts
from deepsf.config.audit import Audit
from deepsf.config.binned import Binned, Bins
from deepsf.config.regions import Region
from deepsf.config.shifts import Contamination, Shifts
from deepsf.config.weights import EventWeight, Normalisation
from deepsf.probes.composition import with_contamination
from deepsf.probes.control_range import ControlFit
from tests.shape_toy import make

BINS = {  # fine where the scale factors of the contamination count
    "b": Bins(pt_gev=(20, 1000), abseta=(0, 1.2, 2.5), discriminant=(-1, 0, 0.2, 0.5, 0.7, 0.8, 0.85, 0.9, 0.95, 1.01)),
    "udsg": Bins(
        pt_gev=(20, 1000), abseta=(0, 1.2, 2.5), discriminant=(-1, 0, 0.01, 0.02, 0.035, 0.05, 0.1, 0.3, 1.01)
    ),
}
POINTS = {"L": 0.05, "T": 0.85}
SHIFTS = {"lf": Contamination(region="hf"), "hf": Contamination(region="lf")}
SETTINGS = Shifts(contamination=SHIFTS, eigenvectors=0, cferr=None)


@pytest.fixture(scope="module")
def measurement():
    return make(40_000, 9).measurement(EventWeight(n_pt=4, n_abseta=2), Normalisation(n_pt=2, n_abseta=1))


def found(measurement, more, settings=SETTINGS):
    """Return what is measured where data have ``more`` times the contamination of simulation; None: without shifts."""
    enriching = {"hf": "b", "lf": "udsg"}
    entries = with_contamination(measurement.entries, enriching, measurement.names, dict.fromkeys(enriching, 1 / more))
    wrong = replace(measurement, entries=entries)
    shifts = None if settings is None else SystematicShifts(settings)
    binned = measure_binned(wrong, Binned(bins=BINS, n_bootstrap=5), shifts)
    of_contamination = {} if settings is None else settings.contamination
    return measured_contamination(wrong, binned, POINTS, of_contamination, Audit(n_bootstrap=30))


@pytest.fixture(scope="module")
def wrong(measurement):
    return found(measurement, 1.2)


def test_a_wrong_contamination_is_measured_within_its_error(measurement, wrong):
    right = found(measurement, 1.0)
    for region, below_or_above in {"hf": {"below": 0.05}, "lf": {"above": 0.85}}.items():
        for report, true in ((wrong[region], 1.2), (right[region], 1.0)):
            assert abs(report["factor"] - true) < 2 * report["error"]
            assert report["error"] < 0.2
            assert report["error"] == pytest.approx(np.hypot(report["stat"], report["other"]))
            assert min(report["stat"], report["other"]) > 0
            assert report["chi2"] < 30
        # of the same events, so that the difference has no fluctuation of data
        assert wrong[region]["factor"] / right[region]["factor"] == pytest.approx(1.2, abs=0.05)
        assert wrong[region]["range"] == below_or_above


def test_eigenvectors_do_for_statistical_shapes_and_an_error_without_either_says_so(measurement, wrong):
    eigenvectors = found(measurement, 1.2, Shifts(contamination={}, statistics=False, eigenvectors=5, cferr=None))
    without = found(measurement, 1.2, None)
    for region, report in without.items():
        assert (report["other"], report["error"], report["assumed"]) == (None, report["stat"], None)
        assert 0 < eigenvectors[region]["other"] < wrong[region]["other"]
    said = "contamination of hf, lf: errors without those of scale factors of the contamination, as there are no shifts"
    assert contamination_notes(without)[-1] == said
    assert said not in contamination_notes(wrong)


def test_a_factor_at_the_end_of_its_range_is_none_and_other_faults_are_no_reasons(measurement, monkeypatch):
    arguments = measurement, None, POINTS, SHIFTS, Audit(n_bootstrap=2)
    monkeypatch.setattr(_Control, "_sf", lambda self, *_: np.ones(len(self.entries.simulation_bin)))
    monkeypatch.setattr(contamination, "control_fit", lambda *_: ControlFit(0.01, np.array([1.0, 0, 0]), 9.0))
    (note, _) = contamination_notes(measured_contamination(*arguments))
    assert "region hf cannot be measured: no factor describes its data, the fit ends at 0.01" in note

    def broken(*_):
        raise ValueError("shapes differ")

    monkeypatch.setattr(contamination, "control_fit", broken)
    with pytest.raises(ValueError, match="shapes differ"):
        measured_contamination(*arguments)


def test_what_it_is_compared_with_is_in_the_report(wrong):
    hf = wrong["hf"]
    assert hf["assumed"] == 0.2
    assert hf["pull"] == pytest.approx((hf["factor"] - 1) / np.hypot(hf["error"], 0.2))
    assert set(hf["shares"]) == {"c", "udsg"}
    assert sum(hf["shares"].values()) == pytest.approx(1)
    assert wrong["lf"]["shares"]["b"] > 0.7


def test_a_factor_far_from_the_assumed_one_is_said():
    report = {"factor": 1.6, "error": 0.1, "other": 0.05, "assumed": 0.2, "pull": 0.6 / np.hypot(0.1, 0.2)}
    (note,) = contamination_notes({"hf": report, "lf": report | {"pull": -1.9}})
    assert note.startswith(
        "contamination of region hf: data have 1.60 +- 0.10 times that of simulation, which is 2.7 standard deviations "
        "from the assumed 1 +- 0.2"
    )
    (note,) = contamination_notes({"lf": report | {"assumed": None, "pull": float("nan")}})
    assert "from the assumed 1;" in note


def test_what_cannot_be_measured_has_its_reason(measurement, wrong):
    both = {"tag_above": 0.3, "tag_below": 0.9}
    regions = {"hf": Region(**measurement.regions["hf"].model_dump() | both), "lf": measurement.regions["lf"]}
    arguments = None, {"L": 0.05, "T": 0.9999}, SHIFTS, Audit()
    found = measured_contamination(replace(measurement, regions=regions), *arguments)
    assert {name: report["factor"] for name, report in found.items()} == {"hf": None, "lf": None}
    hf, lf = contamination_notes(found)
    assert "region hf cannot be measured: its tags lie between two scores" in hf
    assert "lie in its range of the score, fewer than 100" in lf
    assert measured_contamination(measurement, None, {}, SHIFTS, Audit()) == {}
