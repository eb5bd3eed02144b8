"""One member of an ensemble of efficiency networks: cross-entropy of the tag on a Poisson bootstrap by event.

The events that a bootstrap does not draw, 37 %, say how good the member is (`deepsf.training.validated`). A small
sample gets smaller batches: its members need a minimum number of steps (``steps_min``), and more passes over-fit.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import torch

from deepsf.arrays import Floats, Ints, Singles
from deepsf.config.efficiency.networks import NetworkName, NetworkTraining
from deepsf.efficiency.events.errors import JetEventsError
from deepsf.efficiency.events.events import JetEvents
from deepsf.efficiency.events.folds import Fold
from deepsf.efficiency.networks.batches import EventBatches
from deepsf.efficiency.networks.jet_tensors import JetScaling
from deepsf.efficiency.networks.network import EfficiencyNetwork, architecture, build
from deepsf.seeds import part_of, seed_sequence, torch_generator
from deepsf.training.checkpoint import Checkpoint
from deepsf.training.history import Progress
from deepsf.training.validated import ValidatedTraining

_BATCH_MIN = 32
"""Fewest events of a batch. With fewer there is hardly a light tag in it."""
_HELD_OUT = 0.1
"""Share of the events that are not trained on where no bootstrap leaves any."""


def member_seed(seed: int, model: str, member: int, fold: int | None = None) -> np.random.SeedSequence:
    """Return the seed of a member, by network, number and fold of the events that it is trained on; None: on all."""
    return seed_sequence(seed, "efficiency", model, member, "all events" if fold is None else f"fold {fold}")


class MemberTraining:
    """The training of one member, and the network that comes of it; the result depends on the arguments alone.

    See `train_member`.
    """

    def __init__(
        self, events: JetEvents, model: NetworkName, settings: NetworkTraining, seed: np.random.SeedSequence
    ) -> None:
        events = _with_sorted_flavours(events)
        mu = np.array([settings.untagged_weight.get(flavour, 1.0) for flavour in events.flavours])
        weight = _jet_weights(events, mu)
        fractions = _bin_fractions(events, weight)
        weight *= _flavour_weights(fractions, settings.balance)[events.flavour]
        sizes, n_points = architecture(settings), len(events.working_points)
        generator = torch_generator(part_of(seed, "initial weights"))
        module = build(model, sizes, len(events.flavours), n_points, generator)
        module.start_from(torch.from_numpy(fractions.astype(np.float32)))
        scaling = JetScaling.fit(events)
        self.network = EfficiencyNetwork(
            model, sizes, events.flavours, events.working_points, scaling, tuple(mu.tolist()), module
        )
        factor = _drawn(len(events), settings, seed)
        jets = scaling.tensors(events, events.flavour.astype(np.int64), len(events.flavours), module.needs)
        batches = EventBatches(jets, events.tag_bin, weight, factor, batch_size(settings, int(factor.sum())))
        self.classifier = ValidatedTraining(
            module,
            batches,
            settings,
            part_of(seed, "batches"),
            n_steps=max(settings.steps_min, math.ceil(settings.passes * batches.per_pass)),
            patience=settings.patience,
        )

    def run(self, report: Callable[[Progress], None] = lambda _: None, checkpoint: Checkpoint | None = None) -> None:
        """Train to the end; see `ValidatedTraining`."""
        self.classifier.run(report, checkpoint)


def train_member(
    events: JetEvents,
    model: NetworkName,
    settings: NetworkTraining,
    seed: np.random.SeedSequence,
    *,
    fold: Fold | None = None,
    report: Callable[[Progress], None] = lambda _: None,
    checkpoint: Checkpoint | None = None,
) -> tuple[EfficiencyNetwork, dict[str, list[float]]]:
    """Train one member of an ensemble; return it and the history of its losses.

    The loss is that of arXiv:2004.02665, the cross-entropy of the tag bins, weighted with the generator weights of the
    events, which may be negative. Untagged jets weigh ``untagged_weight`` (mu) of their flavour, which the evaluation
    undoes.

    Parameters
    ----------
    events
        Events with tags and weights. Some are held out of each member's training, and end it in time.
    model
        Name of the network, such as ``gnn``.
    settings
        Settings of this network, a section of ``efficiency.models``.
    seed
        Seed of bootstrap, initial weights and batches, from `deepsf.efficiency.networks.training.member_seed`.
    fold
        Part of the events to train on, which the network and its file keep: `deepsf.efficiency.evaluation.cross_fitted`
        asks for it. None: all.
    report
        Called with the progress of the training.
    checkpoint
        Where the training saves its state and continues from that of an earlier attempt. The result is the same.

    Raises
    ------
    JetEventsError
        If events have no working points, or a flavour has no jets, or none in some tag bin, or a sum of weights there
        that is not positive; or no event is held out.
    deepsf.training.engine.NonFiniteLossError
        If a loss is not finite.
    """
    training = MemberTraining(events if fold is None else events.select(fold.holds(events)), model, settings, seed)
    training.run(report, checkpoint)
    return replace(training.network, fold=fold), training.classifier.history.to_json()


def batch_size(settings: NetworkTraining, n_drawn: int) -> int:
    """Return the events of a batch: as configured, or fewer, for the passes to have ``steps_min`` steps."""
    wanted = int(settings.passes * n_drawn / settings.steps_min)
    return min(settings.batch_events, max(_BATCH_MIN, wanted))


def _drawn(n_events: int, settings: NetworkTraining, seed: np.random.SeedSequence) -> Ints:
    """Return how often each event is drawn; those with 0 validate."""
    if settings.resample == "bootstrap":
        return np.random.default_rng(part_of(seed, "bootstrap")).poisson(1.0, n_events)
    return (np.random.default_rng(part_of(seed, "held out")).random(n_events) >= _HELD_OUT).astype(np.int64)


def _with_sorted_flavours(events: JetEvents) -> JetEvents:
    """Return the events with flavours in alphabetical order: that of a configuration must not change a result."""
    flavours = tuple(sorted(events.flavours))
    number = np.array([flavours.index(name) for name in events.flavours], events.flavour.dtype)
    return replace(events, flavours=flavours, flavour=number[events.flavour])


def _jet_weights(events: JetEvents, mu: Floats) -> Singles:
    weight = np.repeat(events.weight, events.n_jets)
    return np.where(events.tag_bin == 0, weight * mu[events.flavour], weight).astype(np.float32)


def _bin_fractions(events: JetEvents, weight: Singles) -> npt.NDArray[np.float64]:
    """Return the weighted fraction of each flavour's jets in each tag bin, bin 0 being untagged."""
    if not events.working_points:
        raise JetEventsError(
            f"efficiencies cannot be trained on these {len(events)} events: they have no working points; give "
            "events_of_jets working_points=, from loose to tight, and the events tag_bin, the number that a jet passes"
        )
    n_bins, n_flavours = len(events.working_points) + 1, len(events.flavours)
    index = events.flavour.astype(np.int64) * n_bins + events.tag_bin
    sums = np.bincount(index, weight, n_flavours * n_bins).reshape(n_flavours, n_bins)
    counts = np.bincount(index, minlength=n_flavours * n_bins).reshape(n_flavours, n_bins)
    problems = []
    for number, flavour in enumerate(events.flavours):
        if not counts[number].any():
            problems.append(f"flavour {flavour} has no jets; leave it out of the flavours, or add events with it")
            continue
        for k, where in enumerate(_bin_names(events.working_points)):
            if not counts[number, k]:
                problems.append(f"none of the {counts[number].sum()} jets of flavour {flavour} {where}")
            elif not sums[number, k] > 0:
                problems.append(
                    f"the weights of the {counts[number, k]} jets of flavour {flavour} that {where.removeprefix('s')} "
                    f"sum up to {sums[number, k]:g}, not above 0"
                )
    if problems:
        raise JetEventsError(
            f"efficiencies cannot be trained on these {len(events)} events: {'; '.join(problems)}. A logarithm of each "
            "fraction is needed: take more events, or fewer working points"
        )
    fractions: npt.NDArray[np.float64] = sums / sums.sum(axis=1, keepdims=True)
    return fractions


def _flavour_weights(fractions: Floats, balance: float) -> Singles:
    """Return the weight of each flavour in the loss, V^-balance for the variance V of its bin.

    A light jet carries about 1 % of the information of a b jet, so without reweighting weight decay pulls the light-jet
    shape towards the b-jet shape. A weight that depends on inputs alone leaves the minimum of the loss where it is.
    """
    variance = 1.0 - np.sum(fractions**2, axis=1)
    weights: Singles = (variance**-balance).astype(np.float32)
    return weights


def _bin_names(working_points: tuple[str, ...]) -> list[str]:
    names = [f"fails {working_points[0]}"]
    names += [f"passes {a} and fails {b}" for a, b in pairwise(working_points)]
    return [*names, f"passes {working_points[-1]}"]
