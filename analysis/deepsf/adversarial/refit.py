"""DeepSF under systematic shifts: repeated with small networks, all from the start that the direct method's have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from deepsf.adversarial.train import train_member
from deepsf.config.training import Training
from deepsf.networks.scale_factor import MemberScaleFactor
from deepsf.probes.measurement import Measurement


@dataclass(frozen=True)
class AdversarialRefit:
    """DeepSF, repeated with networks of the size of ``start``, which it goes on from: `refit_settings`."""

    settings: Training
    start: MemberScaleFactor

    def shifted(
        self, measurement: Measurement, seed: np.random.SeedSequence
    ) -> tuple[MemberScaleFactor, Mapping[str, list[float]]]:
        """Return the training on other entries or weights."""
        return train_member(measurement, self.settings, seed, start=self.start)


def refit_settings(training: Training, start: MemberScaleFactor, *, passes: float, learning_rate: float) -> Training:
    """Return how DeepSF is repeated: as it is trained, but for the size of the networks, passes and rate."""
    architecture = start.architecture
    return training.model_copy(
        update={
            "schedule": "interleaved",
            "layers": architecture.layers,
            "units": architecture.units,
            "log_sf_max": architecture.log_sf_max,
            "passes": passes,
            "learning_rate": learning_rate,
        }
    )
