"""JSON with histograms in it, in the UHI format: readable by any histogram library."""

from __future__ import annotations

import json
from dataclasses import is_dataclass
from typing import Any

import hist
import uhi.io.json


def to_json(content: Any) -> str:
    """Return the content as text; dataclasses are mappings of their fields."""
    return json.dumps(content, default=_plain, sort_keys=True)


def from_json(text: str) -> Any:
    """Return the content of a text of `to_json`, histograms as `hist.Hist`."""
    return json.loads(text, object_hook=_restored)


def _plain(value: Any) -> Any:
    return vars(value) if is_dataclass(value) else uhi.io.json.default(value)


def _restored(stored: dict[str, Any]) -> Any:
    content = uhi.io.json.object_hook(stored)
    return hist.Hist(content) if "uhi_schema" in content else content
