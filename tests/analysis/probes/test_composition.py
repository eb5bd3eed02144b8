"""Factors of the contamination, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.config.shifts import Contamination
from deepsf.probes.composition import contamination_factors, with_contamination
from deepsf.probes.entries import Jets, ProbeEntries, RegionEntries

FLAVOURS = ("b", "c", "udsg")


def jets(pt, score, flavour):
    pt, score = np.array(pt, np.float32), np.array(score, np.float32)
    return Jets(pt, np.ones(len(pt), np.float32), score, np.array(flavour, np.int8))


PROBE = jets([60, 180, 10, 20, 1800, 60], [0.9, 0.1, 0.2, 0.3, 0.3, -1], [0, 2, 2, 2, 2, 1])


def test_a_size_is_the_same_for_all_contamination_or_for_one_flavour():
    up = contamination_factors(PROBE, FLAVOURS, "b", Contamination(region="hf"))
    np.testing.assert_allclose(up, [1, 1.2, 1.2, 1.2, 1.2, 1.2])
    down = contamination_factors(PROBE, FLAVOURS, "b", Contamination(region="hf", flavour="c"), -1.0)
    np.testing.assert_allclose(down, [1, 1, 1, 1, 1, 0.8])


def test_a_tilt_in_pt_ends_at_20_and_600_gev():
    tilt = Contamination(region="hf", size=0, pt_slope=0.1)
    # ln(180/60)/ln 3 = 1, ln(20/60)/ln 3 = -1, ln(600/60)/ln 3 = 2.0959
    factors = contamination_factors(PROBE, FLAVOURS, "b", tilt)
    np.testing.assert_allclose(factors, [1, 1.1, 0.9, 0.9, 1.20959, 1], atol=1e-5)


def test_a_tilt_in_the_score_goes_by_the_ranks_of_the_flavour_and_leaves_its_rate():
    tilt = Contamination(region="hf", size=0, score_slope=0.2)
    # ranks of four light jets, two of them equal: u = 1/8, 3/8, 3/4, 3/4; the c jet has no valid score
    factors = contamination_factors(PROBE, FLAVOURS, "b", tilt)
    np.testing.assert_allclose(factors, [1, 1 - 0.15, 1 - 0.05, 1.1, 1.1, 1])
    assert factors[1:5].sum() == pytest.approx(4)


def test_a_factor_of_a_region_leaves_the_enriched_flavour_data_and_other_regions():
    n = len(PROBE)
    simulation = ProbeEntries(np.arange(n), np.full(n, 2.0), np.zeros(n, np.int8), PROBE, PROBE)
    region = RegionEntries(simulation, simulation)
    entries = {"hf": region, "lf": region}
    scaled = with_contamination(entries, {"hf": "b", "lf": "udsg"}, FLAVOURS, {"hf": 1.5})
    np.testing.assert_allclose(scaled["hf"].simulation.weight, [2, 3, 3, 3, 3, 3])
    assert scaled["hf"].data is simulation
    assert scaled["lf"] is region
