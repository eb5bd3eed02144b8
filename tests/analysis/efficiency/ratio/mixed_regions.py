"""Regions of mixed flavours with known scale factors, without fluctuations, and fits to them."""

from __future__ import annotations

import numpy as np

from deepsf.config.efficiency.ratio import RatioFit
from deepsf.efficiency.ratio.fit import DataJets, RegionJets, SimulatedJets, fit_scale_factors
from deepsf.efficiency.truth_tagging.scale_factors import bin_probabilities

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
