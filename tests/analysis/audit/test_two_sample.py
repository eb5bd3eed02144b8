"""AUCs with signed weights against closed forms; the classifier test on small samples."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from deepsf.audit.two_sample import Ranking, half_of_events, two_sample_auc
from deepsf.config.audit import Audit
from deepsf.probes.entries import Jets, ProbeEntries, RegionEntries


def jets(rng: np.random.Generator, discriminant: np.ndarray) -> Jets:
    n = len(discriminant)
    pt = (20 + rng.exponential(50, n)).astype(np.float32)
    abseta = rng.uniform(0, 2.4, n).astype(np.float32)
    return Jets(pt, abseta, discriminant.astype(np.float32), np.zeros(n, np.int8))


def entries(rng: np.random.Generator, discriminant: np.ndarray, event: np.ndarray | None = None) -> ProbeEntries:
    n = len(discriminant)
    probe = jets(rng, discriminant)
    return ProbeEntries(np.arange(n) if event is None else event, np.ones(n), np.zeros(n, np.int8), probe, probe)


def linear(rng: np.random.Generator, n: int, slope: float) -> np.ndarray:
    """Draw from 1 + slope (2 x - 1) on [0, 1] by inverting its cumulative x + slope (x^2 - x)."""
    u = rng.random(n)
    return (slope - 1 + np.sqrt((1 - slope) ** 2 + 4 * slope * u)) / (2 * slope) if slope else u


def weighted_auc(data: np.ndarray, data_weight: np.ndarray, simulation: np.ndarray, weight: np.ndarray) -> float:
    return Ranking.of(data, simulation).auc(np.concatenate([data_weight, weight]))


def test_auc_of_two_shifted_gaussians_is_the_closed_form() -> None:
    rng, n, d = np.random.default_rng(1), 100_000, 0.7
    auc = weighted_auc(rng.normal(d, 1, n), np.ones(n), rng.normal(0, 1, n), np.ones(n))
    # P(x > y) = Phi(d / sqrt 2); statistical error about sqrt(1 / (12 n) * 2) = 0.0013
    assert auc == pytest.approx(norm.cdf(d / np.sqrt(2)), abs=0.005)


def test_auc_counts_equal_scores_half() -> None:
    # pairs (data, simulation): (1, 1) 1/2, (1, 0) 1, (2, 1) 1, (2, 0) 1 -> 3.5 / 4
    assert weighted_auc(np.array([1.0, 2.0]), np.ones(2), np.array([1.0, 0.0]), np.ones(2)) == 0.875


def test_auc_weights_pairs_by_the_product_of_weights() -> None:
    # data 1 (weight 3) beats nothing, data 3 (weight 1) beats the one simulated entry at 2: 1 / (1 + 3)
    assert weighted_auc(np.array([1.0, 3.0]), np.array([3.0, 1.0]), np.array([2.0]), np.array([5.0])) == 0.25


def test_negative_weights_that_cancel_leave_the_auc() -> None:
    rng, n = np.random.default_rng(2), 5_000
    data, simulation, contamination = rng.normal(0.5, 1, n), rng.normal(0, 1, n), rng.normal(3, 1, n)
    plain = weighted_auc(data, np.ones(n), simulation, np.ones(n))
    scores = np.concatenate([simulation, contamination, contamination])
    weights = np.concatenate([np.ones(n), np.full(n, 0.8), np.full(n, -0.8)])
    assert weighted_auc(data, np.ones(n), scores, weights) == pytest.approx(plain, abs=1e-12)


def test_auc_does_not_depend_on_the_scale_of_weights() -> None:
    rng = np.random.default_rng(3)
    data, simulation, weight = rng.normal(0.5, 1, 1000), rng.normal(0, 1, 1000), rng.normal(1, 0.5, 1000)
    plain = weighted_auc(data, np.ones(1000), simulation, weight)
    assert weighted_auc(data, np.full(1000, 7.0), simulation, 1e-3 * weight) == pytest.approx(plain, rel=1e-12)


def test_auc_refuses_weights_without_a_positive_sum() -> None:
    with pytest.raises(ValueError, match="1 in data and -1 in simulation; an AUC needs positive sums"):
        Ranking.of(np.array([1.0]), np.array([0.0])).auc(np.array([1.0, -1.0]))


def test_both_entries_of_an_event_are_in_the_same_half() -> None:
    rng = np.random.default_rng(4)
    event = rng.integers(0, 500, 1000)
    half = half_of_events(entries(rng, rng.random(1000), event), np.random.default_rng(1))
    assert not set(event[half]) & set(event[~half])
    assert len(np.unique(event[half])) == len(np.unique(event)) // 2


@pytest.fixture(scope="module")
def aucs() -> dict[str, float]:
    rng, n = np.random.default_rng(5), 20_000
    region = RegionEntries(entries(rng, linear(rng, n, 0.3)), entries(rng, rng.random(n)))
    truth = 1 + 0.3 * (2 * region.simulation.probe.discriminant.astype(np.float64) - 1)
    weighted = {"none": np.ones(n), "deepsf": truth.copy(), "truth": truth}
    return two_sample_auc(region, weighted, Audit(n_bootstrap=30), np.random.SeedSequence(1))


def test_classifier_finds_an_unweighted_slope(aucs: dict[str, float]) -> None:
    # data density 1 + 0.3 (2 x - 1) over a flat one, ordered by x: AUC = int p(x) x dx = 1/2 + 0.3 / 6 = 0.55
    assert aucs["none"] == pytest.approx(0.55, abs=0.015)


def test_classifier_cannot_tell_truly_weighted_simulation_from_data(aucs: dict[str, float]) -> None:
    assert aucs["truth"] == pytest.approx(0.5, abs=0.015)


def test_equal_weights_give_exactly_equal_aucs(aucs: dict[str, float]) -> None:
    assert aucs["delta_deepsf"] == 0.0
    assert aucs["sigma_delta"] == 0.0


def test_bootstrap_error_of_an_auc_is_that_of_independent_samples(aucs: dict[str, float]) -> None:
    # two samples of 10000: sqrt(2 / (12 * 10000)) = 0.0041; 30 replicas know it to 13 %
    assert aucs["sigma_deepsf"] == pytest.approx(0.0041, rel=0.45)


def test_difference_of_a_worse_method_is_positive_and_its_error_smaller_than_an_aucs() -> None:
    rng, n = np.random.default_rng(6), 12_000
    region = RegionEntries(entries(rng, linear(rng, n, 0.4)), entries(rng, rng.random(n)))
    x = 2 * region.simulation.probe.discriminant.astype(np.float64) - 1
    weighted = {"deepsf": 1 + 0.1 * x, "truth": 1 + 0.4 * x}
    result = two_sample_auc(region, weighted, Audit(n_bootstrap=30), np.random.SeedSequence(1))
    assert result["delta_deepsf"] > 3 * result["sigma_delta"] > 0


def test_no_truth_leaves_its_figures_out() -> None:
    rng = np.random.default_rng(7)
    region = RegionEntries(entries(rng, rng.random(2000)), entries(rng, rng.random(2000)))
    weighted = {"none": np.ones(2000), "deepsf": np.ones(2000)}
    result = two_sample_auc(region, weighted, Audit(n_bootstrap=2), np.random.SeedSequence(1))
    assert set(result) == {"none", "deepsf", "sigma_deepsf"}
