"""Training of a member: resumed bit-identical, bootstrapped by event, unbiased, with messages for what cannot be."""

from __future__ import annotations

import math
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from deepsf.config.efficiency.networks import NETWORKS, ClosestJet, EtaPhiGnn, Gnn, Pairwise, PublishedGnn
from deepsf.efficiency.events.folds import Fold
from deepsf.efficiency.networks.training import MemberTraining, batch_size, member_seed, train_member
from deepsf.training.checkpoint import Checkpoint
from tests.analysis.efficiency.events.random_jets import FLAVOURS, random_events

SETTINGS = {
    "closest_jet": ClosestJet(layers=2, units=16, passes=2.5, batch_events=200, steps_min=1),
    "pairwise": Pairwise(units=16, passes=2.5, batch_events=200, steps_min=1),
    "gnn": Gnn(blocks=1, units=16, passes=2.5, batch_events=200, steps_min=1),
    "gnn_eta_phi": EtaPhiGnn(blocks=1, units=16, passes=2.5, batch_events=200, steps_min=1, optimiser="sgd"),
    "gnn_2004_02665": PublishedGnn(blocks=1, units=16, passes=2.5, batch_events=200, steps_min=1),
}
EVENTS = random_events(1500)
SEED = member_seed(1, "gnn", 0)


def training(model="gnn", events=EVENTS, seed=SEED, **changed):
    settings = SETTINGS[model].model_copy(update=changed)
    return MemberTraining(events, model, settings, seed)


def assert_same(one, other):
    (tensors, numbers), (other_tensors, other_numbers) = one.classifier.state(), other.classifier.state()
    assert numbers == other_numbers
    assert [name for name in tensors if not torch.equal(tensors[name], other_tensors[name])] == []


@pytest.mark.parametrize("model", SETTINGS)
def test_a_training_resumed_at_any_step_ends_bit_identical(model, tmp_path):
    undisturbed = training(model)
    undisturbed.run()
    n_steps = undisturbed.classifier.n_steps
    per_pass = undisturbed.classifier.batches.per_pass
    checkpoint, copies = Checkpoint(tmp_path / "checkpoint", "key", 0.0, pytest.fail), {}

    def keep(progress):
        copies[progress.step] = shutil.copy(checkpoint.path, tmp_path / f"{progress.step}")

    training(model).run(keep, checkpoint)
    assert list(copies) == list(range(1, n_steps + 1))
    for step in (1, per_pass - 1, per_pass, per_pass + 1, 2 * per_pass, n_steps - 1, n_steps):
        resumed, told = training(model), []
        resumed.run(checkpoint=Checkpoint(copies[step], "key", math.inf, told.append))
        assert told == [f"continues at step {step} of {n_steps}"]
        assert_same(resumed, undisturbed)


def test_the_network_does_not_depend_on_what_else_the_process_did():
    one = training()
    torch.manual_seed(3)
    np.random.default_rng(3)
    other = training()
    one.run()
    other.run()
    assert_same(one, other)
    assert np.array_equal(one.network.evaluate(EVENTS), other.network.evaluate(EVENTS))


def test_members_differ_in_initial_weights_and_bootstrap():
    seeds = [member_seed(1, *named) for named in (("gnn", 0), ("gnn", 1), ("pairwise", 0))]
    seeds += [member_seed(2, "gnn", 0), member_seed(1, "gnn", 0, 0), member_seed(1, "gnn", 0, 1)]
    trainings = [training(seed=seed) for seed in seeds]
    weights = {made.network.module.output.weight.sum().item() for made in trainings}
    drawn = {made.classifier.batches.sum_abs_weight for made in trainings}
    assert len(weights) == len(drawn) == len(seeds)


@pytest.mark.parametrize("model", SETTINGS)
def test_the_order_of_flavours_changes_no_number(model):
    turned = replace(EVENTS, flavours=EVENTS.flavours[::-1], flavour=(2 - EVENTS.flavour).astype(np.int8))
    one, other = training(model), training(model, turned)
    one.run()
    other.run()
    assert_same(one, other)
    assert np.array_equal(one.network.evaluate(EVENTS), other.network.evaluate(turned))


def test_the_order_of_networks_changes_no_number():
    expected = training(seed=member_seed(1, "gnn", 3))
    registered = dict(NETWORKS)
    try:
        NETWORKS.clear()
        NETWORKS.update(reversed(registered.items()))
        made = training(seed=member_seed(1, "gnn", 3))
    finally:
        NETWORKS.clear()
        NETWORKS.update(registered)
    assert_same(made, expected)


def test_the_bootstrap_draws_events_with_all_their_jets():
    events = replace(EVENTS, weight=np.arange(1, 1501, dtype=np.float32))
    batches = training(events=events, balance=0.0).classifier.batches
    batches.shuffle(torch.Generator().manual_seed(1))
    times, jets_of = {}, {}
    for number in range(batches.per_pass):
        batch = batches.batch(number)
        n_jets = np.diff(batch.inputs.offsets)
        # 0.5 < drawn times < 20 and weights are whole: which event it is follows from its multiplicity and inputs
        for begin, n in zip(batch.inputs.offsets[:-1], n_jets, strict=True):
            weights = batch.weight[begin : begin + n]
            assert (weights == weights[0]).all()
            key = tuple(batch.inputs.x[begin : begin + n].flatten().tolist())
            assert key not in times
            times[key], jets_of[key] = float(weights[0]), n
    full = training(events=events, resample="none", balance=0.0).classifier.batches
    full.shuffle(torch.Generator().manual_seed(1))
    original = {}
    for number in range(full.per_pass):
        batch = full.batch(number)
        for begin, end in zip(batch.inputs.offsets, batch.inputs.offsets[1:], strict=False):
            original[tuple(batch.inputs.x[begin:end].flatten().tolist())] = float(batch.weight[begin])
    # a tenth is held out
    assert len(original) == pytest.approx(0.9 * 1500, abs=4 * math.sqrt(0.09 * 1500))
    factors = np.array([times.get(key, 0.0) / weight for key, weight in original.items()])
    assert factors == pytest.approx(factors.round())
    # Poisson of mean 1
    assert factors.mean() == pytest.approx(1, abs=4 / math.sqrt(1350))
    assert (factors == 0).mean() == pytest.approx(math.exp(-1), abs=0.05)
    assert factors.var() == pytest.approx(1, abs=0.2)


def test_flavours_with_few_tags_weigh_more_by_the_variance_of_the_tag():
    batches = training(resample="none").classifier.batches
    batches.shuffle(torch.Generator().manual_seed(1))
    batch = batches.batch(0)
    weights = [batch.weight[batch.inputs.flavour == flavour].unique().tolist() for flavour in range(3)]
    rates = [np.mean(EVENTS.tag_bin[EVENTS.flavour == flavour] > 0) for flavour in range(3)]
    expected = [[(2 * rate * (1 - rate)) ** -0.5] for rate in rates]
    assert [len(found) for found in weights] == [1, 1, 1]
    assert np.array(weights) == pytest.approx(np.array(expected), rel=1e-5)


def test_a_small_sample_has_smaller_batches_then_more_passes():
    settings = Gnn(passes=8, batch_events=1024, steps_min=500)
    # 8 passes of 1e6 events are 7800 steps; those of 20000 have 500 with 320 events each
    assert [batch_size(settings, n) for n in (1_000_000, 20_000, 400)] == [1024, 320, 32]
    made = training(events=random_events(400), steps_min=100).classifier
    assert (made.n_steps, made.batches.per_pass) == (100, pytest.approx(400 / 32, abs=3))
    made = training(steps_min=60).classifier
    assert made.n_steps == pytest.approx(60, abs=4)
    assert made.batches.per_pass == pytest.approx(1500 / 62, abs=2)


@pytest.mark.parametrize("resample", ["bootstrap", "none"])
def test_the_record_has_the_losses_of_each_look_validation_on_events_not_drawn(resample):
    steps = []
    settings = SETTINGS["gnn"].model_copy(update={"resample": resample})
    network, history = train_member(EVENTS, "gnn", settings, SEED, report=steps.append)
    # looks are every eighth of the steps, rounded up
    n_steps = steps[-1].n_steps
    assert len(history["pass"]) == math.ceil(n_steps / math.ceil(n_steps / 8))
    assert history["pass"][-1] == pytest.approx(2.5, abs=0.2)
    assert set(history) == {"pass", "learning_rate", "start_loss", "train_loss", "validation_loss"}
    assert all(0 < loss < 1 for name in ("train_loss", "validation_loss") for loss in history[name])
    assert [progress.step for progress in steps] == list(range(1, steps[-1].n_steps + 1))
    assert all(math.isfinite(progress.losses["train"]) for progress in steps)
    assert network.flavours == FLAVOURS


# --- what is learned

LEARNING = {"passes": 12.0, "learning_rate": 5e-3, "resample": "none"}


def rates(network, events):
    """Predicted over observed number of tags, by flavour."""
    weight = np.repeat(events.weight, events.n_jets)[:, None]
    passing = network.evaluate(events) * weight
    tags = (events.tag_bin[:, None] > np.arange(len(events.working_points))) * weight
    return np.array([passing[events.flavour == f].sum(0) / tags[events.flavour == f].sum(0) for f in range(3)])


LARGE = random_events(6000, seed=2, working_points=("L", "M"))


@pytest.mark.parametrize("model", ["pairwise", "gnn"])
def test_predicted_rates_are_those_of_the_training_sample(model):
    made = training(model, LARGE, **LEARNING)
    made.run()
    found = rates(made.network, LARGE)
    assert found[:, 0] == pytest.approx(1, abs=0.05)
    assert found[:, 1] == pytest.approx(1, abs=0.08)


def test_untagged_jets_of_less_weight_lead_to_the_same_efficiencies():
    mu = {"b": 0.5, "udsg": 0.1}
    made = training(events=LARGE, untagged_weight=mu, **LEARNING)
    made.run()
    assert rates(made.network, LARGE)[:, 0] == pytest.approx(1, abs=0.08)
    # without undoing it, udsg would be far too high, and so would b
    biased = rates(replace(made.network, untagged_weight=(1.0, 1.0, 1.0)), LARGE)[:, 0]
    assert biased[0] > 1.2
    assert biased[2] > 4
    assert biased[1] == pytest.approx(1, abs=0.08)


def test_negative_weights_are_subtracted():
    """Events with weight -1, all of whose jets are tagged, take from the tags of others what they would have added."""
    extra = random_events(600, seed=9, working_points=("L", "M"))
    extra = replace(extra, tag_bin=np.full_like(extra.tag_bin, 2), weight=np.full(600, -1, np.float32))
    both = join_events(LARGE, replace(extra, weight=-extra.weight), extra)
    made = training(events=both, **LEARNING)
    made.run()
    assert rates(made.network, LARGE) == pytest.approx(1, abs=0.12)
    wrong = training(events=join_events(LARGE, replace(extra, weight=-extra.weight)), **LEARNING)
    wrong.run()
    assert rates(wrong.network, LARGE)[2, 1] > 1.5


def join_events(*parts):
    from deepsf.efficiency.events.events import join

    return join(parts)


def test_a_member_of_a_fold_sees_its_events_alone_and_says_so():
    settings = SETTINGS["closest_jet"]
    odd = train_member(EVENTS, "closest_jet", settings, SEED, fold=Fold(1))[0]
    chosen = train_member(EVENTS.select(EVENTS.event % 2 == 1), "closest_jet", settings, SEED)[0]
    assert (odd.fold, chosen.fold) == (Fold(1), None)
    assert np.array_equal(odd.evaluate(EVENTS), chosen.evaluate(EVENTS))
    assert not np.array_equal(odd.evaluate(EVENTS), training("closest_jet").network.evaluate(EVENTS))


# --- what cannot be trained on


def test_events_without_working_points_are_refused_with_the_way_out():
    events = replace(EVENTS, working_points=(), tag_bin=np.zeros_like(EVENTS.tag_bin))
    with pytest.raises(
        ValueError, match=r"these 1500 events: they have no working points; give events_of_jets working_po"
    ):
        train_member(events, "gnn", SETTINGS["gnn"], SEED)


def test_what_no_rate_can_be_learned_from_is_named():
    none_tagged = np.where(LARGE.flavour == 2, 0, LARGE.tag_bin).astype(np.int8)
    with pytest.raises(ValueError, match=r"of flavour udsg passes L and fails M; none .* of flavour udsg passes M"):
        training(events=replace(LARGE, tag_bin=none_tagged))
    all_tagged = np.where(LARGE.flavour == 0, np.maximum(LARGE.tag_bin, 1), LARGE.tag_bin).astype(np.int8)
    with pytest.raises(ValueError, match="jets of flavour b fails L"):
        training(events=replace(LARGE, tag_bin=all_tagged))
    with pytest.raises(ValueError, match="flavour tau has no jets; leave it out of the flavours"):
        training(events=replace(LARGE, flavours=("b", "c", "udsg", "tau")))
    with pytest.raises(ValueError, match=r"jets of flavour b that passes M sum up to -\d+, not above 0"):
        training(events=replace(LARGE, weight=-LARGE.weight))
    with pytest.raises(ValueError, match="these 0 events"):
        training(events=LARGE.select(np.zeros(len(LARGE), bool)))
