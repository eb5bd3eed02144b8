"""Where things are: repository, outputs, configurations. The only place that reads DeepSF's environment variables."""

from __future__ import annotations

import functools
import json
import math
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from deepsf.config import Config, ConfigError, EfficiencyConfig, load, schema_of
from deepsf.config.base import NAME_RULE, is_name
from deepsf.networks.cpu import resolve_precision
from deepsf.reading import reading
from tasks.framework.provenance import write_json

SNAPSHOT_VARIABLE = "DEEPSF_CONFIG_SNAPSHOT"
"""In batch jobs: the configuration as it was when the jobs were submitted, so that a later edit cannot leak in."""
STORE_VARIABLE = "DEEPSF_STORE_GB"
"""Room for the store of replaced outputs [GB]; 0 keeps and restores nothing."""
SHIPPED_VARIABLE = "DEEPSF_SHIPPED"
"""Set in batch jobs that see none of our folders."""
CLAIM = ".config.json"
"""File in the folder of a configuration's outputs that names the configuration."""
SHIPPED = ".shipped.json"
"""File in the folder of outputs that lists what travelled with such a job."""


class Shipment(NamedTuple):
    """What travelled with a job.

    Content digests of outputs, by name; places of files that no task makes, by `name_of`; identities of files on
    servers, by address.
    """

    files: dict[str, str | None]
    external: dict[str, Path]
    identities: dict[str, str | None]


class Snapshot(NamedTuple):
    """The configuration of a batch job, and what its paths meant where the job was submitted.

    Attributes
    ----------
    config
        The configuration as the campaign's file has it.
    paths
        Paths without variables, by what the configuration calls them.
    files
        By sample, its files as in `tasks.framework.sample_files`.
    """

    config: dict[str, Any]
    paths: dict[str, str]
    files: dict[str, list[str]]


def base() -> Path:
    """Return the root of the repository."""
    return Path(__file__).resolve().parents[2]


def data() -> Path:
    """Return the folder of all outputs (``DEEPSF_DATA``)."""
    return Path(os.environ.get("DEEPSF_DATA") or base() / "data").absolute()


def software() -> Path:
    """Return the folder of the environment that this process runs in (``DEEPSF_SOFTWARE``)."""
    return Path(sys.prefix).parent  # <software>/venv


@functools.cache
def shipped() -> Shipment | None:
    """Return what travelled with this batch job; None where files are seen where they are."""
    if not os.environ.get(SHIPPED_VARIABLE):
        return None
    content = json.loads((data() / SHIPPED).read_text())
    external = {name: data() / place for name, place in content["external"].items()}
    return Shipment(content["files"], external, content["identities"])


@functools.cache
def snapshot() -> Snapshot | None:
    """Return what was handed to this batch job; None elsewhere."""
    path = os.environ.get(SNAPSHOT_VARIABLE)
    return Snapshot(**json.loads(Path(path).read_text())) if path else None


def name_of(path: Path) -> str:
    """Return a path as text, without the place of the repository, which differs between machines."""
    return str(path.relative_to(base())) if path.is_relative_to(base()) else str(path)


def local(path: Path) -> Path:
    """Return where a file that no task makes is read: elsewhere only in a job that it travelled with."""
    given = shipped()
    return path if given is None else given.external.get(name_of(path), path)


def resolve(path: str) -> Path:
    """Return a path of a configuration: absolute, starting with a variable, or relative to the repository.

    Raises
    ------
    ConfigError
        If a variable in it is not set, or it is an address.
    """
    text = expand(path)
    if "://" in text:
        raise ConfigError(f"path {path!r}: only files of samples are read from servers; copy this one to a disk")
    return base() / text


def expand(text: str) -> str:
    """Return a text of a configuration with its variables; in a batch job, with those of its submission.

    Raises
    ------
    ConfigError
        If a variable in it is not set.
    """
    given = snapshot()
    if given is not None and text in given.paths:
        return given.paths[text]
    expanded = os.path.expanduser(os.path.expandvars(text))
    unset = re.search(r"\$\{?(\w+)", expanded)
    if unset:
        raise ConfigError(f"path {text!r}: variable {unset[1]} is not set; export it or write the path out")
    return expanded


def expanded_texts(tree: Any) -> dict[str, str]:
    """Return all texts of a configuration in which `expand` replaces something, with what it makes of them."""
    if isinstance(tree, Mapping):
        tree = list(tree.values())
    if isinstance(tree, list):
        return {text: found for item in tree for text, found in expanded_texts(item).items()}
    if not isinstance(tree, str) or not ("$" in tree or tree.startswith("~")):
        return {}
    try:
        return {tree: name_of(resolve(tree))}
    except ConfigError:  # no path, as a label with a formula; or one that the job does not use
        return {}


def config_path(name: str) -> Path:
    """Return the file of ``--config``: a name in ``configs/``, or a path.

    Raises
    ------
    ConfigError
        If the file has a name that no folder of outputs should have.
    """
    is_path = name.endswith((".yaml", ".yml")) or "/" in name
    path = Path(os.path.expanduser(name)).absolute() if is_path else base() / "configs" / f"{name}.yaml"
    if not is_name(path.stem):
        raise ConfigError(f"--config {name}: {NAME_RULE}, since outputs lie under it; rename the file")
    return path


def require_version(version: str) -> None:
    """Refuse a ``--version`` that cannot be the name of one folder.

    Raises
    ------
    ConfigError
        If it has other characters, or is the name of the folder of jobs.
    """
    if not is_name(version) or version == "jobs":
        rule = "this folder is that of jobs" if version == "jobs" else f"{NAME_RULE}, since outputs lie under it"
        raise ConfigError(f"--version {version!r}: {rule}; choose another")


@functools.cache
def config(name: str) -> Config | EfficiencyConfig:
    """Return the configuration, read once per process, with ``training.precision`` resolved.

    Raises
    ------
    ConfigError
        If the file cannot be used.
    """
    given = snapshot()
    if given is not None:
        return schema_of(given.config).model_validate_json(json.dumps(given.config, allow_nan=False))
    path = config_path(name)
    if name == path.stem and not path.exists():
        known = ", ".join(sorted(p.stem for p in path.parent.glob("*.yaml")))
        raise ConfigError(
            f"--config {name}: no such file in configs/ (there are {known}); or give a path to a YAML file"
        )
    loaded = load(path)
    if isinstance(loaded, EfficiencyConfig):
        return loaded
    precision = resolve_precision(loaded.training.precision)
    return loaded.model_copy(update={"training": loaded.training.model_copy(update={"precision": precision})})


def debugging() -> bool:
    """Return whether errors are shown with their tracebacks: on request, and in logs of batch jobs."""
    return bool(os.environ.get("DEEPSF_DEBUG")) or in_job()


def in_job() -> bool:
    """Return whether this process is a batch job, which leaves alone what concerns all outputs."""
    return bool(os.environ.get(SNAPSHOT_VARIABLE))


def store_bytes() -> int:
    """Return how much the store of replaced outputs may hold under a version and configuration [bytes].

    Raises
    ------
    ConfigError
        If ``DEEPSF_STORE_GB`` is not a number of at least 0.
    """
    text = os.environ.get(STORE_VARIABLE) or "5"
    try:
        gigabytes = float(text)
    except ValueError:
        gigabytes = math.nan
    if not (gigabytes >= 0 and math.isfinite(gigabytes)):
        raise ConfigError(f"{STORE_VARIABLE} must be a number of at least 0, got {text!r}; correct or unset it")
    return round(gigabytes * 1e9)


def claim_stem(version: str, name: str) -> None:
    """Remember which file the outputs of a configuration's stem come from."""
    place = data() / version / config_path(name).stem / CLAIM
    if not is_claimed(version, name):
        write_json(place, {"file": name_of(config_path(name))})


def is_claimed(version: str, name: str) -> bool:
    """Return whether there are outputs of a configuration under a version.

    Raises
    ------
    ConfigError
        If those that are there come from another file of the same stem, or it is not known from which.
    """
    path = config_path(name)
    place = data() / version / path.stem / CLAIM
    if not place.exists():
        return False
    shown = name_of(path)
    with reading(place, ConfigError, f"remove it if the outputs beside it are those of {shown}"):
        owner = json.loads(place.read_text())["file"]
    if owner != shown:
        raise ConfigError(
            f"{shown}: outputs of version {version} under the name {path.stem!r} come from {owner}; "
            "rename one of the two files, or use another --version"
        )
    return True
