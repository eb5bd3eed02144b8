"""Generator: purities and rates that a measurement can work with."""

import pytest

from deepsf.config.generator import Generator


def test_regions_too_alike_to_be_measured_are_refused(tree, message):
    tree["generator"] |= {"purity_hf": 0.6, "purity_lf": 0.55}
    assert "purity_hf + purity_lf = 1.15 is below 1.2" in message(tree)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"rate_offsets": {"ee": 0.6}}, r"rate_offsets\.ee = 0\.6 must lie within -0\.5 and 0\.5"),
        ({"pt_tilt": 0.31}, "pt_tilt"),
        ({"negative_weight_fraction": 0.4}, "negative_weight_fraction"),
    ],
)
def test_rates_and_weights_out_of_range_are_refused(change, reason):
    with pytest.raises(ValueError, match=reason):
        Generator(true_sf={"file": "x", "name": "y"}, **change)
