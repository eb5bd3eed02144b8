"""The closure test's chi2 and histograms, against numbers worked out by hand and on toys without difference."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kstest

from deepsf.audit.closure import chi2_test, closure_from_json, event_matrix, histograms
from deepsf.audit.methods import AuditedRegion, EntryValues
from deepsf.probes.entries import Jets, ProbeEntries, RegionEntries
from deepsf.probes.histograms import to_json

EDGES = np.array([-2.01, 0.0, 0.3, 0.6, 1.01])


def matrix(contents: list[int], weight: float = 1.0):
    """Events of one entry each, so many in every bin."""
    index = np.repeat(np.arange(len(contents)), contents)
    return event_matrix(np.arange(len(index)), index, np.full(len(index), weight), len(contents))


def test_chi2_by_hand() -> None:
    # simulation 100, 100 with negligible error (weights 1e-3), data 110, 90: d = (10, -10), variances 110, 90;
    # free normalisation a = (1000/110 - 1000/90) / (1e4/110 + 1e4/90) = -0.01, chi2 = 11^2/110 + 9^2/90 = 2
    result = chi2_test(matrix([110, 90]), matrix([100_000, 100_000], 1e-3))
    assert result["chi2"] == pytest.approx(2.0, rel=2e-3)
    assert (result["ndf"], result["n_empty_bins"]) == (1, 0)
    assert result["p"] == pytest.approx(0.157, abs=1e-3)


def test_chi2_does_not_see_the_normalisation() -> None:
    same = chi2_test(matrix([300, 100, 200]), matrix([150, 50, 100]))
    assert same["chi2"] == pytest.approx(0.0, abs=1e-9)
    assert same["p"] == pytest.approx(1.0)


def test_empty_bins_are_left_out_and_counted() -> None:
    with_empty = chi2_test(matrix([110, 0, 90, 0]), matrix([100, 0, 100, 0]))
    without = chi2_test(matrix([110, 90]), matrix([100, 100]))
    assert with_empty["n_empty_bins"] == 2
    assert (with_empty["chi2"], with_empty["ndf"]) == (pytest.approx(without["chi2"]), 1)


def test_one_bin_has_no_shape_to_test() -> None:
    result = chi2_test(matrix([110]), matrix([100]))
    assert (result["ndf"], result["p"]) == (0, 1.0)
    assert result["chi2"] == pytest.approx(0.0, abs=1e-12)


def test_two_entries_of_an_event_double_the_variance() -> None:
    index = np.zeros(200, np.int64)
    single = event_matrix(np.arange(200), index, np.ones(200), 1)
    paired = event_matrix(np.arange(200) // 2, index, np.ones(200), 1)
    # 200 events of weight 1: 200; 100 events of weight 2: 400
    assert (single.sum(), single.power(2).sum()) == (200, 200)
    assert (paired.sum(), paired.power(2).sum()) == (200, 400)


def toy(rng: np.random.Generator, n_events: int, weight: float, tilt: float = 0.0):
    """Half of the events have two entries, whose bins go together; kinds of weights as a simulation has them."""
    kind = rng.random(n_events)
    event = np.concatenate([np.arange(n_events), np.arange(n_events // 2)])
    draws = 0.5 * rng.random(len(event)) + 0.5 * kind[event]
    index = np.minimum((5 * np.clip(draws + tilt * (draws - 0.5), 0, 0.999)).astype(np.int64), 4)
    signed = (
        weight * np.where(rng.random(n_events) < 0.1, -1.0, 1.0)[event] / 0.8 if weight != 1 else np.ones(len(event))
    )
    return event_matrix(event, index, signed, 5)


def test_p_values_are_flat_without_a_difference() -> None:
    rng = np.random.default_rng(1)
    p = [chi2_test(toy(rng, 2000, 1.0), toy(rng, 4000, 0.5))["p"] for _ in range(200)]
    assert kstest(p, "uniform").pvalue > 0.01
    assert np.mean(p) == pytest.approx(0.5, abs=3 * np.sqrt(1 / 12 / 200))


def test_a_difference_in_shape_is_found() -> None:
    rng = np.random.default_rng(2)
    assert chi2_test(toy(rng, 20_000, 1.0, tilt=0.1), toy(rng, 40_000, 0.5))["p"] < 1e-6


def region() -> AuditedRegion:
    """Data at 0.1, 0.1, 0.71 and one invalid; two simulated flavours, an event with two entries in the first bin."""

    def entries(event: list[int], discriminant: list[float], flavour: list[int], weight: list[float]) -> ProbeEntries:
        n = len(event)
        probe = Jets(
            np.full(n, 50, np.float32), np.ones(n, np.float32), np.array(discriminant, np.float32),
            np.array(flavour, np.int8),
        )  # fmt: skip
        return ProbeEntries(np.array(event), np.array(weight), np.zeros(n, np.int8), probe, probe)

    data = entries([0, 1, 2, 3], [0.1, 0.1, 0.71, -1.0], [-1] * 4, [1.0] * 4)
    simulation = entries([0, 0, 1, 2], [0.1, 0.2, 1.0, -1.0], [0, 0, 1, 0], [1.0, 2.0, 0.5, -0.5])
    sf = np.array([2.0, 1.0, 1.0, 1.0])
    ones = np.ones(4)
    values = {"none": EntryValues(ones, ones), "binned": EntryValues(sf, ones)}
    weight = {"none": simulation.weight, "binned": simulation.weight}
    weighted = {name: weight[name] * values[name].probe for name in values}
    return AuditedRegion(RegionEntries(data, simulation), "b", ("b", "udsg"), values, weight, weighted)


def test_histograms_hold_weights_by_method_and_flavour() -> None:
    simulation = histograms(region(), EDGES).simulation
    # b: invalid -0.5; first bin 1 + 2 without, 2 + 2 with scale factor; udsg: 0.5 in the last bin
    assert simulation["none", "b", :].values().tolist() == [-0.5, 3.0, 0.0, 0.0]
    assert simulation["binned", "b", :].values().tolist() == [-0.5, 4.0, 0.0, 0.0]
    assert simulation["none", "udsg", :].values().tolist() == [0.0, 0.0, 0.0, 0.5]


def test_histogram_variances_add_the_entries_of_an_event_first() -> None:
    simulation = histograms(region(), EDGES).simulation
    assert simulation["none", "b", :].variances().tolist() == [0.25, 9.0, 0.0, 0.0]


def test_the_fine_histogram_has_invalid_scores_in_the_underflow() -> None:
    closure = histograms(region(), EDGES)
    assert closure.data_fine.values(flow=True)[0] == 1
    assert closure.data_fine.values()[[4, 28]].tolist() == [2, 1]
    assert closure.simulation_fine["none", "udsg", :].values()[-1] == 0.5


def test_histograms_survive_the_file() -> None:
    closure = histograms(region(), EDGES)
    text = to_json({"hf": closure})
    read = closure_from_json(text)["hf"]
    for name in ("simulation", "data", "simulation_fine", "data_fine"):
        before, after = getattr(closure, name), getattr(read, name)
        assert before == after, name
        assert [axis.name for axis in after.axes] == [axis.name for axis in before.axes]
    assert to_json({"hf": read}) == text
