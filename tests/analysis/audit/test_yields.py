"""Yield pulls are standard normal for scale factors of mean one, and not otherwise."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.audit.yields import effective_size_factor, global_deviation, sf_range, yield_pulls, yield_report
from deepsf.probes.bins import KinematicBins
from deepsf.probes.entries import Jets
from deepsf.probes.inclusive import InclusiveJets
from deepsf.probes.weights import normalisation_table

BINS = KinematicBins(np.array([40.0, 60.0, 80.0]), np.array([1.0]))


def sample(rng: np.random.Generator, n: int, jets_per_event: int = 1) -> InclusiveJets:
    pt, abseta = rng.uniform(20, 100, n), rng.uniform(0, 2, n)
    discriminant = np.repeat(rng.random(n // jets_per_event), jets_per_event)
    columns = (column.astype(np.float32) for column in (pt, abseta, discriminant))
    weight = np.where(rng.random(n) < 0.1, -1.0, 1.0)
    return InclusiveJets(np.arange(n) // jets_per_event, weight, Jets(*columns, np.zeros(n, np.int8)))


def raw_sf(of: InclusiveJets) -> np.ndarray:
    return 2 * (0.7 + 0.6 * of.jets.discriminant.astype(np.float64))


def pulls_of_toys(n_on: int, n_checked: int, n_toys: int = 150) -> np.ndarray:
    rng = np.random.default_rng(1)
    pulls = []
    for _ in range(n_toys):
        on, checked = sample(rng, n_on), sample(rng, n_checked)
        table = normalisation_table(BINS, on.jets, on.weight, raw_sf(on))
        sf = raw_sf(checked) / table.divisor(checked.jets.pt_gev, checked.jets.abseta)
        pulls.append(yield_pulls(BINS, checked, sf, on))
    return np.array(pulls)


@pytest.mark.parametrize(("n_on", "n_checked"), [(4000, 4000), (4000, 1000)])
def test_pulls_are_standard_normal_whatever_the_sizes_of_the_halves(n_on: int, n_checked: int) -> None:
    # 150 toys x 8 bins: the mean is known to 0.03, the width to 2 %; small bins widen it a little
    pulls = pulls_of_toys(n_on, n_checked)
    assert pulls.mean() == pytest.approx(0.0, abs=0.1)
    assert pulls.std() == pytest.approx(1.0, abs=0.06)


def test_a_yield_off_by_a_tenth_is_found_in_its_bin() -> None:
    rng = np.random.default_rng(2)
    on, checked = sample(rng, 20_000), sample(rng, 20_000)
    table = normalisation_table(BINS, on.jets, on.weight, raw_sf(on))
    sf = raw_sf(checked) / table.divisor(checked.jets.pt_gev, checked.jets.abseta)
    off = np.where((checked.jets.pt_gev < 40) & (checked.jets.abseta > 1), 1.1 * sf, sf)
    report = yield_report(BINS, checked, off, on)
    assert report["max_pull"] > 5
    assert report["bin"] == "pT lowest to 40 GeV, |eta| 1 to highest"
    # an eighth of the jets is 10 % off
    assert report["mean_sf"] == pytest.approx(1.0125, abs=0.005)


def test_jets_of_one_event_count_as_one_fluctuation() -> None:
    rng = np.random.default_rng(3)
    of = sample(rng, 2000)
    one_bin = KinematicBins(np.empty(0), np.empty(0))
    twice = InclusiveJets(np.repeat(of.event, 2), np.repeat(of.weight, 2), of.jets[np.repeat(np.arange(2000), 2)])
    sf = 0.7 + 0.62 * of.jets.discriminant.astype(np.float64)
    assert yield_pulls(one_bin, twice, np.repeat(sf, 2), twice) == pytest.approx(yield_pulls(one_bin, of, sf, of))


def test_unit_scale_factors_change_no_yield() -> None:
    of = sample(np.random.default_rng(4), 500)
    assert yield_report(BINS, of, np.ones(500), of) == {"max_pull": 0.0, "bin": None, "n_bins": 0, "mean_sf": 1.0}


def test_the_largest_of_many_pulls_counts_by_its_probability_among_them() -> None:
    # one pull is itself; 1 - (1 - 0.0026998)^60 = 0.1497 is two-sided 1.4406
    assert global_deviation(3.0, 1) == pytest.approx(3.0)
    assert global_deviation(3.0, 60) == pytest.approx(1.4406, abs=1e-3)
    assert global_deviation(0.0, 60) == global_deviation(1.0, 0) == 0.0


def test_range_counts_extreme_scale_factors() -> None:
    result = sf_range(np.array([0.2, 1.0, 1.5, 3.5]))
    assert result == {"min": 0.2, "max": 3.5, "extreme_fraction": 0.5}


def test_effective_size_by_hand() -> None:
    # weights 1, 3: 16 / 10 = 1.6 entries instead of 2
    assert effective_size_factor(np.array([1.0, 3.0]), np.ones(2)) == pytest.approx(0.8)
