"""Weights of simulation, with numbers worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from deepsf.config.weights import EventWeight
from deepsf.probes.bins import KinematicBins
from deepsf.probes.entries import Jets, ProbeEntries, RegionEntries
from deepsf.probes.weights import (
    RegionWeights,
    SmoothNormalisation,
    normalisation_table,
    smooth_normalisation,
)


def jets(pt, flavour=0, abseta=1.0):
    pt = np.asarray(pt, np.float32)
    ones = np.ones(len(pt), np.float32)
    return Jets(pt, abseta * ones, 0.5 * ones, np.broadcast_to(np.int8(flavour), len(pt)).copy())


def entries(pt, weight, tag_flavour=0):
    n = len(pt)
    return ProbeEntries(
        np.arange(n), np.asarray(weight, float), np.zeros(n, np.int8), jets(pt), jets(np.full(n, 50), tag_flavour)
    )


@pytest.fixture
def region():
    # two pT bins, split at the data's median 40: data 2 | 2; simulation 1 + 3 | 2
    data = entries([20, 30, 50, 60], [1, 1, 1, 1])
    simulation = entries([25, 35, 55], [1, 3, 2], tag_flavour=np.array([0, 1, 1]))
    return RegionEntries(data, simulation)


def test_kappa_makes_simulation_meet_data_in_every_kinematic_bin(region):
    weights = RegionWeights(region, 0, EventWeight(n_pt=2, n_abseta=1))
    # kappa = 2/4 and 2/2
    np.testing.assert_allclose(weights.simulation(), [0.5, 1.5, 2.0])


def test_omega_enters_kappas_sum(region):
    weights = RegionWeights(region, 0, EventWeight(n_pt=2, n_abseta=1))
    # w omega = 2, 3 | 8: kappa = 2/5 and 2/8
    np.testing.assert_allclose(weights.simulation(np.array([2.0, 1.0, 4.0])), [0.8, 1.2, 2.0])


def test_contamination_only_leaves_tag_jets_of_the_enriched_flavour_alone(region):
    weights = RegionWeights(region, 0, EventWeight(jets="contamination_only", n_pt=2, n_abseta=1))
    # the first tag jet is of the enriched flavour 0: w omega = 1, 3 | 8
    np.testing.assert_allclose(weights.simulation(np.array([2.0, 1.0, 4.0])), [0.5, 1.5, 2.0])


def test_without_kappa_one_factor_for_the_region_remains(region):
    weights = RegionWeights(region, 0, EventWeight(kappa=False))
    np.testing.assert_allclose(weights.simulation(), np.array([1, 3, 2]) * 4 / 6)


def test_kappa_of_a_training_split_counts_its_entries_alone(region):
    counted = np.array([True, False, True, True]), np.array([False, True, True])
    weights = RegionWeights(region, 0, EventWeight(n_pt=2, n_abseta=1), counted=counted)
    # 1/3 and 2/2; the entry left out gets a weight all the same
    np.testing.assert_allclose(weights.simulation(), [1 / 3, 1.0, 2.0])


def test_a_bin_with_data_but_no_simulation_is_an_error_that_names_it(region):
    empty = RegionEntries(region.data, region.simulation[[0, 1]])
    weights = RegionWeights(empty, 0, EventWeight(n_pt=2, n_abseta=1))
    with pytest.raises(ValueError, match=r"1 kinematic bin\(s\).*pT 40 to highest GeV.*lower event_weight\.n_pt"):
        weights.simulation()


def test_normalised_scale_factors_have_mean_one_in_every_bin():
    bins = KinematicBins(np.array([40.0]), np.array([]))
    sample, weight, sf = jets([20, 30, 50]), np.array([1.0, 3.0, 2.0]), np.array([1.2, 0.8, 1.5])
    table = normalisation_table(bins, sample, weight, sf)
    # (1.2 + 2.4)/4 and 1.5
    np.testing.assert_allclose(table.mean, [0.9, 1.5])
    np.testing.assert_allclose(sf / table.divisor(sample.pt_gev, sample.abseta), [1.2 / 0.9, 0.8 / 0.9, 1.0])


def test_a_bin_without_inclusive_jets_cannot_be_normalised():
    bins = KinematicBins(np.array([40.0]), np.array([]))
    with pytest.raises(ValueError, match=r"cannot normalise scale factors in pT 40 to highest GeV"):
        normalisation_table(bins, jets([20.0]), np.array([1.0]), np.array([1.0]))


def smooth(n=20_000):
    """Return bins, jets, weights, scale factors that rise with pT and |eta|, and their smooth normalisation."""
    rng = np.random.default_rng(3)
    sample = replace(jets(20 + rng.exponential(60.0, n)), abseta=rng.uniform(0, 2.5, n).astype(np.float32))
    bins = KinematicBins.of_quantiles(sample.pt_gev, sample.abseta, 5, 3)
    weight, sf = rng.uniform(0.5, 1.5, n), 1.0 + 0.1 * np.log(sample.pt_gev / 60.0) + 0.1 * sample.abseta
    return bins, sample, weight, sf, smooth_normalisation(bins, sample, weight, sf)


def test_a_smooth_normalisation_gives_the_mean_one_in_every_bin_without_a_step():
    bins, sample, weight, sf, made = smooth()
    index = bins.index(sample.pt_gev, sample.abseta)
    normalised = sf / made.divisor(sample.pt_gev, sample.abseta)
    means = np.bincount(index, weight * normalised) / np.bincount(index, weight)
    np.testing.assert_allclose(means, 1.0, atol=1e-9)
    # what is linear in log(pT) and |eta| is nearly all in it, where jets are between nodes
    inside = (sample.pt_gev > made.pt_gev[0]) & (sample.pt_gev < made.pt_gev[-1])
    assert np.abs(normalised[inside] - 1.0).mean() < 0.02
    edges = np.concatenate([[e * (1 - 1e-6), e * (1 + 1e-6)] for e in bins.pt_gev])
    sides = made.divisor(edges, np.full(len(edges), 1.0)).reshape(-1, 2)
    np.testing.assert_allclose(sides[:, 0], sides[:, 1], rtol=1e-5)


def test_divisors_are_linear_between_nodes_and_constant_beyond():
    bins = KinematicBins(np.array([40.0]), np.array([1.0]))
    made = SmoothNormalisation(bins, np.array([20.0, 80.0]), np.array([0.5, 1.5]), np.array([[1.0, 2.0], [3.0, 4.0]]))
    # 40 GeV is half way in log(pT)
    np.testing.assert_allclose(
        made.divisor([40.0, 40.0, 20.0, 5.0, 900.0], [0.5, 1.0, 1.0, 0.0, 2.4]), [2, 2.5, 1.5, 1, 4]
    )


def test_a_smooth_normalisation_comes_back_from_json():
    *_, made = smooth(2000)
    again = SmoothNormalisation.from_json(made.to_json())
    np.testing.assert_array_equal(again.divisor([25.0, 300.0], [0.1, 2.0]), made.divisor([25.0, 300.0], [0.1, 2.0]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"at_node": [[1.0]]}, r"divisors of shape \(1, 1\) at 5 x 3 nodes"),
        ({"abseta": [0.1, 0.1, 0.2]}, "nodes of pT or |eta| that do not increase"),
        ({"at_node": [[0.0] * 3] * 5}, "not above 0 and finite"),
    ],
)
def test_a_smooth_normalisation_that_makes_no_sense_is_refused(change, message):
    *_, made = smooth(2000)
    with pytest.raises(ValueError, match=message):
        SmoothNormalisation.from_json(made.to_json() | change)
