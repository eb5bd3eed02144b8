"""Campaign: luminosity and energy are positive and finite."""

import pytest

from deepsf.config.campaign import Campaign


@pytest.mark.parametrize("change", [{"luminosity_ifb": 0.0}, {"luminosity_ifb": float("inf")}, {"energy_tev": -13.0}])
def test_luminosity_and_energy_are_positive_and_finite(change):
    given = {"era": "2017_UL", "energy_tev": 13.0, "luminosity_ifb": 41.5}
    assert Campaign(**given).luminosity_ifb == 41.5
    with pytest.raises(ValueError, match=next(iter(change))):
        Campaign(**given | change)
