"""From a YAML file to a checked configuration: duplicate keys, inheritance, messages with file, key, value and rule."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from deepsf.config.schema import Config, EfficiencyConfig


class ConfigError(ValueError):
    """The configuration cannot be used; the message names the file and every problem in it."""


class _Loader(yaml.SafeLoader):
    """SafeLoader that refuses a key set twice: PyYAML would keep the last in silence."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    lines: dict[Any, int] = {}
    for key_node, _ in node.value:
        key = loader.construct_object(key_node)
        line = key_node.start_mark.line + 1
        if key in lines:
            raise ConfigError(f"line {line}: key {key!r} was already set on line {lines[key]}")
        lines[key] = line
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def schema_of(tree: Mapping[str, Any]) -> type[Config] | type[EfficiencyConfig]:
    """Return the schema that a file follows: with ``efficiency.toy`` it is of efficiencies alone, on generated jets."""
    efficiency = tree.get("efficiency")
    is_toy = isinstance(efficiency, Mapping) and efficiency.get("toy") is not None
    return EfficiencyConfig if is_toy else Config


def load(path: str | Path) -> Config | EfficiencyConfig:
    """Return the configuration of a campaign from its YAML file.

    A file may start with ``extends: OTHER.yaml``, a path relative to itself. Its mappings are merged key by key, and
    everything else is replaced.

    Raises
    ------
    ConfigError
        If the file is missing or not YAML, or breaks rules of the schema. The message lists all problems.
    """
    path = Path(path)
    tree = _read(path, seen=())
    schema = schema_of(tree)
    try:
        return schema.model_validate(tree)
    except ValidationError as error:
        problems = error.errors(include_url=False)
        lines = [line for problem in problems for line in _describe(problem, schema).splitlines()]
        raise ConfigError(
            f"{path.name}: {len(lines)} problem(s)\n" + "\n".join(f"  {line}" for line in lines)
        ) from None


def _read(path: Path, seen: tuple[Path, ...]) -> dict[str, Any]:
    if path in seen:
        raise ConfigError(f"{path}: extends itself by way of {', '.join(p.name for p in seen)}")
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read ({error.strerror}); name a config of configs/ or a YAML file"
        ) from None
    try:
        tree = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except ConfigError as error:
        raise ConfigError(f"{path.name}, {error}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path.name}: not valid YAML: {error}") from None
    if not isinstance(tree, dict):
        raise ConfigError(f"{path.name}: must be a mapping of sections, got {type(tree).__name__}")
    base = tree.pop("extends", None)
    return tree if base is None else _merge(_read(path.parent / str(base), (*seen, path)), tree)


def _merge(base: dict[str, Any], update: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in update.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merge(merged[key], value) if both else value
    return merged


def _describe(problem: Any, schema: type[BaseModel]) -> str:
    where = ".".join(str(part) for part in problem["loc"] if part != "[key]")  # pydantic's mark of a mapping's key
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        import difflib

        known = _keys_at(problem["loc"][:-1], schema)
        close = difflib.get_close_matches(str(problem["loc"][-1]), known, n=1)
        message = f"unknown key; did you mean {close[0]!r}?" if close else f"unknown key; known are {', '.join(known)}"
    value = "" if isinstance(problem["input"], dict | BaseModel) else f" (got {_shorten(problem['input'])})"
    return f"{where}: {message}{value}" if where else f"{message}"


def _shorten(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 120 else text[:117] + "..."


def _keys_at(location: tuple[str | int, ...], model: type[BaseModel]) -> list[str]:
    """Return the keys allowed at a place of the schema; mappings with free keys are stepped through."""
    schema = model.model_json_schema()
    node: dict[str, Any] = schema
    for part in location:
        node = _resolve(node, schema)
        node = node.get("properties", {}).get(part) or node.get("additionalProperties") or {}
    return sorted(_resolve(node, schema).get("properties", {}))


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
