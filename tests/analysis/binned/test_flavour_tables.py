"""Smooth values and normalisations of one flavour, from its jets."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from deepsf.binned.flavour_tables import FlavourTables
from deepsf.binned.measurement import spread
from deepsf.binned.normalised import normalised_bins
from deepsf.probes.bins import FlavourBins
from tests.analysis.binned.shifted_toy import BINS, heavier


@pytest.fixture
def tables(toy):
    return FlavourTables(toy.measurement(), "b", "b", FlavourBins.of(BINS["b"]), "logit")


def curved(shape):
    """Return values that rise with the score, invalid ones at 0.9."""
    values = 0.8 + 0.4 * np.linspace(0, 1, shape[-1] - 1) ** 2
    return np.broadcast_to(np.concatenate([[0.9], values]), shape).copy()


def test_nodes_are_the_medians_of_the_flavours_probe_jets(toy, tables):
    probe = toy.entries["hf"].simulation.probe
    score = probe.discriminant[(probe.flavour == 0) & (probe.discriminant >= 0)]
    edges = BINS["b"].discriminant[1:]
    medians = [np.median(score[(score >= a) & (score < b)]) for a, b in itertools.pairwise(edges)]
    assert tables.positions[0] == 0.0
    np.testing.assert_allclose(tables.positions[1:], medians, rtol=1e-5)


@pytest.mark.parametrize("method", ["binned", "binned_smooth"])
def test_both_methods_have_the_mean_one_on_the_inclusive_jets(toy, tables, method):
    shape = tables.shape
    table = tables.table(curved(shape), np.ones(shape, bool))
    sample = toy.measurement().inclusive_of("b")
    value = table.raw(sample.jets, method)
    normalisation = table.normalisation[method]
    index = normalisation.bins.index(sample.jets.pt_gev, sample.jets.abseta)
    mean = np.bincount(index, value / normalisation.mean[index]) / np.bincount(index)
    np.testing.assert_allclose(mean, 1.0)


def test_a_smooth_curve_keeps_the_mean_of_the_bins_over_the_probe_jets(toy, tables):
    shape = tables.shape
    table = tables.table(curved(shape), np.ones(shape, bool))
    simulation = toy.entries["hf"].simulation
    chosen = np.flatnonzero(simulation.probe.flavour == 0)
    probe, weight = simulation.probe[chosen], simulation.weight[chosen]
    row = table.jet_bins(probe).row
    steps, smooth = (np.bincount(row, weight * table.raw(probe, m)) for m in ("binned", "binned_smooth"))
    np.testing.assert_allclose(smooth, steps)


def test_a_shift_of_weights_keeps_bins_and_takes_the_shifted_weights(toy, tables):
    simulation = toy.entries["hf"].simulation
    shifted = tables.reweighted({"hf": 2.0 * simulation.weight}, heavier(toy.inclusive, "pileup_up"))
    assert shifted.probe is tables.nominal.probe
    np.testing.assert_array_equal(shifted.weight, 2.0 * tables.nominal.weight)
    assert (shifted.inclusive.weight != tables.nominal.inclusive.weight).any()


def test_rows_over_their_mean_have_the_mean_one(tables):
    sf = tables.row_normalised(curved(tables.shape), tables.nominal)
    jets = tables.nominal
    value = sf.ravel()[jets.inclusive_bins.bin]
    mean = np.bincount(jets.inclusive_bins.row, value) / np.bincount(jets.inclusive_bins.row)
    np.testing.assert_allclose(mean, 1.0)


def test_a_flavour_of_unit_scale_factor_takes_region_and_bins_of_another(toy):
    charm = FlavourTables(toy.measurement(), "c", "b", FlavourBins.of(BINS["b"]), "logit")
    probe = toy.entries["hf"].simulation.probe
    assert len(charm.nominal.weight) == ((probe.flavour == 1) & (probe.discriminant >= 0)).sum()
    assert (charm.nominal.inclusive.jets.flavour == 1).all()


def test_negative_scale_factors_cannot_be_normalised(tables):
    with pytest.raises(ValueError, match="cannot normalise scale factors"):
        tables.values(-np.ones(tables.shape), np.ones(tables.shape, bool), tables.nominal)


def test_errors_after_the_normalisation_are_those_of_bootstraps_that_are_normalised_one_by_one(tables):
    rng, shape = np.random.default_rng(2), tables.shape
    replicas = curved(shape) + rng.normal(0.0, 0.05, (30, *shape))
    measured = np.ones(replicas.shape, bool)
    measured[3, 0, 0, 1] = False
    one_by_one = []
    for replica in replicas:
        values = tables.values(replica, np.ones(shape, bool), tables.nominal)
        table = replace(tables.table(replica, np.ones(shape, bool)), normalisation=values.normalisation)
        one_by_one.append(normalised_bins(table)[0])
    expected = np.std(one_by_one, axis=0, ddof=1)
    expected[0, 0, 1] = np.std(np.delete(one_by_one, 3, axis=0)[:, 0, 0, 1], ddof=1)
    normalised = replicas / tables.replica_divisors(replicas)[..., None]
    np.testing.assert_allclose(spread(normalised, measured), expected, rtol=1e-9)


def test_a_common_factor_of_bootstraps_is_no_error_of_a_shape(tables):
    factor = np.random.default_rng(3).uniform(0.5, 2.0, 20)
    replicas = curved(tables.shape) * factor[:, None, None, None]
    assert replicas.std() > 0.1
    normalised = replicas / tables.replica_divisors(replicas)[..., None]
    assert spread(normalised, np.ones(replicas.shape, bool)).max() < 1e-12
