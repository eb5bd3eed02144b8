"""Training of one member of DeepSF, to its normalised scale factors."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from deepsf.adversarial.trainer import MemberTrainer
from deepsf.config.training import Training
from deepsf.networks.scale_factor import Architecture, MemberScaleFactor, normalised
from deepsf.probes.measurement import Measurement
from deepsf.probes.score_closure import score_closure
from deepsf.training.checkpoint import Checkpoint
from deepsf.training.convergence import CLOSURE, require_alive
from deepsf.training.history import Progress


def train_member(
    measurement: Measurement,
    settings: Training,
    seed: np.random.SeedSequence,
    report: Callable[[Progress], None] = lambda _: None,
    checkpoint: Checkpoint | None = None,
    start: MemberScaleFactor | None = None,
) -> tuple[MemberScaleFactor, dict[str, list[float]]]:
    """Train one member and normalise it on inclusive jets; return it and the record of its training.

    The record has a value a pass, and of the closure the one at the end.

    ``settings.precision`` must be resolved. With a ``checkpoint`` the training saves its state there, and continues
    from the state that an earlier attempt left; the result is the same.
    With ``start`` it goes on from other scale factors (`MemberTrainer`).

    Raises
    ------
    deepsf.training.convergence.DeadNetworkError
        If a network ends as a constant that data do not agree with.
    """
    trainer = MemberTrainer(measurement, settings, seed, start)
    trainer.run(report, checkpoint)
    architecture = Architecture(settings.layers, settings.units, settings.log_sf_max)
    member = MemberScaleFactor(architecture, trainer.scalings, trainer.sf_networks, {})
    in_region = partial(member.evaluate, normalised=False)
    closure = {f"{CLOSURE}{f}": [score_closure(measurement, f, in_region)] for f in measurement.measured}
    require_alive(
        trainer.history.columns | closure,
        "go on without this member (--accept-members), or train with another training.learning_rate or ensemble.seed",
    )
    return normalised(member, measurement), trainer.history.to_json() | closure
