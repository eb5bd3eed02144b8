"""Repetitions of a fit: on bootstraps, and under systematic shifts; all start from one direct density ratio."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from deepsf.binned.shifts import SystematicShifts
from deepsf.config.direct import Direct
from deepsf.config.training import Variable
from deepsf.direct.train import train_direct
from deepsf.errors.shifted import shifted_measurement
from deepsf.networks.cpu import Precision
from deepsf.networks.scale_factor import MemberScaleFactor
from deepsf.probes.measurement import Measurement
from deepsf.skim.shifts import NOMINAL

History = Mapping[str, Mapping[str, list[float]]]


@dataclass(frozen=True)
class Refit:
    """The fit to repeat: its inputs, settings and precision, and the training that repetitions start from."""

    inputs: Mapping[str, Variable]
    settings: Direct
    precision: Precision
    start: MemberScaleFactor

    def bootstrap(self, measurement: Measurement, seed: np.random.SeedSequence) -> tuple[MemberScaleFactor, History]:
        """Return the fit to a Poisson bootstrap by event of data and simulation, validated on what it left out."""
        return train_direct(
            measurement,
            self.inputs,
            self.settings,
            seed,
            precision=self.precision,
            bootstrap=True,
            start=self.start,
        )

    def shifted(self, measurement: Measurement, seed: np.random.SeedSequence) -> tuple[MemberScaleFactor, History]:
        """Return the fit to other entries or weights."""
        return train_direct(measurement, self.inputs, self.settings, seed, precision=self.precision, start=self.start)


def under_shifts(
    fit: Callable[[Measurement, np.random.SeedSequence], tuple[MemberScaleFactor, Any]],
    measurement: Measurement,
    shifts: SystematicShifts,
    names: Iterable[str],
    seed: np.random.SeedSequence,
) -> Iterator[tuple[str, MemberScaleFactor, Any]]:
    """Yield by name the fit to the entries of a shift, or to the ``nominal`` ones.

    All have one seed: what randomness does to them cancels in their ratios.
    """
    for name in names:
        shifted = measurement if name == NOMINAL else shifted_measurement(measurement, shifts, name)
        member, history = fit(shifted, seed)
        yield name, member, history
