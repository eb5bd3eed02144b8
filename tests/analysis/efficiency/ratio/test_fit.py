"""The fit of scale factors by ratio: known ones are found, and what they must not depend on."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.efficiency.ratio.fit import RegionJets, fit_scale_factors
from tests.analysis.efficiency.ratio.mixed_regions import CODES, SHORT, TRUE, deviation, fit, regions, tagged_sf
from tests.analysis.other_order import turned


@pytest.fixture(scope="module")
def nominal():
    return fit(regions())


def test_three_regions_tell_three_scale_factors_apart(nominal):
    for flavour, true, limit in zip(CODES, TRUE, (0.005, 0.01, 0.02), strict=True):
        assert deviation(nominal, flavour, true) < limit


def test_the_order_of_regions_and_flavours_changes_no_number():
    written = regions(n_points=2)
    in_other_order = {
        name: RegionJets(region.data, region.simulation._replace(flavour=2 - region.simulation.flavour))
        for name, region in turned(written).items()
    }
    seed = np.random.SeedSequence(1)
    one = fit_scale_factors(written, CODES, SHORT, seed)
    other = fit_scale_factors(in_other_order, turned(CODES), SHORT, seed)
    for flavour in CODES:
        np.testing.assert_array_equal(tagged_sf(one, flavour), tagged_sf(other, flavour))


def test_several_working_points_have_the_scale_factor_of_their_bins():
    found = fit(regions(n_points=2))
    for flavour, true, limit in zip(CODES, TRUE, (0.01, 0.02, 0.05), strict=True):
        assert tagged_sf(found, flavour).shape == (500, 2)
        assert deviation(found, flavour, true) < limit


def test_a_tilted_spectrum_of_data_changes_nothing(nominal):
    tilted = fit(regions(tilt=0.005))  # 40 % from 20 to 120 GeV
    for flavour, limit in zip(CODES, (0.005, 0.01, 0.02), strict=True):
        assert deviation(tilted, flavour, tagged_sf(nominal, flavour)) < limit


def test_rates_of_regions_do_not_matter(nominal):
    made = regions()
    lf = made["lf"]
    made["lf"] = RegionJets(lf.data, lf.simulation._replace(weight=7.0 * lf.simulation.weight))
    found = fit(made)
    for flavour, limit in zip(CODES, (0.002, 0.005, 0.01), strict=True):
        assert deviation(found, flavour, tagged_sf(nominal, flavour)) < limit


def test_two_regions_are_enough_for_two_with_the_third_known_and_it_matters():
    right, wrong = (fit(regions(("hf", "lf")), fixed={"c": value}) for value in (1.10, 1.00))
    np.testing.assert_allclose(tagged_sf(right, "c"), 1.10, rtol=1e-6)
    assert deviation(right, "b", 0.95) < 0.005
    assert deviation(right, "udsg", 1.30) < 0.02
    # 15 % of the light region are c jets of efficiency 0.1, 80 % light jets of 0.02: 0.0015 of 0.016 is 0.094; of that
    # the b jets, which are 0.002 higher for it, give back 0.005
    shift = tagged_sf(wrong, "udsg").mean() - tagged_sf(right, "udsg").mean()
    assert shift == pytest.approx(0.094 - 0.005, abs=0.015)


def test_equal_seeds_give_equal_numbers():
    values = [tagged_sf(fit(regions(), seed=seed, settings=SHORT), "b") for seed in (1, 1, 2)]
    np.testing.assert_array_equal(values[0], values[1])
    assert not np.array_equal(values[0], values[2])


def test_fewer_regions_than_scale_factors_are_refused():
    message = r"2 region\(s\) \(hf, lf\) cannot tell the scale factors of 3 flavours \(b, c, udsg\) apart: add a region"
    with pytest.raises(ValueError, match=message):
        fit(regions(("hf", "lf")))
