"""Text of JSON files: strict, so that every reader takes it; a number that is not known is null."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any


def json_text(
    value: Any,
    *,
    indent: int | None = None,
    default: Callable[[Any], Any] | None = None,
    is_known: Callable[[float], bool] | None = None,
) -> str:
    """Return a value as JSON, keys in order; see `plain`.

    Raises
    ------
    ValueError
        If a number is infinite, unless that counts as not known.
    """
    return json.dumps(plain(value, default, is_known), sort_keys=True, indent=indent, allow_nan=False)


def plain(
    value: Any, default: Callable[[Any], Any] | None = None, is_known: Callable[[float], bool] | None = None
) -> Any:
    """Return named tuples, arrays and numbers as JSON has them.

    Parameters
    ----------
    default
        What to make of other types.
    is_known
        Whether a number is known, or to be null; by default all but NaN are known.
    """
    if hasattr(value, "_asdict"):
        value = value._asdict()
    if hasattr(value, "tolist"):  # of numpy, which tasks do without
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): plain(part, default, is_known) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part, default, is_known) for part in value]
    if isinstance(value, float):
        known = not math.isnan(value) if is_known is None else is_known(value)
        return value if known else None
    if default is None or value is None or isinstance(value, str | int):
        return value
    return plain(default(value), default, is_known)
