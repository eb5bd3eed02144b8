"""Bootstraps and splits by event: all entries of an event go together, in every region."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from deepsf.probes.bootstrap import EventBootstrap, split_by_event
from deepsf.probes.entries import RegionEntries


def paired(region: RegionEntries) -> RegionEntries:
    """Return the region with two entries of each event, in data and in simulation."""
    data, simulation = (replace(e, event=np.arange(len(e)) // 2) for e in (region.data, region.simulation))
    return RegionEntries(data, simulation)


def test_both_entries_of_an_event_fluctuate_together(noiseless_toy):
    data, simulation = EventBootstrap({"hf": paired(noiseless_toy.entries["hf"])}).draw(np.random.default_rng(1))["hf"]
    for factors in (data, simulation):
        np.testing.assert_array_equal(factors[::2], factors[1::2])
        assert len(np.unique(factors)) > 1
        # Poisson(1), with half as many numbers as entries
        assert abs(factors.mean() - 1) < 5 / np.sqrt(len(factors) / 2)


def test_an_event_in_two_regions_fluctuates_in_both(noiseless_toy):
    factors = EventBootstrap(noiseless_toy.entries).draw(np.random.default_rng(1))
    shared = min(len(factors["hf"][0]), len(factors["lf"][0]))
    np.testing.assert_array_equal(factors["hf"][0][:shared], factors["lf"][0][:shared])


def test_both_entries_of_an_event_are_on_one_side_of_the_split(noiseless_toy):
    region = paired(noiseless_toy.entries["hf"])
    for held_out in split_by_event({"hf": region}, 0.2, np.random.default_rng(3))["hf"]:
        np.testing.assert_array_equal(held_out[::2], held_out[1::2])
        assert held_out.mean() == pytest.approx(0.2, abs=2e-3)


def test_an_event_in_two_regions_is_on_one_side_in_both(noiseless_toy):
    held_out = split_by_event(noiseless_toy.entries, 0.3, np.random.default_rng(3))
    shared = min(len(held_out["hf"][0]), len(held_out["lf"][0]))
    np.testing.assert_array_equal(held_out["hf"][0][:shared], held_out["lf"][0][:shared])
    assert 0 < held_out["hf"][0].sum() < len(held_out["hf"][0])


def test_nothing_is_held_out_at_a_fraction_of_zero(noiseless_toy):
    held_out = split_by_event(noiseless_toy.entries, 0.0, np.random.default_rng(3))
    assert not any(mask.any() for masks in held_out.values() for mask in masks)
