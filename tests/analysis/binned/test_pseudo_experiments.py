"""Pulls and covariance of the binned measurement over pseudo-experiments."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.binned import pseudo_experiments
from deepsf.binned.pseudo_experiments import MIN_EXPECTED

PURITIES = [(0.85, 0.90), (0.70, 0.75)]
N_EVENTS = 400_000.0


def expected_events(model, of_kind):
    return {name: events[:, None] for name, events in of_kind.items()}


@pytest.mark.parametrize(("purity_hf", "purity_lf"), PURITIES)
def test_expected_events_have_the_purities_and_give_the_truth_exactly(purity_hf, purity_lf):
    model = pseudo_experiments.model(purity_hf, purity_lf, n_events=1000.0)
    for name, flavour, purity in (("hf", 0, purity_hf), ("lf", 2, purity_lf)):
        entries = model.method.entries[name].simulation
        weight = model.simulation[name][entries.event]
        np.testing.assert_allclose(weight[entries.probe.flavour == flavour].sum() / weight.sum(), purity)
        assert (np.bincount(entries.event) == 2).any()  # both jets tag
    found = model.variations(
        ("expected",), expected_events(model, model.data), expected_events(model, model.simulation)
    )
    np.testing.assert_allclose(found.sf[0], model.flat_truth, rtol=0, atol=1e-5)  # where the iteration stops
    assert np.ptp(model.flat_truth) > 0.2


def test_a_purity_out_of_reach_is_an_error():
    with pytest.raises(ValueError, match=r"region hf: no mixture of its events has the purity 0\.05; it lies between"):
        pseudo_experiments.model(0.05, 0.9, n_events=1000.0)


def test_the_same_seed_gives_the_same_experiments():
    model = pseudo_experiments.model(0.85, 0.90, n_events=N_EVENTS)
    first, again, other = (
        pseudo_experiments.run(model, n_experiments=3, n_bootstrap=4, seed=seed) for seed in (1, 1, 2)
    )
    assert first.sf.tobytes() == again.sf.tobytes()
    assert first.error.tobytes() == again.error.tobytes()
    assert (first.sf != other.sf).any()


def test_a_wrong_truth_and_wrong_errors_are_seen():
    """What the drill below asserts can fail: a bias of half a sigma, errors a fifth too small."""
    model = pseudo_experiments.model(0.85, 0.90, n_events=N_EVENTS)
    found = pseudo_experiments.run(model, n_experiments=100, n_bootstrap=50, seed=3)
    assert abs(found.summary()["mean"]) < 0.1
    biased = pseudo_experiments.Experiments(
        found.truth - 0.5 * found.error.mean(axis=0),
        found.expected,
        found.sf,
        0.8 * found.error,
        0.64 * found.covariance,
        found.n_bootstrap,
    ).summary()
    assert biased["mean"] > 0.5
    assert biased["width"] > 1.15
    assert biased["chi2_per_ndf"] > 1.4
    assert biased["max_mean_sigma"] > 4


def check(found, n_experiments, tolerance):
    """Limits of the drill, for fewer experiments widened by ``tolerance``."""
    summary = found.summary()
    assert summary["n_experiments"] == n_experiments
    assert summary["n_bins"] == 22
    assert summary["n_left_out"] == 4  # invalid scores
    assert found.expected[~found.is_used].max() < MIN_EXPECTED
    assert abs(summary["mean"]) < 0.02 * tolerance
    assert abs(summary["width"] - 1) < 0.05 * tolerance
    assert summary["max_mean_sigma"] < 4
    assert summary["max_width_sigma"] < 4
    for key in ("chi2_per_ndf", "chi2_per_ndf_of_mean"):
        assert abs(summary[key] - 1) < 0.05 * tolerance, key


@pytest.mark.parametrize(("purity_hf", "purity_lf"), PURITIES)
def test_pulls_of_a_hundred_experiments(purity_hf, purity_lf):
    model = pseudo_experiments.model(purity_hf, purity_lf, n_events=N_EVENTS)
    # sqrt(500 / 100) = 2.2 times the statistical part of the limits
    check(pseudo_experiments.run(model, n_experiments=100, n_bootstrap=60, seed=1), 100, tolerance=2.2)


@pytest.mark.drills
@pytest.mark.parametrize(("purity_hf", "purity_lf"), PURITIES)
def test_pulls_of_five_hundred_experiments(purity_hf, purity_lf):
    model = pseudo_experiments.model(purity_hf, purity_lf, n_events=N_EVENTS)
    check(pseudo_experiments.run(model, n_experiments=500, n_bootstrap=100, seed=1), 500, tolerance=1.0)
