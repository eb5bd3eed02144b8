"""Discriminants of pseudo-data follow the injected scale factor."""

import os
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import chi2

from deepsf.generator import pseudo_data, true_sf
from deepsf.generator.discriminant import TAGGERS, draw
from deepsf.generator.truth import load as effective_truth
from scripts.make_true_sf import NAME

ROOT = Path(__file__).parents[3]
TRUTH = ROOT / "configs" / "true_sf" / "toy.json"


def closure(truth, flavour, n):
    """Chi2 of pseudo-data against simulation, plain and with the effective truth, and the number of bins."""
    rng = np.random.default_rng(7)
    pt, abseta = 20 + rng.exponential(40, n), rng.uniform(0, 2.5, n)
    codes = np.full(n, flavour)
    tagger = truth.tagger
    data = pseudo_data.discriminant_of_data(rng, tagger, truth.injected, codes, pt, abseta)
    simulation = draw(rng, tagger, codes, pt, abseta)
    valid = np.quantile(simulation[simulation > 0], np.linspace(0, 1, 9)[1:-1])
    edges = ([0, 30, 60, 1e4], [0, 0.8, 1.6, 2.5], [-3, *([0.0] if tagger.has_invalid else []), *valid, 1.1])

    def fill(values, weights):
        return np.histogramdd((pt, abseta, values), edges, weights=weights)[0].ravel()

    counts = fill(data, np.ones(n))
    results = []
    for weight in (np.ones(n), truth.evaluate(codes, abseta, pt, simulation)):
        variance = counts + fill(simulation, weight**2)
        results.append(((counts - fill(simulation, weight)) ** 2 / variance).sum())
    return *results, len(counts)


@pytest.mark.parametrize(
    ("branch", "flavour"), [("btagDeepFlavB", 5), ("btagDeepFlavB", 0), ("btagDeepB", 5), ("btagDeepB", 0)]
)
def test_pseudo_data_follow_the_effective_truth(branch, flavour):
    plain, weighted, n_bins = closure(effective_truth(TRUTH, NAME, "central", branch), flavour, 20_000)
    assert chi2.sf(plain, n_bins) < 1e-6
    assert chi2.sf(weighted, n_bins) > 1e-3


def test_charm_is_the_same_in_pseudo_data():
    plain, _, n_bins = closure(effective_truth(TRUTH, NAME, "central", "btagDeepFlavB"), 4, 10_000)
    assert chi2.sf(plain, n_bins) > 1e-3


def test_pseudo_data_follow_a_public_table():
    reference = os.environ.get("DEEPSF_REFERENCE_SF")
    if not reference:
        pytest.skip("DEEPSF_REFERENCE_SF does not name a public BTV file with deepJet_shape")
    truth = effective_truth(Path(reference), "deepJet_shape", "central", "btagDeepFlavB")
    for flavour in (5, 0):
        plain, weighted, n_bins = closure(truth, flavour, 20_000)
        assert chi2.sf(plain, n_bins) < 1e-6
        assert chi2.sf(weighted, n_bins) > 1e-3


def test_no_jet_is_lost_and_untagged_jets_follow_simulation():
    rng = np.random.default_rng(1)
    injected = true_sf.load(TRUTH, NAME)
    arguments = np.full(500, 5), np.full(500, 60.0), np.full(500, 2.6)
    first = pseudo_data.discriminant_of_data(np.random.default_rng(3), TAGGERS["btagDeepFlavB"], injected, *arguments)
    second = draw(np.random.default_rng(3), TAGGERS["btagDeepFlavB"], *arguments)
    assert (first == second).all()
    inside = pseudo_data.discriminant_of_data(
        rng, TAGGERS["btagDeepFlavB"], injected, *arguments[:2], np.full(500, 1.0)
    )
    assert len(inside) == 500


class Injected:
    """A scale factor whose ceiling is wrong or that vanishes."""

    label = "sf.json, correction 'sf'"

    def __init__(self, value, ceiling):
        self.value, self.ceilings = value, np.full(3, ceiling)

    def evaluate(self, hadron_flavour, abseta, pt_gev, discriminant):
        return np.full(len(pt_gev), self.value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (1.5, r"1\.5 for flavour 5 at .* exceeds the ceiling 1\.2"),
        (0.0, "no discriminant was accepted in 1000 draws for flavour 5"),
    ],
)
def test_a_value_above_the_ceiling_or_a_vanishing_one_is_an_error(value, message):
    with pytest.raises(ValueError, match=message):
        pseudo_data.discriminant_of_data(
            np.random.default_rng(1),
            TAGGERS["btagDeepFlavB"],
            Injected(value, 1.2),
            np.full(4, 5),
            np.full(4, 50.0),
            np.ones(4),
        )
