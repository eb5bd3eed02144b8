"""The ensemble at entries, in bins and on a grid."""

from __future__ import annotations

import json

import numpy as np
import pytest

from deepsf.networks import ensemble
from deepsf.networks.ensemble import (
    EntryScaleFactors,
    at_entries,
    grid_discriminants,
    members_from_json,
    on_grid,
    summaries_from_json,
    summaries_to_json,
    summarise_flavour,
)
from deepsf.networks.scale_factor import EnsembleScaleFactor
from deepsf.probes.bins import FlavourBins
from deepsf.probes.entries import Jets, ProbeEntries, RegionEntries
from deepsf.training.members import Members
from tests.analysis.networks.random_members import CODES, jets, member

ENSEMBLE = EnsembleScaleFactor(tuple(member(seed) for seed in range(3)), CODES)
FLAVOURS = tuple(CODES)


def entries(probe, tag):
    n = len(probe)
    return ProbeEntries(np.arange(n), np.ones(n), np.zeros(n, np.int8), probe, tag)


def test_each_entry_has_the_scale_factor_of_its_own_flavour():
    probe, tag = jets([30, 60, 90], [0.1, 0.5, 0.9], [0, 1, 2]), jets([50, 40, 70], [0.3, 0.2, 0.8], [2, 0, 1])
    found, members = at_entries(ENSEMBLE, entries(probe, tag), FLAVOURS, members_of="b")
    of_b, of_udsg = ENSEMBLE.member_values("b", probe[[0]]), ENSEMBLE.member_values("udsg", probe[[2]])
    np.testing.assert_array_equal(found.probe.mean, [of_b.mean(), 1.0, of_udsg.mean()])
    np.testing.assert_allclose(found.probe.spread, [of_b.std(ddof=1), 0.0, of_udsg.std(ddof=1)])
    expected = [ENSEMBLE.member_values("udsg", tag[[0]]).mean(), ENSEMBLE.member_values("b", tag[[1]]).mean(), 1.0]
    np.testing.assert_array_equal(found.tag, expected)
    np.testing.assert_array_equal(members, of_b)


def test_entries_come_back_from_their_file_in_single_precision(tmp_path):
    probe = jets([30, 60], [0.1, 0.5], [0, 2])
    found, _ = at_entries(ENSEMBLE, entries(probe, probe), FLAVOURS, members_of="b")
    found.write(tmp_path / "entries.parquet")
    read = EntryScaleFactors.read(tmp_path / "entries.parquet")
    np.testing.assert_array_equal(read.tag, found.tag.astype(np.float32))
    for stored, value in zip(read.probe, found.probe, strict=True):
        np.testing.assert_array_equal(stored, value.astype(np.float32))


def test_the_grid_holds_the_values_of_the_ensemble_in_the_order_of_its_axes():
    grid = on_grid(ENSEMBLE, "b", np.array([0.1, 0.6]))
    shape = len(grid["pt_gev"]), len(grid["abseta"]), 2
    for i, j, k in ((0, 0, 0), (3, 5, 1), (24, 12, 0)):
        jet = Jets(*(np.array([grid[name][n]], np.float32) for name, n in
                     (("pt_gev", i), ("abseta", j), ("discriminant", k))), np.zeros(1, np.int8))  # fmt: skip
        values = ENSEMBLE.member_values("b", jet)
        assert np.shape(grid["mean"]) == shape
        assert grid["mean"][i][j][k] == pytest.approx(values.mean(), abs=1e-6)
        assert grid["sem"][i][j][k] == pytest.approx(values.std(ddof=1) / np.sqrt(3), abs=1e-6)


def test_the_scores_of_the_grid_are_those_of_valid_simulated_probe_jets():
    scores = np.concatenate([np.full(100, -1.0), np.linspace(0.2, 0.4, 1001)])
    probe = jets(np.full(1101, 50.0), scores)
    data = jets([50.0], [0.99])
    found = grid_discriminants({"hf": RegionEntries(entries(data, data), entries(probe, probe))})
    assert (np.diff(found) > 0).all()
    assert found[[0, -1]] == pytest.approx([0.2002, 0.3998], abs=1e-6)


def test_values_beyond_the_histogram_are_counted_in_its_overflow(monkeypatch):
    monkeypatch.setattr(ensemble, "VALUE_EDGES", np.array([0.9, 1.0, 1.1]))
    bins = FlavourBins(np.array([20.0, 100.0]), np.array([0.0, 2.5]), np.array([-1.0, 0.0, 1.0]))
    summary = summarise_flavour(bins, jets([30] * 4, [0.5] * 4), np.array([[0.5, 0.95, 1.05, 7.0]]))
    assert summary.values.values(flow=True)[0, 0, 1].tolist() == [1, 1, 1, 1]


def test_the_file_of_bins_says_which_members_are_used_and_which_have_not_converged():
    members = Members((0, 2), 3, {2: ["scale factor of b: ..."]})
    text = summaries_to_json({}, members)
    stored = json.loads(text)
    assert stored["members_used"] == [0, 2]
    assert stored["n_members_configured"] == 3
    assert stored["not_converged"] == {"2": ["scale factor of b: ..."]}
    assert members_from_json(text).to_json() == members.to_json()


def test_bin_errors_are_of_the_members_bin_means():
    """Two jets in a bin, two members: bin means 1.1 and 1.3, so 1.2 with an error of 0.1 - not the jets' spread."""
    bins = FlavourBins(np.array([20.0, 100.0]), np.array([0.0, 2.5]), np.array([-1.0, 0.0, 0.5, 1.0]))
    summary = summarise_flavour(bins, jets([30, 40], [0.2, 0.3]), np.array([[0.9, 1.3], [1.2, 1.4]]))
    again = summaries_from_json(summaries_to_json({"b": summary}, Members((0, 2), 3)))["b"]
    for which in (summary, again):
        estimate = which.estimate()
        np.testing.assert_allclose(estimate.mean[0, 0], [np.nan, 1.2, np.nan])
        np.testing.assert_allclose(estimate.sem[0, 0, 1], 0.1)
        assert which.values.values(flow=True)[0, 0, 1].sum() == 2
