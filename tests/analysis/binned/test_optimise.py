"""The binning optimiser."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.binned.optimise import FineSums, balanced, expected_errors, optimised
from deepsf.config.binned import Binned, Bins, OptimisedBinning
from deepsf.probes.bins import FlavourBins
from deepsf.probes.entries import Jets, ProbeEntries, RegionEntries

BINS = FlavourBins(np.array([20.0, 1000.0]), np.array([0.0, 2.5]), np.array([-1.0, 0.0, 0.1, 0.2, 0.3, 1.0]))


def sums(own, other=None):
    def upto(values):
        return np.concatenate([[0.0], np.cumsum(values)])[None]

    other = np.zeros(len(own)) if other is None else other
    return FineSums(upto(own), upto(np.zeros(len(own))), upto(other), upto(np.zeros(len(own))))


def entries(score, flavour, weight=1.0):
    n = len(score)
    jets = Jets(np.full(n, 50, np.float32), np.ones(n, np.float32), np.float32(score), np.full(n, flavour, np.int8))
    return ProbeEntries(np.arange(n), np.full(n, weight), np.zeros(n, np.int8), jets, jets)


def test_expected_errors_by_hand():
    # bin 1: m = 100, c = 0; bin 2: m = 100, c = 100. delta = 0.2 on c, C/(M+C) = 1/3: k = 1/(1 + 0.2/3) = 0.9375
    # S shifted = 100/(0.9375*100) = 1.06667; (200 - 0.9375*120)/(0.9375*100) = 0.93333
    # statistics: sqrt(100)/100 = 0.1 and sqrt(200)/100 = 0.141421
    found = expected_errors(sums([100.0, 100.0], [0.0, 100.0]), np.array([0, 1, 2]), 0.2)
    np.testing.assert_allclose(found, [np.hypot(0.1, 0.0666667), np.hypot(0.1414214, 0.0666667)], rtol=1e-5)


def test_equal_splits_of_a_flat_distribution_stay():
    settings = OptimisedBinning(n_fine=40)
    np.testing.assert_array_equal(balanced(sums(np.full(40, 1000.0)), 4, settings), [0, 10, 20, 30, 40])


def test_bins_grow_where_jets_are_few_and_the_worst_loss_falls():
    settings = OptimisedBinning(n_fine=40, contamination=0.0)
    falling = sums(1e5 * np.exp(-np.arange(40) / 4.0))
    steps = balanced(falling, 4, settings)
    widths = np.diff(steps)
    assert steps[0] == 0
    assert steps[-1] == 40
    assert np.all(np.diff(widths) >= 0)
    start = np.array([0, 10, 20, 30, 40])
    loss = [expected_errors(falling, s, 0.0) / np.diff(s) for s in (start, steps)]
    assert loss[1].max() < 0.5 * loss[0].max()


def test_bins_of_too_large_an_error_are_merged_first():
    few = np.full(20, 400.0)
    few[10:] = 0.5  # all ten together: relative error 0.45
    steps = balanced(sums(few), 4, OptimisedBinning(n_fine=20))
    assert expected_errors(sums(few), steps, 0.2).max() < 0.5
    assert steps[-2] <= 10


def test_edges_of_entries_keep_the_invalid_bin_and_are_the_same_each_time():
    rng = np.random.default_rng(1)
    region = RegionEntries(entries(rng.beta(0.5, 3, 20_000), -1), entries(rng.beta(0.5, 3, 40_000), 0, 0.5))
    found = [optimised(BINS, region, 0, OptimisedBinning(n_fine=50)).discriminant for _ in range(2)]
    np.testing.assert_array_equal(*found)
    assert len(found[0]) == 6
    np.testing.assert_allclose(found[0][[0, 1, -1]], [-1.0, 0.0, 1.0])
    assert np.diff(found[0])[-1] > 2 * np.diff(found[0])[1]


def test_fewer_fine_steps_than_bins_are_refused():
    bins = {"b": Bins(pt_gev=(20, 100), abseta=(0, 2.5), discriminant=(-1, 0, 0.1, 0.2, 0.5, 1))}
    with pytest.raises(ValueError, match="n_fine = 3 steps are fewer than the 4 bins"):
        Binned(bins=bins, optimise=OptimisedBinning(n_fine=3))
