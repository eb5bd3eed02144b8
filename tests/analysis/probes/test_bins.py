"""Bins of scale factors and quantile bins of kinematics."""

from __future__ import annotations

import numpy as np

from deepsf.config.binned import Bins
from deepsf.probes.bins import FlavourBins, KinematicBins, mean_by_bin
from deepsf.probes.entries import Jets

BINS = FlavourBins.of(Bins(pt_gev=(20, 60, 300), abseta=(0, 2.5), discriminant=(-2, 0, 0.5, 1)))


def jets(pt, abseta, discriminant) -> Jets:
    columns = (np.array(values, np.float32) for values in (pt, abseta, discriminant))
    return Jets(*columns, np.zeros(len(pt), np.int8))


def test_jets_are_numbered_by_pt_first_and_discriminant_last():
    assert (BINS.shape, BINS.size) == ((2, 1, 3), 6)
    sample = jets([30, 30, 30, 60], [1, 1, 1, 1], [-1, 0.0, 0.5, 0.2])
    np.testing.assert_array_equal(BINS.index(sample), [0, 1, 2, 4])


def test_jets_beyond_an_outer_edge_belong_to_the_outer_bin():
    sample = jets([5, 900, 30], [1, 4.0, 1], [-3, 1.5, 1.0])
    np.testing.assert_array_equal(BINS.index(sample), [0, 5, 2])


def test_axes_are_those_of_the_bins():
    axes = BINS.axes()
    assert [axis.name for axis in axes] == ["pt", "abseta", "discriminant"]
    for axis, edges in zip(axes, BINS, strict=True):
        np.testing.assert_array_equal(axis.edges, edges)


def test_a_mean_is_over_the_values_of_a_bin_and_nan_without_any():
    np.testing.assert_array_equal(mean_by_bin(np.array([0, 2, 0]), np.array([1.0, 5.0, 2.0]), 3), [1.5, np.nan, 5.0])


def test_quantile_bins_have_equal_content_and_open_ends():
    pt, abseta = np.arange(1.0, 101.0), np.tile([0.5, 1.5], 50)
    bins = KinematicBins.of_quantiles(pt, abseta, 4, 2)
    assert bins.size == 8
    np.testing.assert_allclose(np.bincount(bins.index(pt, abseta)), 12.5, atol=0.5)
    np.testing.assert_array_equal(bins.index([-1e9, 1e9], [0.0, 9.0]), [0, 7])


def test_a_bin_is_described_by_its_edges():
    bins = KinematicBins(np.array([40.0, 60.0]), np.array([1.25]))
    assert bins.describe(0) == "pT lowest to 40 GeV, |eta| lowest to 1.25"
    assert bins.describe(3) == "pT 40 to 60 GeV, |eta| 1.25 to highest"
