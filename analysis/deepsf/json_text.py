"""Text of JSON files: strict, so that every reader takes it; a number that is not known is null."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any


def json_text(value: Any, *, indent: int | None = None, default: Callable[[Any], Any] | None = None) -> str:
    """Return a value as JSON, keys in order; see `plain`.

    Raises
    ------
    ValueError
        If a number is infinite.
    """
    return json.dumps(plain(value, default), sort_keys=True, indent=indent, allow_nan=False)


def plain(value: Any, default: Callable[[Any], Any] | None = None) -> Any:
    """Return named tuples, arrays and numbers as JSON has them, NaN as null.

    Parameters
    ----------
    default
        What to make of other types.
    """
    if hasattr(value, "_asdict"):
        return plain(value._asdict(), default)
    if isinstance(value, Mapping):
        return {str(key): plain(part, default) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part, default) for part in value]
    if hasattr(value, "tolist"):  # of numpy, which tasks do without
        listed = value.tolist()
        return plain(listed, default) if (value != value).any() else listed
    if isinstance(value, float) and math.isnan(value):
        return None
    if default is None or value is None or isinstance(value, str | int | float):
        return value
    return plain(default(value), default)
