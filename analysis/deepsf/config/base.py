"""Building blocks of the schema: the strict section, and field types that several sections share.

How sections fit each other is checked by functions ``..._problems`` beside them, which yield what is wrong in words.
`deepsf.config.schema` calls all of them, so that a file's problems are reported at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, GetCoreSchemaHandler


def _strict(part: Any) -> Any:
    if isinstance(part, dict):
        own = {"strict": True} if part.get("type") in ("int", "float", "bool") else {}
        return {key: _strict(item) for key, item in part.items()} | own
    return type(part)(map(_strict, part)) if type(part) in (list, tuple) else part


class Section(BaseModel):
    """A part of the configuration: unknown keys are errors, values are frozen, NaN and infinity are refused.

    Neither true nor a text is a number, and neither a number nor a text is true.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> Any:
        """Return pydantic's inner schema, in which numbers and truth values are strict at any depth."""
        return _strict(handler(source))

    def with_files(self, place: Callable[[str], str]) -> Self:
        """Return the section with all paths replaced: the keys ``file`` of its own and of the sections in it."""
        changed: dict[str, object] = {}
        for name, value in self:
            if name == "file" and isinstance(value, str):
                changed[name] = place(value)
            elif isinstance(value, Section):
                changed[name] = value.with_files(place)
        return self.model_copy(update=changed)

    def file_paths(self) -> tuple[str, ...]:
        """Return all paths in the section: its key ``file`` and those of the sections in it."""
        parts = [value.file_paths() for _, value in self if isinstance(value, Section)]
        own = [value for name, value in self if name == "file" and isinstance(value, str)]
        return (*own, *(path for part in parts for path in part))


def _increasing(edges: tuple[float, ...]) -> tuple[float, ...]:
    for low, high in pairwise(edges):
        if not low < high:
            raise ValueError(f"bin edges must increase, but {high:g} follows {low:g}")
    return edges


def _parts_of_one(value: float) -> float:
    if not 0.0 < value < 1.0:
        raise ValueError("must lie between 0 and 1, both excluded")
    return value


_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
NAME_RULE = "a name has at most 100 letters, digits, _ . and -, and begins with none of the last two"


def is_name(text: str) -> bool:
    """Return whether a text may be part of a path: one component, the same on every system, no option of a command."""
    return _NAME.fullmatch(text) is not None


def _named(text: str) -> str:
    if not is_name(text):
        raise ValueError(f"{NAME_RULE}, since files and folders bear it")
    return text


def _named_if_any(text: str) -> str:
    return text and _named(text)


Name = Annotated[str, AfterValidator(_named)]
"""What the file calls something; outputs lie under it."""
OptionalName = Annotated[str, AfterValidator(_named_if_any)]
"""The same, or empty."""
Edges = Annotated[tuple[float, ...], Field(min_length=2), AfterValidator(_increasing)]
OpenFraction = Annotated[float, AfterValidator(_parts_of_one)]
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0)]
NonNegative = Annotated[float, Field(ge=0.0)]
Count = Annotated[int, Field(ge=1)]
Source = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9]{0,99}$")]
"""Name of a source of systematic shifts; the shifts are ``<source>_up`` and ``<source>_down``."""

Seed = Annotated[int, Field(ge=0, lt=2**63, description="seed of the random numbers; change it to repeat with others")]
Layers = Annotated[int, Field(ge=1, description="hidden layers of each network")]
Units = Annotated[int, Field(ge=1, description="units of each hidden layer")]
LearningRate = Annotated[float, Field(gt=0.0, description="highest learning rate")]
LearningRateWarmup = Annotated[float, Field(ge=0.0, le=1.0, description="fraction of steps in which the rate rises")]
LearningRateFinal = Annotated[
    float, Field(ge=0.0, le=1.0, description="the cosine decay ends at this fraction of the highest rate")
]
