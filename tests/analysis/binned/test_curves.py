"""Curves in fine cells: what jets are weighted with while scale factors are measured."""

import numpy as np
import pytest

from deepsf.binned.curves import N_CELLS
from deepsf.binned.flavour_tables import FlavourTables
from deepsf.probes.bins import FlavourBins
from tests.analysis.binned.by_hand import jets
from tests.analysis.binned.shifted_toy import BINS

B = FlavourBins.of(BINS["b"])


@pytest.fixture
def tables(toy):
    return FlavourTables(toy.measurement(), "b", "b", B, "logit")


@pytest.fixture
def curves(toy, tables):
    return tables.curves(toy.measurement())


def random_sf(n=1):
    return np.random.default_rng(5).uniform(0.6, 1.5, (B.size, n))


def test_jets_get_the_curve_that_the_final_table_has(toy, tables, curves):
    sf = random_sf()
    measured = np.ones(sf.shape, bool)
    measured[[2, 8]] = False
    sf[~measured] = 1.0
    table = tables.table(sf[:, 0].reshape(B.shape), measured[:, 0].reshape(B.shape))
    simulation = toy.entries["hf"].simulation
    sample = simulation.probe[np.flatnonzero(simulation.probe.flavour == 0)]
    found = curves.values(sf, measured)[curves.index(sample), 0]
    expected = table.raw(sample, "binned_smooth")
    # a cell is 1/200 of the range
    np.testing.assert_allclose(found, expected, atol=0.015)
    assert np.abs(found - expected).mean() < 2e-3
    assert np.ptp(expected) > 0.3
    invalid = jets([30, 200], [-1, -1])
    np.testing.assert_array_equal(curves.values(sf, measured)[curves.index(invalid), 0], sf[[0, 5], 0])


def test_the_mean_over_the_jets_is_that_of_the_steps(toy, curves):
    sf = random_sf()
    simulation = toy.entries["hf"].simulation
    chosen = np.flatnonzero(simulation.probe.flavour == 0)
    sample, weight = simulation.probe[chosen], simulation.weight[chosen]
    smooth = curves.values(sf, np.ones(sf.shape, bool))[curves.index(sample), 0]
    row = B.index(sample) // B.shape[-1]
    np.testing.assert_allclose(np.bincount(row, weight * smooth), np.bincount(row, weight * sf[B.index(sample), 0]))


def test_variations_side_by_side_are_bit_for_bit_those_alone(curves):
    sf, measured = random_sf(4), np.ones((B.size, 4), bool)
    measured[3, 1] = measured[6:10, 2] = False
    together = curves.values(sf, measured)
    for k in range(4):
        alone = curves.values(sf[:, [k]], measured[:, [k]])
        assert np.ascontiguousarray(together[:, k]).tobytes() == alone[:, 0].tobytes()


def test_rows_with_one_measured_bin_are_flat_and_without_any_one(curves):
    sf, measured = random_sf(), np.zeros((B.size, 1), bool)
    measured[7] = True
    sf[~measured] = 1.0
    values = curves.values(sf, measured).reshape(2, 1 + N_CELLS)
    np.testing.assert_array_equal(values[0], 1.0)
    np.testing.assert_allclose(values[1, 1:], sf[7, 0], rtol=1e-12)


def test_no_jet_weighs_less_than_nothing(curves):
    sf = random_sf()
    sf[2] = -0.4
    values = curves.values(sf, np.ones(sf.shape, bool))
    assert 0.0 <= values.min() < 0.05


def test_scores_beyond_the_nodes_have_the_first_and_last_cell(curves):
    index = curves.index(jets([30, 30, 30], [0.0, 1.0, -1.0]))
    assert index.tolist() == [1, N_CELLS, 0]
    assert curves.size == 2 * (1 + N_CELLS)
