"""From YAML files to a checked configuration: inheritance, messages with file, line, key, value and rule."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from deepsf.config.problems import problem_lines, takes_entries_away
from deepsf.config.schema import Config, EfficiencyConfig
from deepsf.config.yaml_file import ConfigError, read_yaml


class _Tree(NamedTuple):
    """A file with what it extends."""

    values: dict[str, Any]
    places: dict[str, tuple[str, int]]
    """File and line of each key, by its dotted path."""
    nulls: set[tuple[str, ...]]
    """Keys that a file sets to null, which one that it extends has."""


def schema_of(tree: Mapping[str, Any]) -> type[Config] | type[EfficiencyConfig]:
    """Return the schema that a file follows: with a toy or files of jets, and without samples, efficiencies alone."""
    efficiency = tree.get("efficiency")
    has_jets = isinstance(efficiency, Mapping) and any(efficiency.get(key) is not None for key in ("toy", "events"))
    return EfficiencyConfig if has_jets and "samples" not in tree else Config


def load(path: str | Path) -> Config | EfficiencyConfig:
    """Return the configuration of a campaign from its YAML file.

    A file may start with ``extends: OTHER.yaml``, a path relative to itself. Its mappings are merged key by key, and
    everything else is replaced. ``null`` takes an entry of the other file away where keys are free names, as in
    ``samples``; elsewhere it is a value.

    Raises
    ------
    ConfigError
        If the file is missing or not YAML, or breaks rules of the schema. The message lists all problems.
    """
    path = Path(path)
    tree = _read(path, seen=())
    schema = schema_of(tree.values)
    for location in tree.nulls:
        if takes_entries_away(location, schema):
            _remove_null(tree.values, location)
    try:
        return schema.model_validate(tree.values)
    except ValidationError as error:
        lines = [_with_place(line, tree, path) for line in problem_lines(error, schema)]
    if len(lines) == 1:
        raise ConfigError(f"{path.name}, {lines[0]}")
    raise ConfigError(f"{path.name}: {len(lines)} problem(s)\n" + "\n".join(f"  {line}" for line in lines))


def _read(path: Path, seen: tuple[Path, ...]) -> _Tree:
    if path.resolve() in seen:
        raise ConfigError(f"{path}: extends itself by way of {', '.join(p.name for p in seen)}")
    values, lines = read_yaml(path)
    places = {key: (path.name, line) for key, line in lines.items()}
    other = values.pop("extends", None)
    if other is None:
        return _Tree(values, places, set())
    if not isinstance(other, str):
        raise ConfigError(f"{path.name}, line {lines['extends']}: extends must be the path of one file, got {other!r}")
    try:
        extended = _read(path.parent / other, (*seen, path.resolve()))
    except ConfigError as error:
        raise ConfigError(f"{error} (extended by {path.name}, line {lines['extends']})") from None
    nulls = set(extended.nulls)
    return _Tree(_merge(extended.values, values, (), nulls), extended.places | places, nulls)


def _merge(
    base: dict[str, Any], update: dict[str, Any], path: tuple[str, ...], nulls: set[tuple[str, ...]]
) -> dict[str, Any]:
    merged = dict(base)
    for key, value in update.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        if value is None and key in merged:
            nulls.add((*path, key))
        merged[key] = _merge(merged[key], value, (*path, key), nulls) if both else value
    return merged


def _remove_null(values: dict[str, Any], location: tuple[str, ...]) -> None:
    """Remove an entry, unless it, or what it lies in, has another value by now."""
    mapping: Any = values
    for part in location[:-1]:
        mapping = mapping.get(part) if isinstance(mapping, dict) else None
    if isinstance(mapping, dict) and location[-1] in mapping and mapping[location[-1]] is None:
        del mapping[location[-1]]


def _with_place(problem: str, tree: _Tree, path: Path) -> str:
    """Return a problem with the line of the innermost key that it is about, and the file if it is an extended one."""
    key = re.split(r"[^\w.\-]", problem, maxsplit=1)[0].rstrip(".")
    while key and key not in tree.places:
        key = key.rpartition(".")[0]
    if not key:
        return problem
    file, line = tree.places[key]
    return f"line {line}: {problem}" if file == path.name else f"{file} line {line}: {problem}"
