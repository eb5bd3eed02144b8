"""JSON with histograms in it, in the UHI format: readable by any histogram library."""

from __future__ import annotations

import json
from dataclasses import is_dataclass
from typing import Any

import hist
import numpy as np
import uhi.io.json

from deepsf.json_text import json_text


def to_json(content: Any) -> str:
    """Return the content as text; dataclasses are mappings of their fields, NaN in arrays is null.

    Raises
    ------
    ValueError
        If a number is infinite.
    """
    return json_text(content, default=_plain)


def from_json(text: str) -> Any:
    """Return the content of a text of `to_json`, histograms as `hist.Hist`."""
    return json.loads(text, object_hook=_restored)


def _plain(value: Any) -> Any:
    return vars(value) if is_dataclass(value) else uhi.io.json.default(value)


def _restored(stored: dict[str, Any]) -> Any:
    content = uhi.io.json.object_hook(stored)
    for name, values in content.items():
        if isinstance(values, np.ndarray) and values.dtype == object:  # holds null
            content[name] = values.astype(np.float64)
    return hist.Hist(content) if "uhi_schema" in content else content
