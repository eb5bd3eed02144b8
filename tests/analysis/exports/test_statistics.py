"""The statistical error of a file: once, and how much of it is there."""

from dataclasses import replace

import numpy as np
import pytest

from deepsf.binned.flavour import ShiftedValues
from deepsf.binned.scale_factor import BinnedScaleFactor
from deepsf.config.flavours import Flavour
from deepsf.exports.shapes import shapes_of
from deepsf.exports.statistics import carried, in_form, statistics_note
from deepsf.probes.entries import Jets
from deepsf.probes.inclusive import InclusiveJets
from tests.analysis.binned.by_hand import by_hand

FLAVOURS = {"b": Flavour(hadron_flavours=(5,))}
NAMES = ("nominal", "lf_up", "hfstats1_up", "lfstats2_up", "stat1_up", "stat12_up")


def table(**moves):
    """Return the table by hand, with shifts that move its values up by so much."""
    base = by_hand()
    shifted = {
        name: ShiftedValues(base.sf + move, base.smooth + np.max(move), base.normalisation)
        for name, move in moves.items()
    }
    return replace(base, shifts=shifted)


def inclusive(pt, score):
    n = len(pt)
    jets = Jets(*(np.array(v, np.float32) for v in (pt, np.ones(n), score)), np.zeros(n, np.int8))
    return InclusiveJets(np.zeros(n, np.int64), np.ones(n), jets)


def test_a_file_has_one_form_of_the_statistical_error():
    assert in_form(NAMES, "shapes") == ("nominal", "lf_up", "hfstats1_up", "lfstats2_up")
    assert in_form(NAMES, "eigenvectors") == ("nominal", "lf_up", "stat1_up", "stat12_up")


def test_the_other_form_stands_in_where_the_wanted_one_was_not_measured():
    names = ("nominal", "stat1_up")
    assert in_form(names, "shapes") == names


def test_no_loop_over_all_systematics_finds_the_error_twice():
    measured = BinnedScaleFactor({"b": table(hfstats1_up=0.1, stat1_up=0.2)}, ())
    assert list(shapes_of(measured, FLAVOURS)[5]) == ["nominal", "hfstats1_up"]
    assert list(shapes_of(measured, FLAVOURS, statistics="eigenvectors")[5]) == ["nominal", "stat1_up"]


def test_the_share_of_the_variance_is_weighted_with_jets():
    # errors are 0.05 below and 0.2 above 50 GeV, after the normalisation by 2 and 0.5
    move = np.zeros((2, 1, 3))
    move[0, 0, 1] = 0.06  # 0.03 after it
    moved = table(hfstats1_up=move)
    low = inclusive([30, 30], [0.1, 0.1])
    assert carried(moved, "shapes", low) == pytest.approx((0.03 / 0.05) ** 2)
    one_of_two = inclusive([30, 30], [0.1, 0.9])
    assert carried(moved, "shapes", one_of_two) == pytest.approx(0.5 * (0.03 / 0.05) ** 2)
    both = inclusive([30, 60], [0.1, 0.9])
    assert carried(moved, "shapes", both) == pytest.approx(0.03**2 / (0.05**2 + 0.2**2))


def test_shares_of_sources_add_up_and_what_is_not_there_is_not_known():
    moved = table(hfstats1_up=0.06, hfstats2_up=0.08, stat1_up=0.02)
    low = inclusive([30], [0.1])
    assert carried(moved, "shapes", low) == pytest.approx((0.03**2 + 0.04**2) / 0.05**2)
    assert carried(moved, "eigenvectors", low) == pytest.approx(0.01**2 / 0.05**2)
    assert carried(table(lf_up=0.1), "shapes", low) is None
    without_bootstraps = replace(moved, replicas=moved.replicas[:0], replica_measured=moved.replica_measured[:0],
                                 replica_divisors=moved.replica_divisors[:0])  # fmt: skip
    assert carried(without_bootstraps, "shapes", low) is None


def test_the_description_says_what_the_sources_carry():
    measured = BinnedScaleFactor({"b": table(hfstats1_up=0.06)}, ())
    note = statistics_note(measured, FLAVOURS, "shapes", inclusive([30], [0.1]))
    assert note == (
        "Statistical error: the shapes stats1 and stats2 of each region. They carry 0.36 (b) of the variance of the "
        "bins over inclusive jets."
    )
    assert statistics_note(measured, FLAVOURS, "eigenvectors", inclusive([30], [0.1])) == ""
