"""A student: one small network a flavour that has learnt the mean of an ensemble, so that it fits into a file.

The mean over members is no network of their size. Its logarithm is a smooth function of few inputs, which a network of
four layers follows to a small part of the statistical error. Normalisations bend at their nodes, so the mean of the
members' is put outside of the student, in whose place it is exact; that of ratios to it has bends too small to matter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from scipy.special import expit

from deepsf.arrays import Floats, Ints
from deepsf.config.exports import Student
from deepsf.jets import INVALID
from deepsf.networks.dense import DenseNetwork
from deepsf.networks.jet_inputs import InputScaling
from deepsf.networks.scale_factor import (
    LARGEST_LOG_SF,
    Architecture,
    EnsembleScaleFactor,
    MemberScaleFactor,
)
from deepsf.probes.entries import Jets, joined_jets
from deepsf.probes.inclusive import InclusiveJets
from deepsf.probes.weights import SmoothNormalisation
from deepsf.seeds import part_of, seed_sequence, torch_generator
from deepsf.training.engine import Learner
from deepsf.training.schedule import rate_factor

_BATCH = 256
_EVEN_SHARE, _EVEN_WEIGHT, _INVALID_SHARE = 0.5, 0.3, 0.02
_RISE = 0.1


def distilled(
    ensemble: EnsembleScaleFactor, samples: Mapping[str, InclusiveJets], settings: Student
) -> MemberScaleFactor:
    """Return the student of an ensemble, as a member: with its limits of the score, ranges of inputs, normalisation.

    Equal arguments give equal numbers on one kind of CPU.

    Parameters
    ----------
    samples
        Inclusive jets to learn from, by measured flavour; jets count by the size of their weight.

    Raises
    ------
    deepsf.training.engine.NonFiniteLossError
        If the training diverges.
    """
    first = ensemble.members[0]
    empty = MemberScaleFactor(
        Architecture(settings.layers, settings.units, LARGEST_LOG_SF),
        {flavour: _widest(ensemble, flavour) for flavour in samples},
        {},
        {flavour: _mean_normalisation(ensemble, flavour) for flavour in samples},
        {flavour: limits for flavour, limits in first.limits.items() if flavour in samples},
    )
    networks = {flavour: _learnt(ensemble, empty, flavour, sample, settings) for flavour, sample in samples.items()}
    return replace(empty, networks=networks)


def _widest(ensemble: EnsembleScaleFactor, flavour: str) -> InputScaling:
    """Return the first member's scaling with the widest range of all."""
    scalings = [member.scalings[flavour] for member in ensemble.members]
    low, high = np.min([s.low for s in scalings], axis=0), np.max([s.high for s in scalings], axis=0)
    return replace(scalings[0], low=low, high=high)


def _mean_normalisation(ensemble: EnsembleScaleFactor, flavour: str) -> SmoothNormalisation:
    """Return the mean of the members' divisors, at the nodes of the first."""
    first = ensemble.members[0].normalisation[flavour]
    pt, abseta = (axis.ravel() for axis in np.meshgrid(first.pt_gev, first.abseta, indexing="ij"))
    divisors = [member.normalisation[flavour].divisor(pt, abseta) for member in ensemble.members]
    return replace(first, at_node=np.mean(divisors, axis=0).reshape(first.at_node.shape))


def _learnt(
    ensemble: EnsembleScaleFactor, student: MemberScaleFactor, flavour: str, sample: InclusiveJets, settings: Student
) -> DenseNetwork:
    seed = seed_sequence(settings.seed, "student", flavour)
    jets, weight = _jets_to_learn_from(student.scalings[flavour], sample, settings, part_of(seed, "jets"))
    teacher = ensemble.member_values(flavour, jets).mean(axis=0)
    target = np.log(teacher * student.normalisation[flavour].divisor(jets.pt_gev, jets.abseta))
    generator = torch_generator(part_of(seed, "training"))
    features = student.features(flavour, jets)
    network = DenseNetwork(features.shape[1], layers=settings.layers, units=settings.units, generator=generator)
    # as for the members, bumps of the score make small structures quick to learn
    network.start_at(features, generator, along=student.scalings[flavour].score_column)
    columns = features, torch.from_numpy(target).float(), torch.from_numpy(weight).float()
    _train(network, columns, settings, generator)
    return network


def _jets_to_learn_from(
    scaling: InputScaling, sample: InclusiveJets, settings: Student, seed: np.random.SeedSequence
) -> tuple[Jets, Floats]:
    """Return inclusive jets drawn by their weights, jets all over the ranges, and how much each counts."""
    rng = np.random.default_rng(seed)
    size = np.abs(sample.weight)
    drawn: Ints = rng.choice(len(size), settings.n_jets, p=size / size.sum())
    n_even = max(1, round(_EVEN_SHARE * settings.n_jets))
    even = _even(scaling, sample.jets, n_even, rng)
    weight = np.concatenate([np.ones(settings.n_jets), np.full(n_even, _EVEN_WEIGHT)])
    return joined_jets([sample.jets[drawn], even]), weight


def _even(scaling: InputScaling, like: Jets, n: int, rng: np.random.Generator) -> Jets:
    """Return jets that are even in the transformed inputs, some without a valid score; what is no input is typical."""
    back: dict[str, Callable[[Floats], Floats]] = {"identity": np.asarray, "log": np.exp, "logit": expit}
    columns = {name: np.full(n, np.median(like.column(name)), np.float32) for name in ("pt", "abseta", *like.extra)}
    columns["discriminant"] = np.full(n, INVALID, np.float32)
    ranges = zip(scaling.names, scaling.transforms, scaling.low, scaling.high, strict=True)
    for name, transform, low, high in ranges:
        columns[name] = back[transform](rng.uniform(low, high, n)).astype(np.float32)
    for name, value in {"discriminant": INVALID, **dict.fromkeys(scaling.limits, np.nan)}.items():
        columns[name][rng.random(n) < _INVALID_SHARE] = value
    pt, abseta, score = (columns.pop(name) for name in ("pt", "abseta", "discriminant"))
    return Jets(pt, abseta, score, np.zeros(n, np.int8), columns)


def _train(
    network: DenseNetwork,
    columns: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
    settings: Student,
    generator: torch.Generator,
) -> None:
    """Fit log S by weighted least squares: Adam with one rise and fall of the learning rate."""
    learner = Learner(network, torch.optim.Adam(network.parameters(), fused=True))
    order = torch.empty(0, dtype=torch.int64)
    for step in range(settings.steps):
        if len(order) < _BATCH:
            order = torch.cat([order, torch.randperm(len(columns[0]), generator=generator)])
        x, target, weight = (column[order[:_BATCH]] for column in columns)
        order = order[_BATCH:]
        loss = torch.mean(weight * torch.square(network(x) - target))
        rate = settings.learning_rate * rate_factor(step, settings.steps, _RISE, 0.0)
        learner.step(loss, rate, partial(_diverged, step))


def _diverged(step: int, loss: float) -> str:
    return f"the loss of the student is {loss} at step {step}; lower exports.student.learning_rate"
