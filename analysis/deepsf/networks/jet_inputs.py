"""From probe-jet columns to network inputs; the scaling is part of every model file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import torch

from deepsf.arrays import Bools, Floats
from deepsf.config.training import Transform, Variable
from deepsf.probes.entries import Jets, logit

INVALID_FLAG = 2.0
"""Value of the flags behind the variables for jets without a valid value; 0 for all others."""


@dataclass(frozen=True)
class InputScaling:
    """Transformation, clipping range, mean and width of each input, arrays of shape ``(n_variables,)``.

    Behind the variables come flags: that of invalid scores, then one of each variable with a limit in
    ``invalid_below``. Below that limit, as where it is NaN, a variable is not valid; None: no limit. A variable that is
    not valid is 0.
    """

    names: tuple[str, ...]
    transforms: tuple[str, ...]
    low: Floats
    high: Floats
    mean: Floats
    width: Floats
    invalid_below: tuple[float | None, ...] = ()

    @property
    def n_inputs(self) -> int:
        """Number of network inputs: the variables and the flags."""
        return len(self.columns)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the network inputs."""
        return (*self.names, "is_invalid", *(f"{name} is_invalid" for name in self.limits))

    @property
    def limits(self) -> dict[str, float]:
        """The limits below which variables are not valid, by name of those that have one."""
        pairs = zip(self.names, self.invalid_below, strict=False)
        return {name: limit for name, limit in pairs if limit is not None}

    @property
    def score_column(self) -> int | None:
        """Place of the discriminant among the inputs, None if it is none."""
        return self.names.index("discriminant") if "discriminant" in self.names else None

    @classmethod
    def fit(cls, variables: Mapping[str, Variable], jets: Sequence[Jets], typical: Jets | None = None) -> InputScaling:
        """Return the scaling to zero mean and unit width; invalid values are left out.

        Parameters
        ----------
        jets
            Their values are the range that inputs are clipped to.
        typical
            Jets that get zero mean and unit width; all of ``jets`` by default.

        Raises
        ------
        ValueError
            If a variable is not finite after its transformation, is nowhere valid, or takes one value only.
        """
        low, high, mean, width = [], [], [], []
        for name, variable in variables.items():
            values = np.concatenate([_valid(j, name, variable) for j in jets])
            if not np.isfinite(values).all():
                raise ValueError(
                    f"training.inputs.{name}: {np.count_nonzero(~np.isfinite(values))} of {len(values)} values are not "
                    f"finite after transform {variable.transform}; choose another transform"
                )
            centred = values if typical is None else _valid(typical, name, variable)
            if not len(centred):
                raise ValueError(f"training.inputs.{name}: no jet has a valid value; remove it from the inputs")
            if centred.std() == 0:
                raise ValueError(
                    f"training.inputs.{name}: takes the one value {centred[0]:g}; remove it from the inputs"
                )
            low.append(values.min())
            high.append(values.max())
            mean.append(centred.mean())
            width.append(centred.std())
        names, transforms = tuple(variables), tuple(v.transform for v in variables.values())
        invalid_below = tuple(v.invalid_below for v in variables.values())
        return cls(names, transforms, np.array(low), np.array(high), np.array(mean), np.array(width), invalid_below)

    def is_valid(self, name: str, jets: Jets) -> Bools:
        """Return which jets have a valid value of a variable, shape ``(n,)``."""
        return _is_valid(jets, name, self.limits.get(name))

    def is_beyond(self, name: str, jets: Jets) -> Bools:
        """Return which jets have a valid value of a variable beyond the range that it is clipped to, ``(n,)``."""
        place = self.names.index(name)
        values = _column(jets, name, self.transforms[place])
        inside = (values >= self.low[place]) & (values <= self.high[place])
        return np.asarray(self.is_valid(name, jets) & ~inside)

    def stated(self, jets: Jets) -> dict[str, Floats]:
        """Return the variables that have a limit, by name, as files take them: what is not valid is below the limit."""
        return {
            name: np.where(self.is_valid(name, jets), jets.column(name).astype(np.float64), _below(limit))
            for name, limit in self.limits.items()
        }

    def further_medians(self, jets: Jets) -> dict[str, float]:
        """Return the medians of the valid values of all inputs beyond pT, |eta| and discriminant, by name.

        Raises
        ------
        ValueError
            If no jet has a valid value.
        """
        medians = {}
        for name in self.names:
            if name in jets.extra:
                valid = jets.column(name)[self.is_valid(name, jets)]
                if not len(valid):
                    raise ValueError(f"none of {len(jets)} jets has a valid value of {name}; remove it from the inputs")
                medians[name] = float(np.median(valid))
        return medians

    def features(self, jets: Jets) -> torch.Tensor:
        """Return the network inputs, float32 of shape ``(n, n_inputs)``; values beyond the fitted range are clipped."""
        features = np.zeros((len(jets), self.n_inputs), np.float32)
        n_variables = len(self.names)
        for position, (name, transform) in enumerate(zip(self.names, self.transforms, strict=True)):
            values = np.clip(_column(jets, name, transform), self.low[position], self.high[position])
            scaled = (values - self.mean[position]) / self.width[position]
            features[:, position] = np.where(self.is_valid(name, jets), scaled, 0.0)
        features[:, n_variables] = np.where(jets.discriminant < 0, INVALID_FLAG, 0.0)
        for number, name in enumerate(self.limits, start=1):
            features[:, n_variables + number] = np.where(self.is_valid(name, jets), 0.0, INVALID_FLAG)
        return torch.from_numpy(features)

    def to_json(self) -> dict[str, Any]:
        """Return the scaling as plain lists."""
        numbers = {key: getattr(self, key).tolist() for key in ("low", "high", "mean", "width")}
        limits = {"invalid_below": list(self.invalid_below)} if self.limits else {}
        return {"names": list(self.names), "transforms": list(self.transforms), **numbers, **limits}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> InputScaling:
        """Return the scaling of `to_json`.

        Raises
        ------
        ValueError
            If it has not one number of each kind for every variable, or not a range, a width and a transformation.
        """
        numbers = {key: np.array(stored[key], np.float64) for key in ("low", "high", "mean", "width")}
        limits = tuple(None if limit is None else float(limit) for limit in stored.get("invalid_below", ()))
        scaling = cls(tuple(stored["names"]), tuple(stored["transforms"]), **numbers, invalid_below=limits)
        inputs = f"the scaling of the inputs {', '.join(scaling.names)}"
        shape = (len(scaling.names),)
        lengths = {len(scaling.transforms), len(limits or scaling.names)}
        if lengths != {len(scaling.names)} or any(v.shape != shape for v in numbers.values()):
            raise ValueError(f"{inputs} has not one number for each")
        if unknown := set(scaling.transforms) - set(get_args(Transform)):
            raise ValueError(f"{inputs} has the transformation {unknown.pop()!r}")
        if not ((scaling.low < scaling.high) & (scaling.width > 0)).all():
            raise ValueError(f"{inputs} has an empty range or a width that is not above 0")
        return scaling


def _below(limit: float) -> float:
    """Return a number below a limit, also after rounding to single precision."""
    return limit - max(1.0, abs(limit))


def _valid(jets: Jets, name: str, variable: Variable) -> Floats:
    """Return the valid values of a variable, transformed."""
    return _column(jets, name, variable.transform)[_is_valid(jets, name, variable.invalid_below)]


def _is_valid(jets: Jets, name: str, limit: float | None) -> Bools:
    """Return which jets have a valid value; of NaN that is none, if there is a limit."""
    if name == "discriminant":
        return np.asarray(jets.discriminant >= 0)
    # in double precision, as in exported files
    return np.ones(len(jets), bool) if limit is None else np.asarray(jets.column(name).astype(np.float64) >= limit)


def _column(jets: Jets, name: str, transform: str) -> Floats:
    values = jets.column(name).astype(np.float64)
    if transform == "log":
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.log(values)
    return logit(values) if transform == "logit" else values
