"""What counts as dead and as not converged."""

from __future__ import annotations

import math
import re

import pytest

from deepsf.training.convergence import DeadNetworkError, not_converged, require_alive


def record(*, sf=0.12, discriminator=0.12, lag=0.002, closure=1.0, flavour="b"):
    """The last of two passes matters."""
    return {
        f"spread_scale_factor_{flavour}": [0.0, sf],
        f"spread_discriminator_{flavour}": [0.0, discriminator],
        f"lag_scale_factor_{flavour}": [1.0, lag],
        f"closure_{flavour}": [closure],
        "pass": [1.0, 2.0],
    }


def test_networks_whose_output_varies_live():
    require_alive(record(), "do it again")
    require_alive(record(sf=0.001, discriminator=0.001), "do it again")


@pytest.mark.parametrize("constant", [0.0, 0.0006, math.nan])
def test_networks_whose_output_is_the_same_for_all_jets_are_named(constant):
    message = (
        "the output of these networks is the same for all jets, with a spread below 0.001, and not what data say: "
        f"discriminator of b ({constant:.2g}), scale factor of b ({constant:.2g}); do it again"
    )
    with pytest.raises(DeadNetworkError, match=f"^{re.escape(message)}$"):
        require_alive(record(sf=constant, discriminator=constant, closure=2.6), "do it again")
    with pytest.raises(DeadNetworkError, match=r"not what data say: scale factor of b \(.*\); do it again$"):
        require_alive(record(sf=constant, closure=math.nan), "do it again")


def test_a_constant_that_data_agree_with_is_named_and_no_error_and_a_spread_that_is_no_number_is_one():
    constant = record(sf=0.0003, discriminator=0.0003, closure=2.4)
    require_alive(constant, "do it again")
    assert not_converged(constant) == ["scale factor of b: the same for all jets, with a spread of 0.0003; data agree"]
    with pytest.raises(DeadNetworkError, match=r"scale factor of b \(nan\)"):
        require_alive(record(sf=math.nan, closure=1.0), "do it again")


def test_a_flavour_may_have_an_underscore_in_its_name():
    constant = record(sf=0.0003, discriminator=0.0003, flavour="light_quark")
    require_alive(constant, "do it again")
    assert not_converged(constant)[0].startswith("scale factor of light_quark: the same for all jets")
    with pytest.raises(DeadNetworkError, match=r"discriminator of light_quark .*, scale factor of light_quark "):
        require_alive(constant | {"closure_light_quark": [2.6]}, "do it again")


def test_a_constant_that_data_do_not_agree_with_is_not_said_to_be_right():
    assert not_converged(record(sf=0.0003, closure=2.6))[0].endswith("with a spread of 0.0003")


def test_a_scale_factor_that_is_what_its_discriminator_says_has_converged():
    assert not_converged(record(lag=0.0083)) == []  # 0.07 of 0.12 is 0.0084
    assert not_converged(record(lag=0.005, discriminator=0.01)) == []


@pytest.mark.parametrize(
    ("lag", "discriminator", "words"),
    [
        (0.018, 0.12, "scale factor of b: 0.018 off its discriminator, limit 0.0084"),
        (0.006, 0.01, "scale factor of b: 0.006 off its discriminator, limit 0.005"),
        (math.nan, 0.12, "scale factor of b: nan off its discriminator, limit 0.0084"),
    ],
)
def test_a_scale_factor_that_lags_says_by_how_much(lag, discriminator, words):
    assert not_converged(record(lag=lag, discriminator=discriminator)) == [words]


def test_a_scale_factor_that_does_not_give_the_score_in_data_has_not_converged():
    assert not_converged(record(closure=2.5)) == []
    words = "scale factor of b: chi2/ndf 2.6 of the score in its region, limit 2.5"
    assert not_converged(record(closure=2.6)) == [words]
    assert len(not_converged(record(closure=math.nan, lag=0.018))) == 2
