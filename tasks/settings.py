"""Where things are: repository, outputs, configurations. The only place that reads the environment."""

from __future__ import annotations

import functools
import os
import re
from pathlib import Path

from analysis.config import Config, ConfigError, load
from analysis.cpu import resolve_precision
from tasks.provenance import write_json

SNAPSHOT_VARIABLE = "DEEPSF_CONFIG_SNAPSHOT"
"""In batch jobs: the configuration as it was when the jobs were submitted, so that a later edit cannot leak in."""


def base() -> Path:
    """Return the root of the repository."""
    return Path(__file__).resolve().parent.parent


def data() -> Path:
    """Return the folder of all outputs (``DEEPSF_DATA``)."""
    return Path(os.environ.get("DEEPSF_DATA") or base() / "data").absolute()


def resolve(path: str) -> Path:
    """Return a path of a configuration: absolute, starting with a variable, or relative to the repository.

    Raises
    ------
    ConfigError
        If a variable in it is not set.
    """
    expanded = os.path.expanduser(os.path.expandvars(path))
    unset = re.search(r"\$\{?(\w+)", expanded)
    if unset:
        raise ConfigError(f"path {path!r}: variable {unset[1]} is not set; export it or write the path out")
    return base() / expanded


def config_path(name: str) -> Path:
    """Return the file of ``--config``: a name in ``configs/``, or a path."""
    if name.endswith((".yaml", ".yml")) or "/" in name:
        return Path(os.path.expanduser(name)).absolute()
    return base() / "configs" / f"{name}.yaml"


@functools.cache
def config(name: str) -> Config:
    """Return the configuration, read once per process, with ``training.precision`` resolved.

    Raises
    ------
    ConfigError
        If the file cannot be used.
    """
    snapshot = os.environ.get(SNAPSHOT_VARIABLE)
    if snapshot:
        return Config.model_validate_json(Path(snapshot).read_text())
    path = config_path(name)
    if name == path.stem and not path.exists():
        known = ", ".join(sorted(p.stem for p in path.parent.glob("*.yaml")))
        raise ConfigError(
            f"--config {name}: no such file in configs/ (there are {known}); or give a path to a YAML file"
        )
    loaded = load(path)
    precision = resolve_precision(loaded.training.precision)
    return loaded.model_copy(update={"training": loaded.training.model_copy(update={"precision": precision})})


def claim_stem(version: str, name: str) -> None:
    """Remember which file the outputs of a configuration's stem come from.

    Raises
    ------
    ConfigError
        If under this version another file of the same stem made outputs.
    """
    path = config_path(name)
    place = data() / version / path.stem / ".config.json"
    shown = str(path.relative_to(base())) if path.is_relative_to(base()) else str(path)
    if not place.exists():
        write_json(place, {"file": shown})
        return
    import json

    owner = json.loads(place.read_text())["file"]
    if owner != shown:
        raise ConfigError(
            f"{shown}: outputs of version {version} under the name {path.stem!r} come from {owner}; "
            "rename one of the two files, or use another --version"
        )
