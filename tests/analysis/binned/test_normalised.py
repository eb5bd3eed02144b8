"""Bins and curves after their normalisation, by hand."""

from dataclasses import replace

import numpy as np

from deepsf.binned.normalised import normalised_bins, normalised_curve, shares
from deepsf.probes.bins import KinematicBins
from deepsf.probes.weights import NormalisationTable
from tests.analysis.binned.by_hand import BINS, by_hand


def test_normalised_bins_are_over_the_mean_of_their_normalisation():
    table = by_hand()
    values, errors = normalised_bins(table)
    np.testing.assert_allclose(values, table.sf / np.array([2.0, 0.5])[:, None, None])
    np.testing.assert_allclose(errors[:, 0, 0], [0.05, 0.2])


def test_a_normalisation_in_other_bins_is_averaged_over_the_jets_of_a_bin():
    # kinematic bins 20-35 | 35-50 | 50-1000 with means 1.0, 1.2, 0.8: the bin 20-50 holds the first two, in equal parts
    table = NormalisationTable(KinematicBins(np.array([35.0, 50.0]), np.empty(0)), np.array([1.0, 1.2, 0.8]))
    values, _ = normalised_bins(replace(by_hand(), normalisation=dict.fromkeys(("binned", "binned_smooth"), table)))
    np.testing.assert_allclose(values[:, 0, 0], [1.0 / 1.1, 3.0 / 0.8])


def test_bins_lie_in_those_of_the_normalisation_by_numbers_of_jets():
    # 20-50 holds 20-35 and 35-50, which have equal numbers of jets; 50-1000 is one bin
    found = shares(BINS, KinematicBins(np.array([35.0, 50.0]), np.array([1.0])))
    np.testing.assert_allclose(found[0, 0], [0.25, 0.25, 0.25, 0.25, 0, 0])
    np.testing.assert_allclose(found[1, 0], [0, 0, 0, 0, 0.5, 0.5])


def test_the_normalised_curve_passes_through_the_normalised_nodes():
    table = by_hand()
    np.testing.assert_allclose(normalised_curve(table, 0, 0, table.positions[1:]), [1.0, 2.0])
