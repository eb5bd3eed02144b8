"""`ConfiguredTask`: which campaign a task belongs to, and what of its configuration the task may read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import luigi

from tasks.framework import settings
from tasks.framework.abstract import only_inherited
from tasks.framework.configuration import covers, value_of
from tasks.framework.options import WorkflowOptions


@only_inherited
class ConfiguredTask(WorkflowOptions):
    """A task of one version of a campaign."""

    version = luigi.Parameter(description="name of this set of outputs; part of every path")
    config = luigi.Parameter(default="toy", description="campaign: a name in configs/ or a path to a YAML file")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.check()

    def check(self) -> None:
        """Refuse what cannot work as soon as the task is asked for, before anything runs.

        Raises
        ------
        ConfigError
            If the configuration cannot be used.
        """
        settings.config(self.config)

    def config_keys(self) -> tuple[str, ...]:
        """Return the keys of the configuration that `run` may read, as ``section`` or ``section.key``: its inputs."""
        return ()

    def cfg(self, key: str) -> Any:
        """Return a section or value of the configuration.

        Raises
        ------
        KeyError
            If ``key`` is not covered by `config_keys`: an undeclared read would be missing in the manifest.
        """
        keys = self.config_keys()
        if not covers(keys, key):
            raise KeyError(f"{self.task_family} reads {key!r}, which is not in its config_keys {keys}")
        return self.plan_cfg(key)

    def plan_cfg(self, key: str) -> Any:
        """Return configuration that decides which outputs there are, not what is in them; never for `run`."""
        return value_of(settings.config(self.config), key)

    def folder(self) -> Path:
        """Return the folder of this task's outputs."""
        return settings.data() / str(self.version) / settings.config_path(self.config).stem / self.task_family
