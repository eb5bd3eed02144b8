"""Building blocks of the schema: the strict section, and field types that several sections share.

How sections fit each other is checked by functions ``..._problems`` beside them, which yield what is wrong in words.
`deepsf.config.schema` calls all of them, so that a file's problems are reported at once.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


class Section(BaseModel):
    """A part of the configuration: unknown keys are errors, values are frozen, NaN and infinity are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _increasing(edges: tuple[float, ...]) -> tuple[float, ...]:
    for low, high in pairwise(edges):
        if not low < high:
            raise ValueError(f"bin edges must increase, but {high:g} follows {low:g}")
    return edges


def _parts_of_one(value: float) -> float:
    if not 0.0 < value < 1.0:
        raise ValueError("must lie between 0 and 1, both excluded")
    return value


Edges = Annotated[tuple[float, ...], Field(min_length=2), AfterValidator(_increasing)]
OpenFraction = Annotated[float, AfterValidator(_parts_of_one)]
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0)]
NonNegative = Annotated[float, Field(ge=0.0)]
Count = Annotated[int, Field(ge=1)]

Seed = Annotated[int, Field(ge=0, lt=2**63, description="seed of the random numbers; change it to repeat with others")]
Layers = Annotated[int, Field(ge=1, description="hidden layers of each network")]
Units = Annotated[int, Field(ge=1, description="units of each hidden layer")]
LearningRate = Annotated[float, Field(gt=0.0, description="highest learning rate")]
LearningRateWarmup = Annotated[float, Field(ge=0.0, le=1.0, description="fraction of steps in which the rate rises")]
LearningRateFinal = Annotated[
    float, Field(ge=0.0, le=1.0, description="the cosine decay ends at this fraction of the highest rate")
]
