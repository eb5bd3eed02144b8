"""What a task may read of its configuration: declared keys, each a ``section`` or ``section.key``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import luigi
from pydantic import BaseModel

from deepsf.config import Config, ConfigError, EfficiencyConfig
from tasks.framework import settings
from tasks.framework.abstract import only_inherited
from tasks.framework.options import WorkflowOptions

AnyConfig = Config | EfficiencyConfig

_plain_values: dict[tuple[int, str], tuple[AnyConfig, Any]] = {}


@only_inherited
class ConfiguredTask(WorkflowOptions):
    """A task of one version of a campaign."""

    version = luigi.Parameter(description="name of this set of outputs; part of every path")
    config = luigi.Parameter(default="toy", description="campaign: a name in configs/ or a path to a YAML file")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        settings.require_version(str(self.version))
        self.check()

    def check(self) -> None:
        """Refuse what cannot work, by a ConfigError, as soon as the task is asked for, before anything runs."""
        settings.config(self.config)

    @property
    def config_keys(self) -> tuple[str, ...]:
        """Keys of the configuration that `run` may read, as ``section`` or ``section.key``: its inputs."""
        return ()

    def cfg(self, key: str) -> Any:
        """Return a section or value of the configuration.

        Raises
        ------
        KeyError
            If ``key`` is not covered by `config_keys`: an undeclared read would be missing in the manifest.
        """
        keys = self.config_keys
        if not covers(keys, key):
            raise KeyError(f"{self.task_family} reads {key!r}, which is not in its config_keys {keys}")
        return self.plan_cfg(key)

    def plan_cfg(self, key: str) -> Any:
        """Return configuration that decides which outputs there are, not what is in them; never for `run`."""
        return value_of(settings.config(self.config), key)

    def folder(self) -> Path:
        """Return the folder of this task's outputs."""
        return settings.data() / str(self.version) / settings.config_path(self.config).stem / self.task_family


def value_of(config: AnyConfig, key: str) -> Any:
    """Return a section or value.

    Raises
    ------
    ConfigError
        If there is none; the message says what kind of configuration this is.
    """
    value: Any = config
    parts = key.split(".")
    for number, part in enumerate(parts):
        if value is None or (value is config and part not in type(config).model_fields):
            raise ConfigError(f"the configuration has no {key}: {_why_absent(config, '.'.join(parts[:number]))}")
        value = value[part] if isinstance(value, dict) else getattr(value, part)
    return value


def plain_value_of(config: AnyConfig, key: str) -> Any:
    """Return a section or value as JSON has it; worked out once for all branches."""
    known = _plain_values.get((id(config), key))
    if known is None or known[0] is not config:
        known = _plain_values[id(config), key] = (config, _plain(value_of(config, key)))
    return known[1]


def covers(keys: tuple[str, ...], key: str) -> bool:
    """Return whether a key is one of ``keys`` or lies in a section that is."""
    return any(key == declared or key.startswith(f"{declared}.") for declared in keys)


def _why_absent(config: AnyConfig, section: str) -> str:
    """Return in words what a configuration without a section is, and the way out; "" stands for the whole file."""
    if section not in ("", "efficiency"):
        return f"it has no section {section}; write that, or choose another with --config"
    kind = "of efficiencies alone" if isinstance(config, EfficiencyConfig) else "without efficiencies"
    return f"it is one {kind}; choose another with --config"


def local_file(path: str) -> str:
    """Return a path of a configuration on this machine."""
    return str(settings.local(settings.resolve(path)))


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value
