"""Validation: more jets than the measurement has, in an order that exists."""

import pytest

from deepsf.config.validation import Validation


def test_the_last_number_of_jets_stands_for_more():
    assert Validation().n_jets == (3, 8)
    assert Validation(n_jets_min=4, n_jets_max=5).n_jets == (4, 5)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"n_jets_min": 2}, "n_jets_min"),
        ({"n_jets_max": 8}, "n_jets_max"),
        ({"n_jets_min": 5, "n_jets_max": 4}, "n_jets_max = 4 is below n_jets_min = 5"),
    ],
)
def test_jets_of_the_measurement_and_reversed_limits_are_refused(change, reason):
    with pytest.raises(ValueError, match=reason):
        Validation(**change)
