"""Scale factors of tag bins by ratio: what is made of a fit, and the quotient of densities that they are."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from deepsf.efficiency.ratio.scale_factors import Theta, normalised, weighted
from deepsf.efficiency.truth_tagging.scale_factors import TaggedJets, bin_probabilities
from deepsf.networks.class_probabilities import ClassProbabilities
from deepsf.networks.dense import DenseNetwork
from deepsf.training.classifier import ClassifierTraining, Steps
from deepsf.training.rows import Rows
from tests.analysis.efficiency.ratio.mixed_regions import CODES, SHORT, efficiency, fit, kinematics, regions


def test_inputs_are_scaled_and_clipped_to_the_range_of_the_simulation():
    pt, abseta = np.array([20.0, 50.0, 125.0]), np.array([0.0, 0.5, 2.5])
    theta = Theta.fit(pt, abseta)
    features = theta.features(pt, abseta).numpy()
    np.testing.assert_allclose(features.mean(axis=0), 0.0, atol=1e-6)
    np.testing.assert_allclose(features.std(axis=0), 1.0, rtol=1e-6)
    beyond = theta.features(np.array([1.0, 1e4]), np.array([0.0, 4.0])).numpy()
    np.testing.assert_array_equal(beyond, features[[0, 2]])


def test_probabilities_add_up_in_double_precision():
    found = normalised(torch.log(torch.tensor([[0.9, 0.1], [0.3, 0.7000001]])))
    np.testing.assert_allclose(found.sum(axis=1), 1.0, rtol=1e-15)
    np.testing.assert_allclose(found[0], [0.9, 0.1], rtol=1e-6)


def test_a_fixed_factor_weighs_tagged_bins_and_the_untagged_one_is_the_rest():
    found = weighted(np.array([[0.7, 0.2, 0.1]]), 1.5, "b")
    np.testing.assert_allclose(found, [[0.55, 0.3, 0.15]])


def test_the_mean_over_bins_is_one_at_theta_and_at_every_jet():
    found = fit(regions(n_points=2), settings=SHORT)
    pt, abseta = kinematics(300)
    for number, flavour in enumerate(CODES):
        at_theta = found.bins(flavour, pt, abseta)
        np.testing.assert_allclose((at_theta.simulation * found.evaluate(flavour, pt, abseta)).sum(1), 1.0, atol=1e-12)
        # a jet's own efficiency is another than that at theta
        own = 0.8 * efficiency(number, pt, 2)
        jets = TaggedJets(np.full(300, CODES[flavour][0]), abseta, pt)
        sf = found.in_bins(jets, own)
        np.testing.assert_allclose((bin_probabilities(own) * sf).sum(axis=1), 1.0, atol=1e-12)
        np.testing.assert_array_equal(sf[:, 1:], found.evaluate(flavour, pt, abseta)[:, 1:])


def test_the_joint_density_ratio_over_that_of_theta_is_the_scale_factor():
    # a pure region: classifiers of data against simulation in (k, theta) and in theta alone, and their quotient
    pt, abseta = kinematics(1000)
    inside = bin_probabilities(efficiency(0, pt))
    data = bin_probabilities(0.95 * efficiency(0, pt)) * np.exp(-0.005 * pt)[:, None]
    theta = torch.from_numpy(np.stack([(pt - 110.0) / 52.0, abseta - 1.2], axis=1).astype(np.float32))
    tag = torch.tensor([-1.0, 1.0]).repeat(len(pt))[:, None]

    def log_ratio(features, weight_data, weight_simulation):
        generator = torch.Generator().manual_seed(3)
        network = ClassProbabilities(
            DenseNetwork(features.shape[1], layers=2, units=16, generator=generator, zero_output=True)
        )
        label = torch.cat([torch.ones(len(features)), torch.zeros(len(features))]).long()
        weight = np.concatenate([weight_data, weight_simulation])
        rows = Rows(torch.cat([features, features]), label, weight, len(weight))
        ClassifierTraining(network, rows, Steps(400, 2e-2, 0.05, 0.01, 0.0), np.random.SeedSequence(4)).run()
        return network(features)[:, 0].detach().double().numpy()

    joint = log_ratio(torch.cat([theta.repeat_interleave(2, 0), tag], 1), data.ravel(), inside.ravel())
    of_theta = log_ratio(theta, data.sum(axis=1), inside.sum(axis=1))
    tagged = joint.reshape(-1, 2)[:, 1]
    low, high = pt < 65, pt > 155
    # exp(-0.005 x 135 GeV) between the outer quarters, about 0.5, is in the joint ratio
    assert np.exp(tagged)[high].mean() / np.exp(tagged)[low].mean() < 0.6
    quotient = np.exp(tagged - of_theta)
    np.testing.assert_allclose(quotient.mean(), 0.95, rtol=0.01)
    assert quotient[high].mean() / quotient[low].mean() == pytest.approx(1.0, abs=0.02)


def test_a_fixed_scale_factor_that_makes_efficiencies_exceed_one_is_refused():
    with pytest.raises(ValueError, match=r"a scale factor of 1.5 makes the efficiency of b jets 1.05, above 1, where"):
        weighted(np.array([[0.3, 0.7], [0.9, 0.1]]), 1.5, "b")


def test_a_hadron_flavour_of_none_of_the_flavours_is_named():
    found = fit(regions(), settings=SHORT)
    jets = TaggedJets(np.array([5, 15]), np.ones(2), np.full(2, 60.0))
    with pytest.raises(ValueError, match=r"hadron flavours \[15\] are not among those known"):
        found.in_bins(jets, np.full((2, 1), 0.5))
