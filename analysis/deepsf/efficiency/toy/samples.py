"""Samples of the toy: kinematics, true efficiencies and tags of events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from deepsf.config.efficiency.toy import EfficiencyToy
from deepsf.efficiency.events.events import JetEvents, join, offsets_of
from deepsf.efficiency.toy import kinematics
from deepsf.efficiency.toy.scalar import decays
from deepsf.efficiency.toy.tags import draw_tags
from deepsf.efficiency.toy.truth import ClippedEfficiency, Truth, clipped_efficiency
from deepsf.seeds import seed_sequence

Sample = Literal["train", "test", "scalar"]

# Events are made in blocks with seeds of their own: memory stays small.
_BLOCK_EVENTS = 1 << 16
# Event numbers seed draws downstream, so samples have ranges of their own.
_FIRST_EVENT: dict[Sample, int] = {"train": 0, "test": 1 << 40, "scalar": 2 << 40}


def generate(
    toy: EfficiencyToy, flavours: Sequence[str], sample: Sample, n_events: int | None = None
) -> tuple[JetEvents, Truth]:
    """Return a sample with its true efficiencies; the same bytes for the same arguments.

    Parameters
    ----------
    flavours
        Names in the order of the events' flavour index.
    sample
        Which one; they are statistically independent. "scalar" is that of the decaying scalar.
    n_events
        Number of events, by default that of the settings.

    Raises
    ------
    ValueError
        If the scalar does not decay into the acceptance, or more efficiencies are clipped than
        ``max_clipped_fraction``.
    """
    numbers: dict[Sample, int] = {"train": toy.n_train, "test": toy.n_test, "scalar": toy.scalar.n_events}
    if sample not in numbers:
        raise ValueError(f"the toy has the samples {list(numbers)}, not {sample!r}")
    n_events = numbers[sample] if n_events is None else n_events
    if n_events < 1:
        raise ValueError(f"a sample has at least one event, n_events = {n_events} was asked for")
    blocks = [
        _block(toy, tuple(flavours), sample, first, min(_BLOCK_EVENTS, n_events - first))
        for first in range(0, n_events, _BLOCK_EVENTS)
    ]
    low, high = (sum(truth.n_clipped[side] for _, truth in blocks) for side in (0, 1))
    truth = Truth(np.concatenate([truth.efficiency for _, truth in blocks]), tuple(toy.nested_points), (low, high))
    _check_clipped(toy, sample, truth)
    return join([events for events, _ in blocks]), truth


def _block(
    toy: EfficiencyToy, flavours: tuple[str, ...], sample: Sample, first: int, n_events: int
) -> tuple[JetEvents, ClippedEfficiency]:
    # one stream for each purpose: the same kinematics whatever the efficiencies, correlations and weights are
    kinematic, tags, weights = (
        seed_sequence(toy.seed, "efficiency toy", sample, first, name) for name in ("kinematics", "tags", "weights")
    )
    jets = _jets(np.random.default_rng(kinematic), toy, len(flavours), sample, n_events)
    by_name = np.array([flavours.index(name) for name in sorted(flavours)], jets.flavour.dtype)
    negative = np.random.default_rng(weights).random(n_events) < toy.negative_weight_fraction
    events = JetEvents(
        offsets=offsets_of(jets.n_jets),
        pt_gev=jets.pt_gev,
        eta=jets.eta,
        phi=jets.phi,
        flavour=by_name[jets.flavour],
        tag_bin=np.zeros(len(jets.pt_gev), np.int8),
        weight=np.where(negative, -1.0, 1.0).astype(np.float32),
        event=np.arange(first, first + n_events, dtype=np.uint64) + np.uint64(_FIRST_EVENT[sample]),
        flavours=flavours,
        working_points=tuple(toy.nested_points),
    )
    truth = clipped_efficiency(toy, events)
    tag_bin = draw_tags(truth.efficiency, events.offsets, tags, toy.latent_correlation, toy.hidden_variable)
    return replace(events, tag_bin=tag_bin), truth


def _jets(
    rng: np.random.Generator, toy: EfficiencyToy, n_flavours: int, sample: Sample, n_events: int
) -> kinematics.Arranged:
    settings = toy.kinematics
    if sample == "scalar":
        pairs = decays(rng, n_events, toy.scalar, settings, n_flavours)
    else:
        pairs = kinematics.two_jets(rng, n_events, settings, n_flavours)
    keeps_second = rng.random(n_events) >= settings.single_jet_fraction
    n_extra = np.where(keeps_second, kinematics.n_extra_jets(rng, n_events, settings), 0)
    event = np.repeat(np.arange(n_events), n_extra)
    extra = kinematics.extra_jets(rng, pairs, event, settings, n_flavours)
    return kinematics.arrange(pairs, keeps_second, extra, event)


def _check_clipped(toy: EfficiencyToy, sample: Sample, truth: Truth) -> None:
    low, high = truth.n_clipped
    allowed = toy.max_clipped_fraction * len(truth.efficiency)
    if not low + high <= allowed:
        raise ValueError(
            f"efficiency.toy: of {len(truth.efficiency)} jets of the {sample} sample, {low} have an efficiency below "
            f"efficiency_min = {toy.efficiency_min:g} and {high} one above efficiency_max = {toy.efficiency_max:g}, "
            f"more than max_clipped_fraction = {toy.max_clipped_fraction:g} allows; change base.*.scale or the "
            "neighbours' amplitudes, or raise max_clipped_fraction"
        )
