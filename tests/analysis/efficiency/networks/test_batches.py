"""Batches of events: every event in every pass, every batch with its share of each multiplicity."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from deepsf.efficiency.networks.batches import EventBatches
from deepsf.efficiency.networks.jet_tensors import JetScaling
from tests.analysis.efficiency.events.random_jets import random_events

EVENTS = random_events(1000, multiplicities=(0, 1, 2, 2, 2, 5))
PARTS = ("pairs", "separations", "closest", "angles")


def batches(factor=None, size=100, events=EVENTS, weight=None):
    jets = JetScaling.fit(events).tensors(events, events.flavour, 3, PARTS)
    # the weight of a jet tells which one it is
    weight = np.arange(1, len(events.pt_gev) + 1, dtype=np.float32) if weight is None else weight
    factor = np.ones(len(events), np.int64) if factor is None else factor
    return EventBatches(jets, events.tag_bin, weight, factor, size)


def one_pass(made, generator):
    made.shuffle(generator)
    return [made.batch(number) for number in range(made.per_pass)]


def events_of(batch, events=EVENTS):
    first = batch.weight[batch.inputs.offsets[:-1]].numpy().astype(int) - 1
    return np.searchsorted(events.offsets, first, side="right") - 1


def test_every_event_with_jets_is_in_one_batch_of_each_pass():
    made, generator, orders = batches(), torch.Generator().manual_seed(1), []
    for _ in range(3):
        orders.append(np.concatenate([events_of(batch) for batch in one_pass(made, generator)]))
        assert np.sort(orders[-1]).tolist() == np.flatnonzero(EVENTS.n_jets).tolist()
    assert not np.array_equal(orders[0], orders[1])


def test_all_batches_have_the_same_number_of_events_of_each_multiplicity_up_to_one():
    counts = np.array(
        [np.bincount(np.diff(b.inputs.offsets), minlength=6) for b in one_pass(batches(), torch.Generator())]
    )
    assert len(counts) == round(np.count_nonzero(EVENTS.n_jets) / 100)
    assert (counts.max(axis=0) - counts.min(axis=0) <= 1).all()
    assert (counts[:, [0, 3, 4]] == 0).all()


def test_events_of_a_rare_multiplicity_are_in_every_pass_anywhere_in_it():
    n_jets = EVENTS.n_jets
    rare = np.flatnonzero(n_jets == 5)[:3]
    kept = (n_jets != 5) | np.isin(np.arange(len(EVENTS)), rare)
    events = EVENTS.select(kept)
    made, generator, places = batches(events=events), torch.Generator().manual_seed(1), []
    for _ in range(30):
        has = [int(5 in np.diff(batch.inputs.offsets)) for batch in one_pass(made, generator)]
        assert sum(has) == 3
        places.append(has)
    assert (np.sum(places, axis=0) > 0).all()


def test_a_batch_holds_what_its_events_hold():
    for batch in one_pass(batches(), torch.Generator().manual_seed(2))[:2]:
        events = events_of(batch)
        jets = np.concatenate([np.arange(EVENTS.offsets[e], EVENTS.offsets[e + 1]) for e in events])
        one = [EVENTS.select(np.arange(len(EVENTS)) == event) for event in events]
        scaling = JetScaling.fit(EVENTS)
        alone = [scaling.tensors(event, event.flavour, 3, PARTS) for event in one]
        assert torch.equal(batch.inputs.x, torch.cat([part.x for part in alone]))
        assert torch.equal(batch.inputs.flavour, torch.cat([part.flavour for part in alone]))
        assert torch.equal(batch.inputs.pairs, torch.cat([part.pairs for part in alone]))
        assert torch.equal(batch.inputs.separations, torch.cat([part.separations for part in alone]))
        assert torch.equal(batch.inputs.angles, torch.cat([part.angles for part in alone]))
        for k in (0, 1):
            assert torch.equal(batch.inputs.closest[k], torch.cat([part.closest[k] for part in alone]))
        assert batch.label.tolist() == EVENTS.tag_bin[jets].tolist()


def test_the_factor_weighs_events_and_those_of_factor_0_are_for_validation():
    factor = np.random.default_rng(1).poisson(1.0, len(EVENTS))
    made = batches(factor)
    found = one_pass(made, torch.Generator().manual_seed(1))
    trained = np.flatnonzero((factor > 0) & (EVENTS.n_jets > 0))
    assert made.per_pass == round(factor[EVENTS.n_jets > 0].sum() / 100)
    weight_of_jet = np.arange(1, len(EVENTS.pt_gev) + 1) * np.repeat(factor, EVENTS.n_jets)
    drawn = np.concatenate([batch.weight.numpy() for batch in found])
    assert sorted(drawn) == sorted(weight_of_jet[weight_of_jet > 0])
    assert made.sum_abs_weight == pytest.approx(weight_of_jet.sum())
    assert sum(len(batch.inputs) for batch in found) == len(trained)
    validation = np.concatenate([events_of(batch) for batch in made.validation()])
    assert validation.tolist() == np.flatnonzero((factor == 0) & (EVENTS.n_jets > 0)).tolist()


def test_a_division_depends_on_the_generator_alone():
    made, generator = batches(), torch.Generator().manual_seed(5)
    one_pass(made, torch.Generator().manual_seed(7))
    again, other = one_pass(made, generator), one_pass(batches(), torch.Generator().manual_seed(5))
    for one, two in zip(again, other, strict=True):
        assert torch.equal(one.weight, two.weight)


def test_fewer_events_than_a_batch_are_one_batch():
    made = batches(size=10_000)
    assert made.per_pass == 1
    assert len(one_pass(made, torch.Generator())[0].inputs) == np.count_nonzero(EVENTS.n_jets)
