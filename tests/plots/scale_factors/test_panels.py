"""What the figures of scale factors show: numbers of every method in every bin."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.plots.scale_factors.panels import BinValues, JetValues
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
    with pytest.raises(ValueError, match=r"the error of deepsf of b has the discriminant edges"):
        results(errors={"deepsf": means(other)})


def test_means_by_method_are_those_of_the_bins():
    by_method = results(other={"direct": means(value=1.3)}).by_method()
    assert list(by_method) == ["none", "binned", "direct", "deepsf"]
    np.testing.assert_allclose(by_method["none"], 1.0)
    np.testing.assert_allclose(by_method["binned"].ravel(), 1.0 + 0.1 * np.arange(8))
    np.testing.assert_allclose(by_method["direct"], 1.3)


def test_ratios_are_to_the_truth_where_it_is_positive():
    true = truth(value=0.8)
    true.bin_means.view()[0, 0, 1] = 0.0
    ratios = results(truth=true, errors={"deepsf": means(value=0.04)}).panel(0, 0).values.ratios()
    # 1, 1.1, 1.2, 1.3 over 0.8
    np.testing.assert_allclose(ratios.binned, [1.25, np.nan, 1.5, 1.625])
    np.testing.assert_allclose(ratios.error, [0.25, np.nan, 0.25, 0.25])
    np.testing.assert_allclose(ratios.mean_error, [0.05, np.nan, 0.05, 0.05])
    np.testing.assert_allclose(ratios.truth, [1.0, np.nan, 1.0, 1.0])


def test_without_truth_ratios_are_to_the_ensemble():
    values = results(other={"direct": means(value=1.2)}).panel(0, 0).values
    ratios = values.ratios()
    np.testing.assert_allclose(ratios.mean, 1.0)
    np.testing.assert_allclose(ratios.binned, values.binned / values.mean)
    np.testing.assert_allclose(ratios.other["direct"], 1.2 / values.mean)
    assert ratios.truth is None


def test_the_error_of_the_ensembles_mean_is_its_own_or_not_known():
    errors = {"deepsf": means(value=0.04), "direct": means(value=0.3)}
    np.testing.assert_allclose(results(errors=errors).panel(1, 0).values.mean_error, 0.04)
    assert np.isnan(results(errors={"direct": means()}).panel(1, 0).values.mean_error).all()


def test_the_standard_error_of_a_bin_is_the_root_mean_square_over_its_jets():
    shown = results()
    sem, n_jets = shown.summary.estimate().sem[0, 0], shown.jets.n_jets[0, 0]
    assert shown.panel(0, 0).sem == pytest.approx(np.sqrt((n_jets * sem**2).sum() / n_jets.sum()))
    # no jet has an invalid score, so that bin has no error
    assert np.isfinite(results(summary=summary(n_invalid=0)).panel(0, 0).sem)


def test_precise_values_are_those_of_a_small_error_by_hand():
    values = BinValues(
        binned=np.array([1.0, 2.0, 3.0, 4.0]),
        error=np.array([0.1, 0.9, 0.9, np.nan]),
        mean=np.ones(4),
        mean_error=np.array([0.9, 0.1, np.nan, np.nan]),
        other={"direct": np.full(4, 5.0)},
    )
    kept = values.precise(0.5)
    np.testing.assert_array_equal(kept.binned, [1.0, np.nan, np.nan, np.nan])
    np.testing.assert_array_equal(kept.other["direct"], [5.0, np.nan, np.nan, np.nan])
    # its own error counts; where that is not known, that of the binned scale factor
    np.testing.assert_array_equal(kept.mean, [np.nan, 1.0, np.nan, np.nan])


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
