"""Event weights and normalisation."""

import pytest

from deepsf.config.weights import EventWeight, Normalisation


def test_weights_of_all_tag_jets_are_the_default_and_others_are_refused():
    assert EventWeight().jets == "all_jets"
    with pytest.raises(ValueError, match="Input should be 'all_jets' or 'contamination_only'"):
        EventWeight(jets="probe")


def test_a_normalisation_has_a_bin():
    with pytest.raises(ValueError, match="n_abseta"):
        Normalisation(n_abseta=0)


def test_factors_of_the_contamination_are_above_0_and_of_regions_that_exist(tree, message):
    tree["event_weight"] = {"contamination": {"x": 1.1}}
    assert "event_weight.contamination.x: not one of the regions ['hf', 'lf']" in message(tree)
    with pytest.raises(ValueError, match=r"contamination\.hf"):
        EventWeight(contamination={"hf": 0.0})
