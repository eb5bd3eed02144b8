"""What the figures of scale factors show: numbers of every method in every bin."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.plots.scale_factors.panels import JetValues
from deepsf.plots.scale_factors.reference import Reference
from deepsf.probes.bins import FlavourBins
from tests.plots.scale_factors.results import BINS, N_MEMBERS, binned, means, results, summary, truth


def test_panels_hold_each_methods_numbers():
    low, high = results(truth=truth()).panels()
    assert (low.bin.pt_gev, low.bin.abseta, low.bin.is_last_pt) == ((20.0, 50.0), (0.0, 2.5), False)
    assert high.bin.is_last_pt
    np.testing.assert_allclose(low.values.binned, [1.0, 1.1, 1.2, 1.3])
    np.testing.assert_allclose(high.values.truth, 0.9)
    np.testing.assert_allclose(low.values.mean, 1.0, atol=0.05)
    assert low.n_members == N_MEMBERS
    assert low.jets.n_jets.sum() + high.jets.n_jets.sum() == 4000


def test_the_smooth_curve_passes_through_the_points():
    panel = results().panel(0, 0)
    np.testing.assert_allclose(np.interp(panel.node[1:], panel.fine, panel.smooth), panel.values.binned[1:], atol=0.005)


def test_points_of_invalid_scores_are_drawn_in_the_middle_of_their_slot():
    np.testing.assert_allclose(results().panel(0, 0).node, [-1.005, 0.05, 0.3, 0.75])


def test_every_method_must_have_the_same_bins():
    other = FlavourBins(BINS.pt_gev, BINS.abseta, np.array([-2.01, 0.0, 0.2, 0.5, 1.01]))
    with pytest.raises(ValueError, match=r"summary of b has the discriminant edges \[-2.01, 0.0, 0.2.*binned.bins"):
        results(summary=summary(other))
    with pytest.raises(ValueError, match=r"the truth of b has the discriminant edges"):
        results(truth=truth(other))
    with pytest.raises(ValueError, match=r"direct of b has the discriminant edges"):
        results(other={"direct": means(other)})


def test_means_by_method_are_those_of_the_bins():
    by_method = results(other={"direct": means(value=1.3)}).by_method()
    assert list(by_method) == ["none", "binned", "direct", "deepsf"]
    np.testing.assert_allclose(by_method["none"], 1.0)
    np.testing.assert_allclose(by_method["binned"].ravel(), 1.0 + 0.1 * np.arange(8))
    np.testing.assert_allclose(by_method["direct"], 1.3)


def test_ratios_are_to_the_binned_scale_factor_where_there_is_one():
    table = binned()
    table.sf[0, 0, 1] = 0.0
    values = results(table, truth=truth()).panel(0, 0).values.over_binned()
    np.testing.assert_allclose(values.binned, [1.0, np.nan, 1.0, 1.0])
    np.testing.assert_allclose(values.error, [0.2, np.nan, 0.2 / 1.2, 0.2 / 1.3])
    np.testing.assert_allclose(values.truth, [0.9, np.nan, 0.75, 0.9 / 1.3])


def test_the_envelope_is_of_normalised_values_without_the_statistical_error():
    shifts = {"lf_up": 1.3, "lf_down": 0.9, "hf_up": 1.4, "hf_down": 1.0}
    statistical = {"hfstats1_up": 5.0, "hfstats1_down": 0.1, "stat1_up": 9.0}
    values = results(binned(mean=2.0, shifts=shifts | statistical)).values
    low, high = values.systematic
    # 0.3 and 0.4 in quadrature, 0.1 and 0, of the normalised value
    np.testing.assert_allclose(high, 1.5 * values.binned)
    np.testing.assert_allclose(low, 0.9 * values.binned)


@pytest.mark.parametrize("shifts", [None, {"hfstats1_up": 1.5, "hfstats1_down": 0.5}])
def test_without_systematic_shifts_there_is_no_envelope(shifts):
    assert results(binned(shifts=shifts)).values.systematic is None


def test_the_central_range_of_jets_leaves_out_the_tails_by_hand():
    # of 100 jets 1 lies in each outer bin: a tail of 2 % holds it, one of 0.5 % does not
    jets = JetValues(
        np.array([[1.0, 98.0, 1.0], [0.0, 0.0, 0.0]]), np.array([0.4, 0.8, 1.2, 1.6]), np.array([104.0, 0.0])
    )
    np.testing.assert_allclose(jets.central_range(0.02), [[0.8, 1.2], [np.nan, np.nan]])
    np.testing.assert_allclose(jets.central_range(0.005)[0], [0.4, 1.6])
    # 4 of 104 have values beyond the edges
    assert jets.share_outside == pytest.approx(4 / 104)


def test_a_reference_is_taken_at_the_centre_of_the_bin():
    seen = []
    reference = Reference(
        "elsewhere", lambda flavour, pt, abseta, disc: seen.append((flavour, pt[0], abseta[0])) or disc
    )
    panel = results(reference=reference).panel(0, 0)
    # sqrt(20 * 50)
    assert seen == [("b", pytest.approx(31.6228), 1.25)]
    assert panel.reference.label == "elsewhere"
    np.testing.assert_array_equal(panel.reference.values, panel.fine)
