"""Inputs of networks: their scale, their ranges, and what becomes of jets outside."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from deepsf.efficiency.networks.jet_tensors import JetScaling, Range
from tests.analysis.efficiency.events.random_jets import random_events
from tests.oracles.graphs import edge_attr

EVENTS = random_events(400, multiplicities=(2, 3))
SCALING = JetScaling.fit(EVENTS)


def tensors(events, *needs, scaling=SCALING):
    return scaling.tensors(events, events.flavour, 3, needs)


def test_inputs_have_mean_zero_and_unit_width_on_the_jets_of_the_fit():
    x = tensors(EVENTS).x.double()
    assert x.mean(0).tolist() == pytest.approx([0, 0, 0], abs=1e-5)
    assert x.std(0, correction=0).tolist() == pytest.approx([1, 1, 1], rel=1e-5)
    assert np.corrcoef(x[:, 0], np.log(EVENTS.pt_gev))[0, 1] == pytest.approx(1)
    assert np.corrcoef(x[:, 2], np.abs(EVENTS.eta))[0, 1] == pytest.approx(1)


def test_edges_know_distance_and_log_ratio_of_pt_in_both_directions():
    made = tensors(EVENTS, "pairs")
    (source, target), attributes = made.edge_index(), edge_attr(made)
    log_ratio = np.log(EVENTS.pt_gev[source] / EVENTS.pt_gev[target]) / SCALING.width[0]
    assert attributes[:, 3].numpy() == pytest.approx(log_ratio, abs=1e-5)
    phi = EVENTS.phi.astype(float)
    delta_phi = np.abs(phi[source] - phi[target])
    delta_r = np.hypot(EVENTS.eta[source] - EVENTS.eta[target], np.minimum(delta_phi, 2 * np.pi - delta_phi))
    assert attributes[:, 0].numpy() == pytest.approx(delta_r, rel=1e-5)


def test_a_part_that_was_not_made_is_named():
    with pytest.raises(ValueError, match="made without 'pairs'"):
        tensors(EVENTS, "closest").of("pairs")


def test_a_lone_jet_has_no_closest_flavour_and_the_largest_distance():
    lone = EVENTS.select(np.arange(len(EVENTS)) == 0)
    lone = replace(lone, offsets=np.arange(len(lone.pt_gev) + 1), weight=np.ones(len(lone.pt_gev), np.float32))
    distance, flavour = tensors(lone, "closest").closest
    assert flavour.tolist() == [3] * len(lone.pt_gev)
    assert distance.tolist() == [np.float32(SCALING.delta_r.high)] * len(lone.pt_gev)


@pytest.mark.parametrize(
    ("column", "value", "end"),
    [("pt_gev", 1e6, "high"), ("pt_gev", 1e-3, "low"), ("eta", 4.0, "high"), ("eta", -4.0, "high")],
)
def test_jets_beyond_the_range_are_flagged_and_taken_at_its_end(column, value, end):
    name = "abseta" if column == "eta" else column
    values, clamped = getattr(EVENTS, column).copy(), getattr(EVENTS, column).copy()
    values[7] = value
    clamped[7] = np.copysign(getattr(getattr(SCALING, name), end), value)
    beyond, at_end = (replace(EVENTS, **{column: v}) for v in (values, clamped))
    assert SCALING.out_of_range(beyond)[7]
    assert not SCALING.out_of_range(EVENTS).any()
    assert (tensors(beyond).x == tensors(at_end).x).all()
    made = tensors(beyond, "pairs", "angles")
    assert made.pairs.isfinite().all()
    assert made.angles.isfinite().all()


def test_distances_beyond_the_range_flag_both_jets_and_are_taken_at_its_end():
    narrow = replace(SCALING, delta_r=replace(SCALING.delta_r, low=0.5, high=2.0))
    made = tensors(EVENTS, "pairs", scaling=narrow)
    full = tensors(EVENTS, "pairs")
    assert made.pairs[:, 0].numpy() == pytest.approx(np.clip(full.pairs[:, 0].numpy(), 0.5, 2.0))
    source, target = full.edge_index().numpy()
    delta_r = edge_attr(full)[:, 0].numpy()
    outside = (delta_r < 0.5) | (delta_r > 2.0)
    assert set(np.flatnonzero(narrow.out_of_range(EVENTS))) == set(target[outside]) | set(source[outside])


def test_numbers_of_jets_never_seen_are_flagged():
    for multiplicity, flagged in ((1, True), (2, False), (3, False), (4, True)):
        events = random_events(20, multiplicities=(multiplicity,))
        anything = Range(0, 1e9)
        scaling = replace(SCALING, pt_gev=anything, abseta=anything, delta_r=anything)
        assert scaling.out_of_range(events).all() == flagged
        assert scaling.out_of_range(events).any() == flagged


def test_the_scaling_comes_back_from_json():
    assert JetScaling.from_json(json.loads(json.dumps(SCALING.to_json()))) == SCALING


def test_jets_on_which_nothing_can_depend_are_refused():
    with pytest.raises(ValueError, match="none of the 0 events has a jet"):
        JetScaling.fit(EVENTS.select(np.zeros(len(EVENTS), bool)))
    same = replace(EVENTS, pt_gev=np.full_like(EVENTS.pt_gev, 50.0))
    with pytest.raises(ValueError, match="pT is 50 for all"):
        JetScaling.fit(replace(same, eta=EVENTS.eta))
