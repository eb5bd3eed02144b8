"""From probe-jet columns to network inputs; the scaling is part of every model file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import torch

from deepsf.arrays import Floats
from deepsf.config.training import Transform, Variable
from deepsf.probes.entries import Jets, logit

INVALID_FLAG = 2.0
"""Value of the last input for jets without a valid score; 0 for all others."""


@dataclass(frozen=True)
class InputScaling:
    """Transformation, clipping range, mean and width of each input, arrays of shape ``(n_variables,)``."""

    names: tuple[str, ...]
    transforms: tuple[str, ...]
    low: Floats
    high: Floats
    mean: Floats
    width: Floats

    @property
    def n_inputs(self) -> int:
        """Number of network inputs: the variables and the flag of invalid scores."""
        return len(self.names) + 1

    @property
    def score_column(self) -> int | None:
        """Place of the discriminant among the inputs, None if it is none."""
        return self.names.index("discriminant") if "discriminant" in self.names else None

    @classmethod
    def fit(cls, variables: Mapping[str, Variable], jets: Sequence[Jets], typical: Jets | None = None) -> InputScaling:
        """Return the scaling to zero mean and unit width; invalid scores are left out.

        Parameters
        ----------
        jets
            Their values are the range that inputs are clipped to.
        typical
            Jets that get zero mean and unit width; all of ``jets`` by default.

        Raises
        ------
        ValueError
            If a variable is not finite after its transformation, or takes one value only.
        """
        low, high, mean, width = [], [], [], []
        for name, variable in variables.items():
            values = np.concatenate([_column(j, name, variable.transform)[_is_valid(j, name)] for j in jets])
            if not np.isfinite(values).all():
                raise ValueError(
                    f"training.inputs.{name}: {np.count_nonzero(~np.isfinite(values))} of {len(values)} values are not "
                    f"finite after transform {variable.transform}; choose another transform"
                )
            centred = (
                values if typical is None else _column(typical, name, variable.transform)[_is_valid(typical, name)]
            )
            if centred.std() == 0:
                raise ValueError(
                    f"training.inputs.{name}: takes the one value {centred[0]:g}; remove it from the inputs"
                )
            low.append(values.min())
            high.append(values.max())
            mean.append(centred.mean())
            width.append(centred.std())
        names, transforms = tuple(variables), tuple(v.transform for v in variables.values())
        return cls(names, transforms, np.array(low), np.array(high), np.array(mean), np.array(width))

    def features(self, jets: Jets) -> torch.Tensor:
        """Return the network inputs, float32 of shape ``(n, n_inputs)``; values beyond the fitted range are clipped."""
        features = np.zeros((len(jets), self.n_inputs), np.float32)
        for position, (name, transform) in enumerate(zip(self.names, self.transforms, strict=True)):
            values = np.clip(_column(jets, name, transform), self.low[position], self.high[position])
            scaled = (values - self.mean[position]) / self.width[position]
            features[:, position] = np.where(_is_valid(jets, name), scaled, 0.0)
        features[:, -1] = np.where(jets.discriminant < 0, INVALID_FLAG, 0.0)
        return torch.from_numpy(features)

    def to_json(self) -> dict[str, Any]:
        """Return the scaling as plain lists."""
        numbers = {key: getattr(self, key).tolist() for key in ("low", "high", "mean", "width")}
        return {"names": list(self.names), "transforms": list(self.transforms), **numbers}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> InputScaling:
        """Return the scaling of `to_json`.

        Raises
        ------
        ValueError
            If it has not one number of each kind for every variable, or not a range, a width and a transformation.
        """
        numbers = {key: np.array(stored[key], np.float64) for key in ("low", "high", "mean", "width")}
        scaling = cls(tuple(stored["names"]), tuple(stored["transforms"]), **numbers)
        inputs = f"the scaling of the inputs {', '.join(scaling.names)}"
        shape = (len(scaling.names),)
        if len(scaling.transforms) != len(scaling.names) or any(v.shape != shape for v in numbers.values()):
            raise ValueError(f"{inputs} has not one number for each")
        if unknown := set(scaling.transforms) - set(get_args(Transform)):
            raise ValueError(f"{inputs} has the transformation {unknown.pop()!r}")
        if not ((scaling.low < scaling.high) & (scaling.width > 0)).all():
            raise ValueError(f"{inputs} has an empty range or a width that is not above 0")
        return scaling


def _is_valid(jets: Jets, name: str) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Only the discriminant has invalid values."""
    return jets.discriminant >= 0 if name == "discriminant" else np.ones(len(jets), bool)


def _column(jets: Jets, name: str, transform: str) -> Floats:
    values = jets.column(name).astype(np.float64)
    if transform == "log":
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.log(values)
    return logit(values) if transform == "logit" else values
