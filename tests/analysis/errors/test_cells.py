"""What the binned scale factor gives in cells: the floor of the statistical error, and half its distance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from deepsf.binned.scale_factor import BinnedScaleFactor
from deepsf.errors.cells import ErrorCells, counting_error, error_cells
from deepsf.probes.inclusive import InclusiveJets
from deepsf.probes.score_limits import ScoreLimits
from tests.analysis.binned.by_hand import by_hand
from tests.analysis.errors.constant import ensemble, jets


def sample(scores, pt) -> InclusiveJets:
    n = len(scores)
    return InclusiveJets(np.arange(n), np.ones(n), jets(scores, pt))


def cells(replicas=None, limits=None, scores=(0.2, 0.2, 0.8, 0.8), pt=(30.0, 30.0, 30.0, 30.0)) -> ErrorCells:
    made = ensemble(1.0, 1.0, limits=limits)
    binned = BinnedScaleFactor({"b": by_hand()}, ())
    return error_cells(made, replicas, binned, "b", sample(scores, np.array(pt)), np.array([0.5]))


def test_a_cell_has_the_counting_error_of_its_bins_and_half_the_distance():
    found = cells()
    # below 50 GeV the bins have 2 and 4, with errors 0.1, all over the divisor 2
    np.testing.assert_allclose(found.rest, [0.05, 0.05], rtol=1e-9)
    # the curve reaches 2 below the first node, 4 above the second: 1 and 2 after the normalisation
    np.testing.assert_allclose(found.model[0], [0.5 * (1.0 - 1.0), 0.5 * (2.0 - 1.0)], atol=0.02)
    # nothing is in the cells above 50 GeV
    np.testing.assert_array_equal(found.model[1], 0.0)


def test_the_floor_is_that_of_all_pt():
    # half of the jets above 50 GeV, where the bin has 5 +- 0.1 over 0.5: both bootstraps move together
    found = cells(scores=(0.8, 0.8), pt=(30.0, 90.0))
    np.testing.assert_allclose(found.rest, [0.0, 0.5 * (0.05 + 0.2)], rtol=1e-9)


def test_bootstraps_take_their_part_of_the_floor():
    # two bootstraps, 3 % up and down: a spread of 0.03 sqrt(2)
    replicas = np.array([[0.03] * 4, [-0.03] * 4])
    np.testing.assert_allclose(cells(replicas).rest, np.sqrt(0.05**2 - 2 * 0.03**2), rtol=1e-6)
    wide = np.array([[0.1] * 4, [-0.1] * 4])
    np.testing.assert_array_equal(cells(wide).rest, 0.0)


def test_there_is_no_floor_where_the_scale_factor_is_held():
    limits = {"b": ScoreLimits(np.array([50.0]), np.array([0.0]), np.array([0.7]))}
    np.testing.assert_allclose(cells(limits=limits).rest, [0.05, 0.0], rtol=1e-9)


def test_a_bin_that_was_not_measured_counts_with_an_error_of_one():
    table = by_hand()
    at = jets([0.2, 0.8], 90.0)  # the first one's bin has no measurement
    # errors 0.1 over 0.5, of half the jets
    assert counting_error(table, at, np.array([0.5, 0.5])) == pytest.approx(np.hypot(0.1, 0.5))
    none = replace(
        table,
        replicas=table.replicas[:0],
        replica_measured=table.replica_measured[:0],
        replica_divisors=table.replica_divisors[:0],
    )
    assert np.isnan(counting_error(none, at, np.array([0.5, 0.5])))


def test_without_bootstraps_there_is_no_counting_error_to_compare_with():
    table = by_hand()
    none = {k: getattr(table, k)[:0] for k in ("replicas", "replica_measured", "replica_divisors")}
    binned = BinnedScaleFactor({"b": replace(table, **none)}, ())
    with pytest.raises(ValueError, match=r"b has 0 bootstraps: .* raise binned\.n_bootstrap"):
        error_cells(ensemble(1.0, 1.0), None, binned, "b", sample([0.2], np.array([30.0])), np.array([0.5]))


def test_invalid_scores_lie_below_the_loosest_working_point():
    found = ErrorCells(np.array([50.0]), np.array([0.5]), np.zeros(2), np.zeros((2, 2)))
    np.testing.assert_array_equal(found.index(jets([-1.0, 0.5, 0.6, 0.6], [30.0, 30.0, 30.0, 50.0])), [0, 0, 1, 3])


@pytest.mark.parametrize("values", [[0.1], [0.1, None], [[0.1, 0.2]]])
def test_errors_that_are_missing_are_refused(values):
    stored = {"pt_gev": [50.0], "score": [0.5], "rest": values, "model": [[0.0, 0.0], [0.0, 0.0]]}
    with pytest.raises(ValueError, match=r"errors rest are not one finite number for each of \(2,\) cells"):
        ErrorCells.from_json(stored)
