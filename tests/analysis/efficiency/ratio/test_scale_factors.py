"""Scale factors of tag bins from ratios: known ones are found, and what they must not depend on."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from deepsf.config.efficiency.ratio import RatioFit
from deepsf.efficiency.ratio.fit import DataJets, RegionJets, SimulatedJets, fit_scale_factors
from deepsf.efficiency.ratio.scale_factors import weighted
from deepsf.efficiency.truth_tagging.scale_factors import TaggedJets, bin_probabilities
from deepsf.networks.class_probabilities import ClassProbabilities
from deepsf.networks.dense import DenseNetwork
from deepsf.training.classifier import ClassifierTraining, Steps
from deepsf.training.rows import Rows

CODES = {"b": (5,), "c": (4,), "udsg": (0,)}
EFFICIENCY = np.array([0.7, 0.1, 0.02])
"""At 100 GeV; all rise with pT."""
TRUE = np.array([0.95, 1.10, 1.30])
MIXTURES = {"hf": (0.7, 0.1, 0.2), "lf": (0.05, 0.15, 0.8), "c": (0.1, 0.7, 0.2)}
FIT = RatioFit(n_pt=8, n_abseta=2, units=8, steps=250, simulation_steps=100, learning_rate=2e-2)
SHORT = FIT.model_copy(update={"steps": 10, "simulation_steps": 5})


def efficiency(flavour, pt, n_points=1):
    loosest = EFFICIENCY[flavour] * (0.9 + 0.1 * pt / 100.0)
    return np.stack([loosest, 0.5 * loosest], axis=1)[:, :n_points]


def kinematics(n=4000):
    rng = np.random.default_rng(1)
    return 20.0 + 180.0 * rng.random(n), 2.4 * rng.random(n)


def regions(names=("hf", "lf", "c"), *, tilt=0.0, n_points=1, true=TRUE):
    """Expected numbers of jets, not fluctuating: what is found is then a property of the fit alone."""
    pt, abseta = kinematics()
    made = {}
    for name in names:
        kinds = np.repeat(np.arange(3), len(pt))
        simulation = SimulatedJets(
            np.tile(pt, 3),
            np.tile(abseta, 3),
            kinds,
            np.concatenate([efficiency(f, pt, n_points) for f in range(3)]),
            np.repeat(MIXTURES[name], len(pt)),
        )
        expected = sum(MIXTURES[name][f] * bin_probabilities(true[f] * efficiency(f, pt, n_points)) for f in range(3))
        made[name] = RegionJets(DataJets(pt, abseta, expected * np.exp(-tilt * pt)[:, None]), simulation)
    return made


def fit(made, fixed=None, seed=1, settings=FIT):
    return fit_scale_factors(made, CODES, settings, np.random.SeedSequence(seed), fixed)


def tagged_sf(found, flavour):
    pt, abseta = kinematics(500)
    return found.evaluate(flavour, pt, abseta)[:, 1:]


def deviation(found, flavour, true):
    """Mean over jets of |SF / true - 1|."""
    return float(np.abs(tagged_sf(found, flavour) / true - 1.0).mean())


@pytest.fixture(scope="module")
def nominal():
    return fit(regions())


def test_three_regions_tell_three_scale_factors_apart(nominal):
    for flavour, true, limit in zip(CODES, TRUE, (0.005, 0.01, 0.02), strict=True):
        assert deviation(nominal, flavour, true) < limit


def test_several_working_points_have_the_scale_factor_of_their_bins():
    found = fit(regions(n_points=2))
    for flavour, true, limit in zip(CODES, TRUE, (0.01, 0.02, 0.05), strict=True):
        assert tagged_sf(found, flavour).shape == (500, 2)
        assert deviation(found, flavour, true) < limit


def test_a_tilted_spectrum_of_data_changes_nothing(nominal):
    tilted = fit(regions(tilt=0.005))  # 40 % from 20 to 120 GeV
    for flavour, limit in zip(CODES, (0.005, 0.01, 0.02), strict=True):
        assert deviation(tilted, flavour, tagged_sf(nominal, flavour)) < limit


def test_rates_of_regions_do_not_matter(nominal):
    made = regions()
    lf = made["lf"]
    made["lf"] = RegionJets(lf.data, lf.simulation._replace(weight=7.0 * lf.simulation.weight))
    found = fit(made)
    for flavour, limit in zip(CODES, (0.002, 0.005, 0.01), strict=True):
        assert deviation(found, flavour, tagged_sf(nominal, flavour)) < limit


def test_two_regions_are_enough_for_two_with_the_third_known_and_it_matters():
    right, wrong = (fit(regions(("hf", "lf")), fixed={"c": value}) for value in (1.10, 1.00))
    np.testing.assert_allclose(tagged_sf(right, "c"), 1.10, rtol=1e-6)
    assert deviation(right, "b", 0.95) < 0.005
    assert deviation(right, "udsg", 1.30) < 0.02
    # 15 % of the light region are c jets of efficiency 0.1, 80 % light jets of 0.02: 0.0015 of 0.016 is 0.094; of that
    # the b jets, which are 0.002 higher for it, give back 0.005
    shift = tagged_sf(wrong, "udsg").mean() - tagged_sf(right, "udsg").mean()
    assert shift == pytest.approx(0.094 - 0.005, abs=0.015)


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


def test_equal_seeds_give_equal_numbers():
    values = [tagged_sf(fit(regions(), seed=seed, settings=SHORT), "b") for seed in (1, 1, 2)]
    np.testing.assert_array_equal(values[0], values[1])
    assert not np.array_equal(values[0], values[2])


def test_the_density_ratio_needs_that_of_theta_to_be_a_scale_factor():
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


# --- messages


def test_fewer_regions_than_scale_factors_are_refused():
    message = r"2 region\(s\) \(hf, lf\) cannot tell the scale factors of 3 flavours \(b, c, udsg\) apart: add a region"
    with pytest.raises(ValueError, match=message):
        fit(regions(("hf", "lf")))


def test_a_fixed_scale_factor_that_makes_efficiencies_exceed_one_is_refused():
    with pytest.raises(ValueError, match=r"a scale factor of 1.5 makes the efficiency of b jets 1.05, above 1, where"):
        weighted(np.array([[0.3, 0.7], [0.9, 0.1]]), 1.5, "b")


def test_a_hadron_flavour_of_none_of_the_flavours_is_named():
    found = fit(regions(), settings=SHORT)
    jets = TaggedJets(np.array([5, 15]), np.ones(2), np.full(2, 60.0))
    with pytest.raises(ValueError, match=r"hadron flavours \[15\] are not among those known"):
        found.in_bins(jets, np.full((2, 1), 0.5))
