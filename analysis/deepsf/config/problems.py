"""What pydantic finds wrong with a configuration, in words; places in the schema."""

from __future__ import annotations

import difflib
import functools
import reprlib
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

MAX_PROBLEMS = 30

_RULES = {"bool_type": "must be true or false"}
_brief = reprlib.Repr()
_brief.maxstring = _brief.maxother = 120


def problem_lines(error: ValidationError, schema: type[BaseModel]) -> Iterator[str]:
    """Yield a line for each problem: key, rule and value; the first `MAX_PROBLEMS`, then how many more there are."""
    problems = error.errors(include_url=False)
    for problem in problems[:MAX_PROBLEMS]:
        yield from _describe(problem, schema).splitlines()
    if len(problems) > MAX_PROBLEMS:
        yield f"... and {len(problems) - MAX_PROBLEMS} more"


def _describe(problem: Any, schema: type[BaseModel]) -> str:
    where = ".".join(str(part) for part in problem["loc"] if part != "[key]")  # pydantic's mark of a mapping's key
    message = _RULES.get(problem["type"], problem["msg"].removeprefix("Value error, "))
    if problem["type"] == "extra_forbidden":
        known = _keys_at(problem["loc"][:-1], schema)
        close = difflib.get_close_matches(str(problem["loc"][-1]), known, n=1)
        message = f"unknown key; did you mean {close[0]!r}?" if close else f"unknown key; known are {', '.join(known)}"
    if problem["input"] is None and takes_entries_away(problem["loc"], schema):
        message = "null takes away an entry of an extended file, and there is none; leave the key out or give a value"
    value = "" if isinstance(problem["input"], dict | BaseModel) else f" (got {_shorten(problem['input'])})"
    return f"{where}: {message}{value}" if where else f"{message}"


def _shorten(value: Any) -> str:
    text = _brief.repr(value)
    return text if len(text) <= 120 else text[:117] + "..."


def takes_entries_away(location: Sequence[str], model: type[BaseModel]) -> bool:
    """Return whether null at a place of the schema can only mean that the entry is to go.

    It can in mappings whose keys the file chooses, where null is no value.
    """
    values = _free_values(_node_at(location[:-1], model))
    return bool(values) and {"type": "null"} not in values.get("anyOf", ())


def _keys_at(location: Sequence[str | int], model: type[BaseModel]) -> list[str]:
    """Return the keys allowed at a place of the schema; mappings with free keys are stepped through."""
    return sorted(_node_at(location, model).get("properties", {}))


@functools.cache
def _json_schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema()


def _node_at(location: Sequence[str | int], model: type[BaseModel]) -> dict[str, Any]:
    schema = _json_schema(model)
    node = schema
    for part in location:
        node = _resolve(node, schema)
        node = node.get("properties", {}).get(part) or _free_values(node)
    return _resolve(node, schema)


def _free_values(node: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of the values of a mapping whose keys the file chooses; empty for anything else."""
    of_patterns: dict[str, dict[str, Any]] = node.get("patternProperties", {})
    return next(iter(of_patterns.values()), None) or node.get("additionalProperties") or {}


def _resolve(node: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    while True:
        if "anyOf" in node:
            node = next((option for option in node["anyOf"] if option.get("type") != "null"), {})
        elif "allOf" in node:
            node = node["allOf"][0]
        elif "$ref" in node:
            node = schema["$defs"][node["$ref"].rsplit("/", 1)[-1]]
        else:
            return node
