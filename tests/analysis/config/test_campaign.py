"""Campaign: luminosity and energy are positive and finite, ranges of runs rise, an order names data samples."""

import pytest

from deepsf.config.campaign import Campaign, order_problems


@pytest.mark.parametrize("change", [{"luminosity_ifb": 0.0}, {"luminosity_ifb": float("inf")}, {"energy_tev": -13.0}])
def test_luminosity_and_energy_are_positive_and_finite(change):
    given = {"era": "2017_UL", "energy_tev": 13.0, "luminosity_ifb": 41.5}
    assert Campaign(**given).luminosity_ifb == 41.5
    with pytest.raises(ValueError, match=next(iter(change))):
        Campaign(**given | change)


@pytest.mark.parametrize(
    ("runs", "got"),
    [([[306462, 297046]], "306462 and 297046"), ([[1, 5], [0, 5]], "0 and 5"), ([[-5, -1]], "-5 and -1")],
)
def test_ranges_of_runs_rise(runs, got):
    given = {"era": "2017_UL", "energy_tev": 13.0, "luminosity_ifb": 41.5}
    assert Campaign(**given, runs=[[297046, 306462], [7, 7]]).runs == ((297046, 306462), (7, 7))
    with pytest.raises(ValueError, match=f"first and last run must be positive and rise, got {got}"):
        Campaign(**given, runs=runs)


def test_the_order_of_data_samples_names_each_once():
    campaign = Campaign(
        era="2017_UL", energy_tev=13.0, luminosity_ifb=41.5, data_order=("muoneg", "ttbar", "doubleeg", "muoneg")
    )
    assert list(order_problems(campaign, ["doubleeg", "muoneg"])) == [
        "campaign.data_order: 'muoneg' is named twice",
        "campaign.data_order: 'ttbar' is not one of the data samples ['doubleeg', 'muoneg']",
    ]
