"""Write docs/tasks.md, all tasks and their parameters, from the tasks: ``python scripts/task_page.py``."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import law

from tasks.check import CheckCampaign
from tasks.clean import CleanOutputs
from tasks.framework.base import ConfigTask
from tasks.framework.registry import task_classes
from tasks.framework.workflows import Workflow
from tasks.new_campaign import NewCampaign
from tasks.status import ShowStatus

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "tasks.md"
HEAD = """# Tasks

Made by `python scripts/task_page.py` from the tasks themselves.

    law run TASK --version v1 [--config NAME|PATH] [parameters]

A task first runs everything that it requires. `ProduceDeepSFEnsemble` and `ProduceEfficiencyEnsemble` run all others
that the config asks for, except `RunPseudoExperiments`. Efficiency tasks use `efficiency_toy` by default, all others
`toy`. Outputs lie at `$DEEPSF_DATA/<version>/<config>/<task>/`.
"""
OF_ALL = ("version", "config", "workflow", "retries", "patience", "poll_interval", "tolerance", "accept_members")
OF_LAW = {
    "print_status": "`-1`: show what is missing or out of date in the whole tree, and run nothing",
    "remove_output": "`0,a`: remove the outputs of this task and stop",
    "tasks_per_job": "branches that one batch job runs",
    "parallel_jobs": "batch jobs in the queue at the same time; all by default",
}
OF_WORKFLOWS = {
    "branches": "only these branches, such as `0:5` or `3,7`",
    "cancel_jobs": "True: remove the jobs of this task from the queue, and stop",
}
REPORTS: tuple[type[law.Task], ...] = (NewCampaign, CheckCampaign, ShowStatus, CleanOutputs)


def text() -> str:
    """Return the page."""
    # those of this repository: tests define tasks of their own
    classes = {name: cls for name, cls in task_classes().items() if cls.__module__.startswith("tasks.")}
    by_module = sorted(classes.values(), key=lambda cls: (cls.__module__, inspect.getsourcelines(cls)[1]))
    of_efficiencies = {cls: ".efficiency." in cls.__module__ for cls in by_module}
    common = dict(ConfigTask.get_params())
    inherited = {*common, *dict(Workflow.get_params()), *dict(law.Task.get_params())}
    everything: tuple[type[law.Task], ...] = (*classes.values(), *REPORTS)
    own = [
        (f"`{cls.__name__}`", *_row(name, parameter))
        for cls in everything
        for name, parameter in cls.get_params()
        if name not in inherited
    ]
    parts = [
        HEAD,
        "## Parameters of all tasks\n",
        _table(("parameter", "default", ""), [*(_row(name, common[name]) for name in OF_ALL), *_given(OF_LAW, common)]),
        "\nTasks with branches, marked * below, also take\n",
        _table(("parameter", "default", ""), _given(OF_WORKFLOWS, dict(Workflow.get_params()))),
        "\n## Scale factors\n",
        _tasks(cls for cls in by_module if not of_efficiencies[cls]),
        "\n## Efficiencies\n",
        _tasks(cls for cls in by_module if of_efficiencies[cls]),
        "\n## Reports\n",
        _tasks(REPORTS),
        "\n## Parameters of single tasks\n",
        _table(("task", "parameter", "default", ""), sorted(own)),
    ]
    return "\n".join(parts) + "\n"


def _tasks(classes: Iterable[type[law.Task]]) -> str:
    rows = [
        (f"`{cls.__name__}`{' *' if issubclass(cls, Workflow) else ''}", _first_sentence(cls), f"`{cls.__module__}`")
        for cls in classes
    ]
    return _table(("task", "what it does", "module"), rows)


def _first_sentence(cls: type) -> str:
    return " ".join((inspect.getdoc(cls) or "").split("\n\n")[0].split()).replace("``", "`")


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


def _row(name: str, parameter: Any) -> tuple[str, str, str]:
    default = parameter._default if parameter.has_task_value("", name) else ""
    words = (parameter.description or "").split(" Choices:")[0]
    return f"`{_option(name)}`", f"`{default}`" if default != "" else "", words


def _given(words: dict[str, str], known: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return rows of law's own parameters, in words that are shorter than law's."""
    missing = set(words) - set(known)
    if missing:
        raise ValueError(f"law has no parameters {sorted(missing)} any more")
    return [(f"`{_option(name)}`", "", description) for name, description in words.items()]


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines)


if __name__ == "__main__":
    DOCUMENT.write_text(text(), encoding="utf-8")
