"""Bins of jets and events, and the binned scale factor at fixed jets."""

from __future__ import annotations

import hist
import numpy as np
import pytest

from deepsf.audit.phase_space.bins import BinnedAtJets, Cells, EventBins
from deepsf.audit.phase_space.jets import PhaseSpaceEvents
from deepsf.config.validation import Validation
from deepsf.probes.entries import Jets
from tests.analysis.audit.phase_space.jet_tables import FLAVOURS, binned


def events() -> PhaseSpaceEvents:
    """An ee event of two jets, an emu event of three, a mumu event of nine."""
    n_jets = np.array([2, 3, 9])
    n = int(n_jets.sum())
    pt = np.linspace(100, 30, n).astype(np.float32)
    score = np.resize(np.array([0.1, 0.5, 0.9, -1.0], np.float32), n)
    jets = Jets(pt, np.ones(n, np.float32), score, np.resize(np.array([0, 1, 2], np.int8), n))
    return PhaseSpaceEvents(
        np.array([0, 1, 2]), np.array([1.0, 2.0, -0.5]), n_jets, np.array([150.0, 450.0, 800.0]), jets
    )


@pytest.fixture
def bins() -> EventBins:
    settings = Validation(ht_gev=(0, 200, 1000), pt_gev=(20, 60, 1000), n_jets_min=3)
    return EventBins(events(), np.array([-1.0, 0.0, 0.4, 1.0]), np.array([0.0, 200.0, 1000.0]), settings)


def test_events_lie_in_bins_of_channel_number_of_jets_and_ht(bins):
    sums = bins.of_events.sums(events().weight)
    filled = {tuple(int(i) for i in at): sums[tuple(at)] for at in np.argwhere(sums)}
    last = sums.shape[1] - 1  # many jets are in the last bin
    assert filled == {(0, 0, 0): 1.0, (1, 1, 1): 2.0, (2, last, 1): -0.5}


def test_jets_lie_in_bins_of_their_event_rank_and_score(bins):
    sums = bins.jets.sums(np.ones(3))
    assert sums.sum() == 14
    # two jets: 0.1 and 0.5
    assert np.argwhere(sums[0]).tolist() == [[0, 0, 1], [0, 1, 2]]
    # three jets: 0.9, -1 and 0.1, all others count as the third
    assert np.argwhere(sums[1]).tolist() == [[1, 0, 2], [1, 1, 0], [1, 2, 1]]
    assert sums[2, -1].sum(axis=1).tolist() == [1, 1, 7]


def test_entries_of_an_event_in_one_bin_count_once_in_the_variance():
    cells = Cells(np.array([0, 0, 1]), np.array([0, 0, 1]), (1, 2))
    channel, flavour, ht = (hist.axis.Integer(0, n, flow=False) for n in (1, 2, 2))
    filled = hist.Hist(channel, flavour, ht, storage=hist.storage.Weight())
    cells.add_to(filled.view(), np.array([2.0, 3.0]), np.array([0, 0, 1]), 2)
    np.testing.assert_array_equal(filled.values(), [[[4, 0], [0, 3]]])
    np.testing.assert_array_equal(filled.variances(), [[[16, 0], [0, 9]]])


def test_tests_hold_the_events_of_the_validation_region(bins):
    by_name = {(test.channel, test.variable): test for test in bins.tests}
    assert {variable for _, variable in by_name} == {"leading", "second", "further", "n_jets", "ht"}
    assert len(by_name["ee", "ht"].events) == 0  # two jets
    np.testing.assert_array_equal(by_name["emu", "ht"].events, [1])
    np.testing.assert_array_equal(by_name["emu", "ht"].sums(events().weight).values, [0, 2.0])
    # a jet of 0.9: the last of three scores, in the second bin of pT
    leading = by_name["emu", "leading"].sums(events().weight)
    assert np.flatnonzero(leading.values).tolist() == [3 + 2]
    # seven jets of one event: all bins vary together
    further = by_name["mumu", "further"].sums(events().weight)
    assert further.values.sum() == pytest.approx(7 * -0.5)
    np.testing.assert_allclose(further.covariance, np.outer(further.values, further.values))


@pytest.mark.parametrize("shift", ["nominal", "lf_up"])
def test_the_binned_scale_factor_at_fixed_jets_is_that_of_evaluate(shift):
    sf, jets = binned((0.9, 0.5, 2.0, 1.5), {"lf_up": (0.9, 1.0, 2.5, 1.5)}), events().jets
    values = BinnedAtJets(sf, tuple(FLAVOURS), jets).of(shift)
    for number, name in enumerate(FLAVOURS):
        chosen = np.flatnonzero(jets.flavour == number)
        np.testing.assert_array_equal(values[chosen], sf.evaluate(name, jets[chosen], shift=shift))
    assert len(np.unique(values)) > 3
