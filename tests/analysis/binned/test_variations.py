"""Weights of variations that run side by side."""

from __future__ import annotations

import numpy as np

from deepsf.binned.tag_and_probe import TagAndProbe
from deepsf.binned.variations import VariationWeights
from deepsf.config.weights import EventWeight
from deepsf.probes.bins import FlavourBins

LIMITS = {"max_change": 1e-10, "max_iterations": 100}


def test_some_variations_keep_their_columns_and_factors():
    weights = VariationWeights(
        np.ones((4, 1)), np.ones((5, 2)), np.array([0, 1, 1], np.int32), np.arange(6.0).reshape(2, 3)
    )
    chosen = weights.of(np.array([2, 0]))
    np.testing.assert_array_equal(chosen.column, [1, 0])
    np.testing.assert_array_equal(chosen.factor, [[2, 0], [5, 3]])
    assert chosen.factor.flags["C_CONTIGUOUS"]
    assert chosen.data is weights.data
    assert chosen.simulation is weights.simulation


def test_an_offset_moves_its_own_variation_alone(noiseless_toy):
    bins = {name: FlavourBins.of(noiseless_toy.bins[name]) for name in ("b", "udsg")}
    method = TagAndProbe(noiseless_toy.entries, noiseless_toy.regions, ("b", "c", "udsg"), bins, EventWeight(n_pt=2))
    offset = np.zeros((method.size, 2))
    offset[:, 1] = method.joined({"b": np.full(bins["b"].shape, 0.1)})
    nominal = method.iterate(**LIMITS).sf[0]
    found = method.iterate(method.variations(("same", "moved"), offset=offset), **LIMITS).sf
    np.testing.assert_array_equal(found[0], nominal)
    moved = method.split(found[1])["b"] - method.split(nominal)["b"]
    # the offset, less the contamination that more of b jets adds through udsg
    assert (np.abs(moved - 0.1) < 0.05).all()
    assert (moved > 0.05).all()
