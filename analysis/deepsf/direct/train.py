"""Scale factors by the direct density ratio, for use as an ensemble is: trained, and normalised as every method."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from deepsf.config.direct import Direct
from deepsf.config.training import Variable
from deepsf.direct.trainer import DirectTraining
from deepsf.networks.scale_factor import Architecture, MemberScaleFactor, normalised
from deepsf.probes.measurement import Measurement
from deepsf.training.convergence import require_alive


def train_direct(
    measurement: Measurement, inputs: Mapping[str, Variable], settings: Direct, seed: np.random.SeedSequence
) -> tuple[MemberScaleFactor, dict[str, dict[str, list[float]]]]:
    """Train one member and normalise it on inclusive jets; return it and the record of each of its classifiers.

    Raises
    ------
    deepsf.training.convergence.DeadNetworkError
        If a scale factor ends as a constant.
    """
    training = DirectTraining(measurement, inputs, settings, seed)
    training.run()
    require_alive(
        training.history["scale_factors"], "train with another direct.learning_rate, direct.weight_decay or direct.seed"
    )
    architecture = Architecture(settings.layers, settings.units, settings.log_sf_max)
    member = MemberScaleFactor(architecture, training.scalings, training.sf_networks, {})
    return normalised(member, measurement), training.history
