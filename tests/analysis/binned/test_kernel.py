"""The compiled sums are those of numpy.bincount, variation by variation."""

from __future__ import annotations

import numpy as np

from deepsf.binned.kernel import EntryBins, histograms, kinematic_sums


def test_sums_are_those_of_bincount_to_the_last_bit():
    rng = np.random.default_rng(1)
    n, n_rows, n_kinematic, n_targets = 5000, 7, 5, 9
    bins = EntryBins(
        *(rng.integers(0, size, n).astype(np.int32) for size in (n_kinematic, n_targets, n_rows, n_rows, 3))
    )
    weight, column = rng.normal(1, 0.5, (n, 2)), np.array([0, 1, 0], np.int32)
    factor, sf = rng.uniform(0.8, 1.2, (3, 3)), rng.uniform(0.5, 1.5, (n_rows, 3))
    total = kinematic_sums(bins, weight, column, factor, sf, n_kinematic)
    kappa = 1.0 / total
    found = histograms(bins, weight, column, factor, sf, kappa, n_targets)
    for variation in range(3):
        weighted = weight[:, column[variation]] * factor[bins.flavour, variation] * sf[bins.tag, variation]
        assert np.bincount(bins.kinematic, weighted, n_kinematic).tobytes() == total[:, variation].tobytes()
        filled = weighted * kappa[bins.kinematic, variation] * sf[bins.probe, variation]
        assert np.bincount(bins.target, filled, n_targets).tobytes() == found[:, variation].tobytes()


def test_two_entries_by_hand():
    # weights 2 and 3, tags of S = 1.5 and 1, probes of S = 1 and 0.5, factor 1.2 on flavour 1: 3 and 3.6
    bins = EntryBins(*(np.array(v, np.int32) for v in ([0, 0], [1, 1], [1, 2], [2, 0], [0, 1])))
    weight, column, factor = np.array([[2.0], [3.0]]), np.zeros(1, np.int32), np.array([[1.0], [1.2]])
    sf = np.array([[0.5], [1.5], [1.0]])
    np.testing.assert_allclose(kinematic_sums(bins, weight, column, factor, sf, 1), [[6.6]])
    # kappa 2: 2 * (3 * 1 + 3.6 * 0.5)
    np.testing.assert_allclose(histograms(bins, weight, column, factor, sf, np.array([[2.0]]), 2), [[0.0], [9.6]])
