"""A measurement under a shift: what moves, and what does not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from deepsf.binned.shifts import SystematicShifts
from deepsf.config.shifts import Contamination, Shifts, TagCut
from deepsf.errors.shifted import shift_names, shifted_measurement
from deepsf.probes.composition import contamination_factors
from tests.shape_toy import make


@pytest.fixture(scope="module")
def measurement():
    return make(500, 1).measurement()


def test_the_names_are_those_that_fits_are_repeated_for():
    shifts = SystematicShifts(Shifts(), kinematic=("jer_up", "jer_down"), weights=("pileup_up",))
    assert shift_names(shifts) == ("lf_up", "lf_down", "hf_up", "hf_down", "pileup_up", "jer_up", "jer_down")
    cut = SystematicShifts(Shifts(contamination={}, tag_cuts={"hf": TagCut(above=0.9)}))
    assert shift_names(cut) == ("tagcut_up",)


def test_contamination_weighs_more_in_its_region_alone(measurement):
    shifted = shifted_measurement(measurement, SystematicShifts(Shifts()), "lf_up")
    probe = measurement.entries["hf"].simulation.probe
    ratio = shifted.entries["hf"].simulation.weight / measurement.entries["hf"].simulation.weight
    np.testing.assert_allclose(ratio, np.where(probe.flavour == 0, 1.0, 1.2))
    assert shifted.entries["lf"] is measurement.entries["lf"]
    assert shifted.entries["hf"].data is measurement.entries["hf"].data


def test_one_flavour_alone_may_be_shifted(measurement):
    settings = Shifts(contamination={"charm": Contamination(region="lf", size=0.5, flavour="c")})
    shifted = shifted_measurement(measurement, SystematicShifts(settings), "charm_down")
    flavour = measurement.entries["lf"].simulation.probe.flavour
    ratio = shifted.entries["lf"].simulation.weight / measurement.entries["lf"].simulation.weight
    np.testing.assert_allclose(ratio, np.where(flavour == 1, 0.5, 1.0))


def test_a_tilt_weighs_as_in_the_binned_measurement(measurement):
    tilt = Contamination(region="lf", size=0.0, pt_slope=0.1, score_slope=-0.2)
    shifted = shifted_measurement(measurement, SystematicShifts(Shifts(contamination={"hfpt": tilt})), "hfpt_down")
    simulation = measurement.entries["lf"].simulation
    factor = contamination_factors(simulation.probe, measurement.names, "udsg", tilt, -1.0)
    np.testing.assert_allclose(shifted.entries["lf"].simulation.weight, simulation.weight * factor, rtol=0)
    assert np.ptp(factor) > 0.3
    assert (factor[simulation.probe.flavour == 2] == 1).all()


def test_shifts_of_the_skim_have_their_own_entries_and_inclusive_jets(measurement):
    other = make(300, 2)
    shifts = SystematicShifts(
        Shifts(), kinematic=("jer_up",), entries=lambda name: other.entries, inclusive=lambda name: other.inclusive
    )
    shifted = shifted_measurement(measurement, shifts, "jer_up")
    assert shifted.entries is other.entries
    assert shifted.inclusive is other.inclusive


def test_a_tighter_cut_keeps_the_tag_jets_that_pass_it(measurement):
    entries = dict(measurement.entries)
    for name, part in entries.items():
        data, simulation = (
            replace(s, tag=replace(s.tag, discriminant=np.linspace(0, 1, len(s), dtype=np.float32)))
            for s in (part.data, part.simulation)
        )
        entries[name] = replace(part, data=data, simulation=simulation)
    spread = replace(measurement, entries=entries)
    shifts = SystematicShifts(Shifts(tag_cuts={"hf": TagCut(above="T")}), working_points={"T": 0.75})
    cut = shifted_measurement(spread, shifts, "tagcut_up")
    assert (cut.entries["hf"].data.tag.discriminant > 0.75).all()
    assert len(cut.entries["hf"].data) == pytest.approx(len(spread.entries["hf"].data) / 4, abs=1)
    assert cut.entries["lf"] is spread.entries["lf"]
