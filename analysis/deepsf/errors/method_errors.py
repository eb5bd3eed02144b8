"""The errors of a method's scale factors by name, at jets and of means over jets.

train
    Standard error of the mean over separate trainings: randomness of the training alone.
stat
    Statistics of data and simulation: the spread of trainings on bootstraps by event, relative to their mean, at least
    the counting error of the binned scale factor in its range of the score (`deepsf.errors.cells`).
model
    Half the difference to the smoothed binned scale factor by cell: features that all networks smooth away.
extrapolation
    Where no region tells the flavour, and the scale factor is held at its value at a limit of the score
    (`deepsf.probes.score_limits`): the effect of an error of the contamination there.

Systematic shifts are the ratio of a training under the shift and a training of the same seed without it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from deepsf.arrays import Floats, Ints
from deepsf.binned.envelope import envelope_shifts, sum_over_sources
from deepsf.config.shifts import TAG_CUT
from deepsf.errors.cells import ErrorCells
from deepsf.networks.replicas import relative_deviations
from deepsf.networks.scale_factor import EnsembleScaleFactor, MemberScaleFactor, save_refits
from deepsf.probes.entries import Jets
from deepsf.skim.shifts import NOMINAL

NAMES = ("train", "stat", "model", "extrapolation")
"""Errors of the measurement itself; shifts come on top of them."""


@dataclass(frozen=True)
class Refits:
    """A fit that was repeated: on bootstraps by event, and under systematic shifts, by name; and the fit itself.

    The fit itself was continued as its repetitions were, with the same seed.

    Raises
    ------
    ValueError
        If there are shifts without the fit that they are compared with.
    """

    bootstraps: tuple[MemberScaleFactor, ...] = ()
    unshifted: MemberScaleFactor | None = None
    shifted: Mapping[str, MemberScaleFactor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.shifted and self.unshifted is None:
            raise ValueError(
                f"{len(self.shifted)} fits under shifts lack the fit without any; repeat them (TrainShifts)"
            )

    def with_shifts(self, fits: Mapping[str, MemberScaleFactor]) -> Self:
        """Return the same bootstraps with the fits under shifts, by name, and the ``nominal`` one."""
        shifted = dict(sorted(fits.items()))
        unshifted = shifted.pop(NOMINAL, None)
        return replace(self, unshifted=unshifted if shifted else None, shifted=shifted)

    @property
    def shift_names(self) -> list[str]:
        """Names of the shifts."""
        return list(self.shifted)

    def save(self, path: Path, hadron_flavours: Mapping[str, tuple[int, ...]]) -> None:
        """Write all repetitions in one file, in the form of an ensemble: bootstraps, the fit without shift, shifts."""
        unshifted = () if self.unshifted is None else (self.unshifted,)
        save_refits(path, self.bootstraps, (*unshifted, *self.shifted.values()), hadron_flavours)

    @classmethod
    def of(cls, saved: EnsembleScaleFactor, shift_names: Sequence[str]) -> Self:
        """Return the repetitions of `save`, given the names of the shifts."""
        n_shifts = len(shift_names)
        if not n_shifts:
            return cls(saved.members)
        *rest, unshifted = saved.members[: len(saved.members) - n_shifts]
        return cls(tuple(rest), unshifted, dict(zip(shift_names, saved.members[-n_shifts:], strict=True)))

    def replicas(self, flavour: str, jets: Jets) -> Floats | None:
        """Return the relative deviations of bootstraps from their mean, shape ``(n_bootstraps, n)``; None without."""
        if len(self.bootstraps) < 2:
            return None
        return relative_deviations(self.bootstraps, flavour, jets)

    def shifts(self, flavour: str, jets: Jets) -> dict[str, Floats]:
        """Return by shift the relative deviation of the scale factor, shape ``(n,)``.

        A tighter tag cut has one direction; the other is its mirror image.
        """
        if self.unshifted is None:
            return {}
        nominal = self.unshifted.evaluate(flavour, jets)
        found = {name: m.evaluate(flavour, jets) / nominal - 1.0 for name, m in self.shifted.items()}
        if f"{TAG_CUT}_up" in found:
            found[f"{TAG_CUT}_down"] = -found[f"{TAG_CUT}_up"]
        return found


@dataclass(frozen=True)
class ErrorsAtJets:
    """Deviations at ``n`` jets of one flavour, in units of the scale factor.

    ``trainings`` and ``replicas`` have the shapes ``(n_members, n)`` and ``(n_bootstraps, n)``; all else ``(n,)``.
    ``score_range`` tells which jets share the floor of the statistical error, ``rest``.
    """

    value: Floats
    trainings: Floats
    replicas: Floats
    rest: Floats
    score_range: Ints
    model: Floats
    extrapolation: Floats
    shifts: Mapping[str, Floats]

    def of_mean(self, share: Floats) -> dict[str, float]:
        """Return the errors of the mean over jets by name, with shares that add up to 1.

        Floors of different ranges of the score are independent of each other, all else moves jets together.
        """
        means = self.trainings @ share
        train = means.std(ddof=1) / np.sqrt(len(means)) if len(means) > 1 else 0.0
        spread = (self.replicas @ share).std(ddof=1) if len(self.replicas) > 1 else 0.0
        rest = np.bincount(self.score_range, self.rest * share)
        errors = train, np.hypot(spread, np.linalg.norm(rest)), abs(self.model @ share), self.extrapolation @ share
        return {name: float(error) for name, error in zip(NAMES, errors, strict=True)}

    def at_each(self) -> dict[str, Floats]:
        """Return the errors of each jet by name, shapes ``(n,)``."""
        n = len(self.trainings)
        train = self.trainings.std(axis=0, ddof=1) / np.sqrt(n) if n > 1 else np.zeros_like(self.value)
        spread = self.replicas.std(axis=0, ddof=1) if len(self.replicas) > 1 else np.zeros_like(self.value)
        return dict(
            zip(NAMES, (train, np.hypot(spread, self.rest), np.abs(self.model), self.extrapolation), strict=True)
        )

    def systematic(self, share: Floats) -> float:
        """Return the sum in quadrature over systematic sources: of each the larger direction."""
        names = envelope_shifts(self.shifts, statistical=False)
        return sum_over_sources({name: float(self.shifts[name] @ share) for name in names})


@dataclass(frozen=True)
class MethodErrors:
    """All that the errors of one method's ensemble are made of.

    Attributes
    ----------
    cells
        By measured flavour.
    extrapolation
        Relative error beyond the limits of the score.
    """

    ensemble: EnsembleScaleFactor
    refits: Refits
    cells: Mapping[str, ErrorCells]
    extrapolation: float

    @property
    def lacking(self) -> tuple[str, ...]:
        """Which parts are not in the errors: ``train``, ``bootstraps``, ``extrapolation``, ``shifts``.

        Without bootstraps, ``stat`` is the counting error alone.
        """
        there = {
            "train": len(self.ensemble.members) > 1,
            "bootstraps": len(self.refits.bootstraps) > 1,
            "extrapolation": self.extrapolation > 0,
            "shifts": bool(self.refits.shifted),
        }
        return tuple(name for name, is_there in there.items() if not is_there)

    def at(self, flavour: str, jets: Jets) -> ErrorsAtJets:
        """Return what moves the scale factors of jets of a measured flavour."""
        trainings = self.ensemble.member_values(flavour, jets)
        value = trainings.mean(axis=0)
        replicas = self.refits.replicas(flavour, jets)
        limits = self.ensemble.members[0].limits.get(flavour)
        beyond = np.zeros(len(jets), bool) if limits is None else limits.is_beyond(jets)
        cells = self.cells[flavour]
        score_range = cells.score_range(jets)
        return ErrorsAtJets(
            value,
            trainings,
            np.zeros((0, len(jets))) if replicas is None else value * replicas,
            cells.rest[score_range],
            score_range,
            cells.model.ravel()[cells.index(jets)],
            np.where(beyond, self.extrapolation * value, 0.0),
            {name: value * relative for name, relative in self.refits.shifts(flavour, jets).items()},
        )


def total(errors: Mapping[str, Any]) -> Any:
    """Return the errors of the measurement itself, `NAMES`, added in quadrature."""
    return np.sqrt(sum(np.square(errors[name]) for name in NAMES))
