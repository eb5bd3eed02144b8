"""Which tasks there are, and reports, which make no artefact."""

from __future__ import annotations

import importlib
import inspect
from typing import Any

import law

from tasks.framework.abstract import only_inherited
from tasks.framework.base import ConfigTask


@only_inherited
class Report(ConfigTask):
    """A task that prints and makes nothing; it is complete once it ran in this process."""

    ran = False

    def output(self) -> Any:
        return []

    def complete(self) -> bool:
        return self.ran


def task_classes() -> dict[str, type[ConfigTask]]:
    """Return by name the tasks that make something: those of the modules in law.cfg, and what else was imported."""
    for module in law.config.options("modules"):
        importlib.import_module(module)
    classes: dict[str, type[ConfigTask]] = {}
    left = [ConfigTask]
    while left:
        cls = left.pop()
        left += cls.__subclasses__()
        if not (cls.exclude_index or inspect.isabstract(cls) or issubclass(cls, Report)):
            classes[cls.get_task_family()] = cls
    return classes
