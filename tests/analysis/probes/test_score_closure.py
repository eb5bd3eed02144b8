"""Closure of the score as one number: near 1 for the truth, large without scale factors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from deepsf.config.weights import EventWeight
from deepsf.probes.entries import RegionEntries
from deepsf.probes.score_closure import score_closure


@pytest.mark.parametrize("flavour", ["b", "udsg"])
def test_it_is_near_one_for_the_truth_and_large_without_scale_factors(shape_toy, flavour):
    toys = [shape_toy(20_000, seed) for seed in (1, 2, 3)]
    of_truth = [score_closure(toy.measurement(), flavour, toy.truth) for toy in toys]
    # 19 degrees of freedom, three times: 1 +- 0.19
    assert np.mean(of_truth) == pytest.approx(1, abs=0.6)
    assert max(of_truth) < 3
    assert all(score_closure(toy.measurement(), flavour, lambda _, jets: np.ones(len(jets))) > 10 for toy in toys)


def test_too_few_jets_for_two_bins_are_no_failure(shape_toy):
    toy = shape_toy(2_000, 1)
    few = {n: RegionEntries(r.data[:20], r.simulation[:20]) for n, r in toy.entries.items()}
    measurement = replace(toy, entries=few).measurement(EventWeight(n_pt=1, n_abseta=1))
    assert score_closure(measurement, "b", toy.truth) == 0
