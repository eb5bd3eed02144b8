"""Scale factors by the direct density ratio, for use as an ensemble is: trained, and normalised as every method."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np

from deepsf.config.direct import Direct
from deepsf.config.training import Variable
from deepsf.direct.trainer import DirectTraining
from deepsf.networks.cpu import Precision
from deepsf.networks.scale_factor import Architecture, MemberScaleFactor, normalised
from deepsf.probes.measurement import Measurement
from deepsf.probes.score_closure import score_closure
from deepsf.training.convergence import CLOSURE, require_alive


def train_direct(
    measurement: Measurement,
    inputs: Mapping[str, Variable],
    settings: Direct,
    seed: np.random.SeedSequence,
    *,
    precision: Precision = "fp32",
    bootstrap: bool = False,
    start: MemberScaleFactor | None = None,
) -> tuple[MemberScaleFactor, dict[str, dict[str, list[float]]]]:
    """Train one member and normalise it on inclusive jets; return it and the record of each of its classifiers.

    With ``bootstrap`` the training is on a Poisson bootstrap by event, which its seed gives; with ``start`` it goes on
    from another training for ``settings.refit_passes``.

    Raises
    ------
    deepsf.training.convergence.DeadNetworkError
        If a scale factor ends as a constant that data do not agree with.
    """
    training = DirectTraining(
        measurement, inputs, settings, seed, precision=precision, bootstrap=bootstrap, start=start
    )
    training.run()
    architecture = Architecture(settings.layers, settings.units, settings.log_sf_max)
    member = MemberScaleFactor(architecture, training.scalings, training.sf_networks, {})
    in_region = partial(member.evaluate, normalised=False)
    closure = {f"{CLOSURE}{f}": [score_closure(measurement, f, in_region)] for f in measurement.measured}
    training.history["scale_factors"] |= closure
    require_alive(
        training.history["scale_factors"], "train with another direct.learning_rate, direct.weight_decay or direct.seed"
    )
    return normalised(member, measurement), training.history
