"""Purities and condition numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from deepsf.binned.purity import LARGEST_CONDITION, FlavourPurities, flavour_purities
from deepsf.binned.tag_and_probe import TagAndProbe
from deepsf.config.weights import EventWeight
from deepsf.probes.bins import FlavourBins
from deepsf.probes.histograms import from_json, to_json
from tests.analysis.binned.by_hand import jets


def purities(toy):
    bins = {name: FlavourBins.of(toy.bins[name]) for name in ("b", "udsg")}
    method = TagAndProbe(toy.entries, toy.regions, ("b", "c", "udsg"), bins, EventWeight(n_pt=4, n_abseta=3))
    return flavour_purities(method)


def test_purity_and_condition_by_hand(noiseless_toy):
    found = purities(noiseless_toy)
    # scores of 0.9: hf has .8*.6 b, .05*.1 c, .15*.05 udsg; lf .06*.6, .09*.1, .85*.05
    hf, lf = np.array([0.48, 0.005, 0.0075]), np.array([0.036, 0.009, 0.0425])
    hf, lf = hf / hf.sum(), lf / lf.sum()
    at = (0, 0, found.bins.discriminant.searchsorted(0.9) - 1)
    np.testing.assert_allclose([found.purity("hf", f)[at] for f in ("b", "c", "udsg")], hf)
    matrix = np.array([hf[[0, 2]], lf[[0, 2]]])
    singular = np.sqrt(np.linalg.eigvalsh(matrix @ matrix.T))
    np.testing.assert_allclose(found.condition[at], singular[1] / singular[0])
    # edges of both flavours: pT 20 40 60 100 300, |eta| 0 1 2.5
    assert found.bins.shape[:2] == (4, 2)


def test_a_file_gives_back_the_same_numbers(noiseless_toy):
    found = purities(noiseless_toy)
    again = FlavourPurities.from_json(from_json(to_json(found.to_json())))
    np.testing.assert_array_equal(again.fraction, found.fraction)
    np.testing.assert_array_equal(again.condition, found.condition)
    assert (again.regions, again.flavours) == (("hf", "lf"), ("b", "c", "udsg"))


def test_flavours_that_no_region_tells_apart_have_the_largest_number(noiseless_toy):
    """Regions of one mixture of flavours have a singular matrix, whose condition number no JSON file holds."""
    hf = noiseless_toy.entries["hf"]
    found = purities(replace(noiseless_toy, entries={"hf": hf, "lf": hf}))
    known = found.condition[np.isfinite(found.condition)]
    assert known.max() <= LARGEST_CONDITION
    assert known.min() > 1e14
    again = FlavourPurities.from_json(from_json(to_json(found.to_json())))
    np.testing.assert_array_equal(again.condition, found.condition)


def test_jets_have_the_largest_fraction_of_any_region():
    bins = FlavourBins(np.array([20.0, 1000.0]), np.array([0.0, 2.5]), np.array([-1.0, 0.0, 0.5, 1.0]))
    # regions hf and lf, flavours b and udsg; no simulation of either region in the first bin, nor of lf in the last
    # weights of both signs make the last fractions of hf 1.1 and -0.1
    fraction = np.array([[[np.nan, 0.6, 1.1], [np.nan, 0.4, -0.1]], [[np.nan, 0.2, np.nan], [np.nan, 0.8, np.nan]]])
    found = FlavourPurities(("hf", "lf"), ("b", "udsg"), bins, fraction[:, :, None, None], np.ones(bins.shape))
    at = jets([30, 30, 30], [-1, 0.2, 0.7])
    np.testing.assert_array_equal(found.best("b", at), [0.0, 0.6, 1.0])
    np.testing.assert_array_equal(found.best("udsg", at), [0.0, 0.8, 0.0])
