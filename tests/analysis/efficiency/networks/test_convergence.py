"""Whether trainings came to an end, from the losses of looks."""

from __future__ import annotations

import math

import pytest

from deepsf.efficiency.networks.convergence import last_half, not_converged


def history(*losses, start=1.0):
    return {
        "pass": [0.5 * (k + 1) for k in range(len(losses))],
        "validation_loss": list(losses),
        "start_loss": [start] * len(losses),
    }


def test_the_last_half_is_the_fall_after_the_middle():
    # of 0.4 in all, 0.1 after the second of four looks
    assert last_half(history(0.8, 0.7, 0.65, 0.6)) == pytest.approx(0.25)
    assert last_half(history(0.8, 0.6, 0.61, 0.62)) == 0.0
    assert last_half(history(0.7, 0.62, 0.6, 0.61)) == pytest.approx(0.05)
    assert math.isnan(last_half(history(1.1, 1.05)))


def test_a_loss_that_still_falls_has_not_converged():
    assert not_converged(history(0.7, 0.62, 0.6, 0.61)) == []
    assert not_converged(history(0.8, 0.7, 0.65, 0.6)) == [
        "25% of what it has learned came in the last half of its steps, limit 10%: the loss at events that were held "
        "out still falls"
    ]
    assert not_converged(history(1.1, 1.05)) == [
        "no better than the mean efficiency of each flavour at events that were held out"
    ]
