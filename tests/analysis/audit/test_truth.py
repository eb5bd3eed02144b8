"""Scale factors against a truth that is known: RMS, pulls, pT means, overlay."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from deepsf.audit.truth import (
    ProbeJets,
    binned_pull,
    jet_pulls,
    overlay,
    overlay_from_json,
    overlay_to_json,
    pt_means,
    pull,
    rms,
)
from deepsf.binned.flavour import unit_table
from deepsf.probes.bins import FlavourBins, KinematicBins
from deepsf.probes.entries import Jets
from deepsf.probes.weights import NormalisationTable
from tests.analysis.binned.by_hand import replicas_of

BINS = FlavourBins(np.array([20.0, 50.0, 1000.0]), np.array([0.0, 2.5]), np.array([-2.01, 0.0, 0.5, 1.01]))
ONE_BIN = KinematicBins(np.empty(0), np.empty(0))


def jets(n: int, seed: int = 1) -> Jets:
    rng = np.random.default_rng(seed)
    pt = (20 + rng.exponential(50, n)).astype(np.float32)
    abseta, discriminant = rng.uniform(0, 2.4, n).astype(np.float32), rng.random(n).astype(np.float32)
    return Jets(pt, abseta, discriminant, np.zeros(n, np.int8))


def probe(truth: np.ndarray, members: np.ndarray, of: Jets, **methods: np.ndarray) -> ProbeJets:
    values = {**methods, "deepsf": members.mean(axis=0), "truth": truth}
    return ProbeJets(of, np.ones(len(of)), values, dict(values), members)


def test_rms_of_known_differences() -> None:
    # members are off by +0.1 and -0.3: their mean by -0.1, the mean of their RMS is 0.2; S = 1 is off by 0.5 and -0.5
    truth = np.tile([1.5, 0.5], 50)
    result = rms(probe(truth, np.stack([truth + 0.1, truth - 0.3]), jets(100), none=np.ones(100)))
    assert result == pytest.approx({"none": 0.5, "deepsf": 0.1, "deepsf_member": 0.2})


def test_pull_of_known_numbers() -> None:
    # pulls 1, 2, 3 and one place without error: mean 2, width sqrt(2/3), median 2
    result = pull(np.array([1.0, 4.0, 9.0, 1.0]), np.array([1.0, 2.0, 3.0, 0.0]), np.arange(4))
    assert (result["mean"], result["median_abs"]) == (2.0, 2.0)
    assert result["width"] == pytest.approx(np.sqrt(2 / 3))
    assert (result["n"], result["n_without_error"]) == (3, 1)


def test_pulls_without_any_error_have_no_numbers() -> None:
    assert pull(np.ones(2), np.zeros(2), np.arange(2))["width"] is None


def test_error_of_the_width_of_independent_pulls_is_the_textbooks() -> None:
    n = 2000
    result = pull(np.random.default_rng(1).normal(size=n), np.ones(n), np.arange(n))
    assert result["width_error"] == pytest.approx(1 / np.sqrt(2 * n), rel=0.1)


def test_error_of_the_width_grows_when_pulls_move_together() -> None:
    # 100 groups of 20 equal pulls carry the information of 100
    n = 100
    pulls = np.repeat(np.random.default_rng(1).normal(size=n), 20)
    result = pull(pulls, np.ones(20 * n), np.repeat(np.arange(n), 20))
    assert result["width_error"] == pytest.approx(1 / np.sqrt(2 * n), rel=0.2)


def test_pulls_of_members_scattered_about_the_truth_have_width_one_in_sem() -> None:
    rng, n, n_members = np.random.default_rng(2), 20_000, 25
    truth = np.ones(n)
    result = jet_pulls(probe(truth, truth + rng.normal(0, 0.02, (n_members, n)), jets(n)), BINS)
    # Student's t for 24 degrees of freedom: standard deviation sqrt(24 / 22)
    assert result["deepsf"]["width"] == pytest.approx(np.sqrt(24 / 22), rel=0.03)
    assert result["deepsf_spread"]["width"] == pytest.approx(np.sqrt(24 / 22) / 5, rel=0.03)
    assert (result["deepsf"]["error"], result["deepsf_spread"]["error"]) == ("sem", "spread")


def test_binned_pull_takes_the_bins_mean_truth_and_the_normalised_error() -> None:
    of = Jets(*(np.array(v, np.float32) for v in ([30, 30, 60], [1, 1, 1], [0.2, 0.3, 0.7])), np.zeros(3, np.int8))
    sf, error = np.ones(BINS.shape), np.zeros(BINS.shape)
    sf[0, 0, 1], sf[1, 0, 2] = 1.2, 0.6
    error[0, 0, 1], error[1, 0, 2] = 0.1, 0.2
    bootstraps = replicas_of(sf, error, 2.0)
    table = replace(unit_table(BINS, np.arange(2.0), "logit"), sf=sf, measured=error > 0, **bootstraps)
    table.normalisation["binned"] = NormalisationTable(ONE_BIN, np.array([2.0]))
    result = binned_pull(probe(np.array([0.4, 0.6, 0.4]), np.ones((2, 3)), of, binned=np.array([0.6, 0.6, 0.3])), table)
    # normalised by 2: 0.6 +- 0.05 against mean truth 0.5 is +2; 0.3 +- 0.1 against 0.4 is -1
    assert (result["n"], result["mean"], result["width"]) == (2, pytest.approx(0.5), pytest.approx(1.5))
    assert result["error"] == "bootstrap"


def test_pt_means_of_the_truth_itself_deviate_by_nothing() -> None:
    of = jets(1000)
    truth = 1 + 0.2 * of.discriminant.astype(np.float64)
    means = pt_means(probe(truth, np.stack([truth, truth]), of))
    assert means["deepsf"]["max_deviation"] == pytest.approx(0.0, abs=1e-12)
    assert "truth" not in means


def test_pt_means_flag_a_tilt() -> None:
    of = jets(50_000)
    pt = of.pt_gev.astype(np.float64)
    tilted = 1 + 0.1 * np.log(pt / 60) / np.log(3)
    means = pt_means(probe(np.ones(len(of)), np.stack([tilted, tilted]), of, none=np.ones(len(of))))
    assert means["none"]["max_deviation"] == 0.0
    assert means["deepsf"]["max_deviation"] > 0.05
    assert np.all(np.diff(means["deepsf"]["ratio"]) > 0)
    lowest = pt <= np.quantile(pt, 0.2)
    assert means["deepsf"]["mean_sf"][0] == pytest.approx(tilted[lowest].mean(), rel=1e-3)


def test_pt_means_without_truth_give_means_alone() -> None:
    of = jets(100)
    alone = ProbeJets(of, np.ones(100), {}, {"none": np.ones(100)}, np.empty((2, 100)))
    assert set(pt_means(alone)["none"]) == {"pt_edges_gev", "mean_sf"}


def test_overlay_survives_the_file_with_means_and_grid_in_order() -> None:
    def truth(flavour: str, at: Jets, *, normalised: bool = True) -> np.ndarray:
        return at.pt_gev + 10.0 * at.abseta + at.discriminant.astype(np.float64)

    of = Jets(*(np.array(v, np.float32) for v in ([30, 30, 60], [1, 1, 1], [0.25, 0.0, -1])), np.zeros(3, np.int8))
    grid = {"pt_gev": [30.0, 60.0], "abseta": [0.5, 1.0, 1.5], "discriminant": [0.25, 0.5]}
    text = overlay_to_json({"b": overlay("b", truth, of, BINS, grid, truth("b", of))})
    read = overlay_from_json(text)["b"]
    # two jets of 30 GeV, |eta| 1: 40.25 and 40, mean 40.125; the invalid one alone: 60 + 10 - 1
    assert read.bin_means.values()[0, 0, 1] == pytest.approx(40.125)
    assert read.bin_means.values()[1, 0, 0] == pytest.approx(69.0)
    assert np.isnan(read.bin_means.values()).sum() == 4
    assert read.grid is not None
    assert np.array(read.grid["truth"])[1, 2, 0] == pytest.approx(60 + 15 + 0.25)


def test_no_truth_gives_an_empty_overlay() -> None:
    assert overlay_to_json({}) == "{}"
    assert overlay_from_json("{}") == {}
