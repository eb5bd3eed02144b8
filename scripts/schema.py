"""Write configs/schema.json, the JSON schema of campaigns, by which editors complete and check a config.

    python scripts/schema.py

A campaign names it in its first line: ``# yaml-language-server: $schema=schema.json``. Nothing is required there,
since a file may extend another one.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from deepsf.config import Config, EfficiencyConfig

SCHEMA = Path(__file__).parents[1] / "configs" / "schema.json"
EXTENDS = {"type": "string", "description": "YAML file that this one extends, relative to it; null takes entries away"}


def text() -> str:
    """Return the schema as JSON."""
    campaign, efficiencies = Config.model_json_schema(), EfficiencyConfig.model_json_schema()
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "description": "DeepSF campaign",
        "type": "object",
        "additionalProperties": False,
        "properties": {"extends": EXTENDS, **efficiencies["properties"], **campaign["properties"]},
        "$defs": {**efficiencies["$defs"], **campaign["$defs"]},
    }
    return json.dumps(_of_files_that_extend(schema), indent=1, allow_nan=False) + "\n"


def _of_files_that_extend(part: Any) -> Any:
    """Return a part of the schema in which no key is required, and entries of mappings may be null."""
    if isinstance(part, list):
        return [_of_files_that_extend(item) for item in part]
    if not isinstance(part, dict):
        return part
    left_out = ("required", "minProperties", *(["title"] if isinstance(part.get("title"), str) else []))
    kept = {key: _of_files_that_extend(value) for key, value in part.items() if key not in left_out}
    entries = kept.get("additionalProperties")
    if isinstance(entries, dict):
        kept["additionalProperties"] = {"anyOf": [entries, {"type": "null"}]}
    return kept


if __name__ == "__main__":
    SCHEMA.write_text(text())
