"""`ShowStatus`: which outputs are up to date, and why the others are not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import nullcontext
from typing import NamedTuple

import law
import luigi
from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from deepsf.config import ConfigError, EfficiencyConfig
from tasks.framework import settings
from tasks.framework.base import ConfigTask
from tasks.framework.provenance import verifying
from tasks.framework.registry import Report, task_classes
from tasks.framework.targets import ProvenanceTarget, leaves

ABSENT = "absent"
SHOWN = 3
"""Reasons shown for a workflow, the most frequent ones."""
_COLOURS = {"up to date": "green", ABSENT: "red", "stale": "yellow"}


class ShowStatus(Report):
    """Prints the state of a task and of all that it requires, with the reasons; runs nothing.

    ``law run ShowStatus --version v1 [--config NAME] [--task NAME] [--verify]``
    """

    task = luigi.Parameter(default="", description="where the tree begins; the campaign's main job by default")
    verify = luigi.BoolParameter(
        default=False, description="digest all outputs and input files: finds what a bad disk has changed"
    )
    config = luigi.Parameter(default="", description=f"{ConfigTask.config.description}; by default that of the task")

    def check(self) -> None:
        if self.config:
            super().check()

    def top(self) -> ConfigTask:
        """Return the task that the tree begins with.

        Raises
        ------
        ConfigError
            If there is none of the name that was given.
        """
        of_efficiencies = self.config and isinstance(settings.config(self.config), EfficiencyConfig)
        name = self.task or ("ProduceEfficiencyEnsemble" if of_efficiencies else "ProduceDeepSFEnsemble")
        classes = task_classes()
        if name not in classes:
            raise ConfigError(f"--task {name}: there is no such task; there are {', '.join(sorted(classes))}")
        return classes[name].req(self, **({} if self.config else {"_exclude": "config"}))

    def run(self) -> None:
        seen: dict[str, State] = {}
        with ProvenanceTarget.one_question(), verifying() if self.verify else nullcontext():
            tree = _tree(self.top(), seen)
        console = Console()
        if not console.is_terminal:
            console.width = 1000  # a line a task, for grep
        console.print(tree, highlight=False)
        n_done = sum(state.is_done for state in seen.values())
        console.print(f"{n_done} of {len(seen)} tasks are up to date", highlight=False)
        self.ran = True


class State(NamedTuple):
    """How many branches of a task are up to date, and why the others are not: number of branches by reason."""

    n_done: int
    n_branches: int
    is_workflow: bool
    reasons: Counter[str]

    @property
    def is_done(self) -> bool:
        """Whether all branches are up to date."""
        return self.n_done == self.n_branches

    @property
    def word(self) -> str:
        """State in a word: up to date, absent or stale."""
        if self.is_done:
            return "up to date"
        return ABSENT if set(self.reasons) == {ABSENT} else "stale"

    @property
    def summary(self) -> str:
        """The word, for a workflow with the number of branches that are up to date."""
        return f"{self.word} ({self.n_done}/{self.n_branches})" if self.is_workflow else self.word

    @property
    def words(self) -> str:
        """The summary with the reasons, the most frequent first."""
        if self.word != "stale":
            return self.summary
        if not self.is_workflow or len(self.reasons) == 1:
            return f"{self.summary}: {'; '.join(self.reasons)}"
        shown = [f"{count} of {self.n_branches}: {why}" for why, count in self.reasons.most_common(SHOWN)]
        more = f"; and {len(self.reasons) - SHOWN} more" if len(self.reasons) > SHOWN else ""
        return f"{self.summary}: {'; '.join(shown)}{more}"


def units(task: ConfigTask) -> list[ConfigTask]:
    """Return the branches of a workflow, or the task itself."""
    if isinstance(task, law.BaseWorkflow) and task.is_workflow():
        return list(task.get_branch_tasks().values())
    return [task]


def state_of(task: ConfigTask) -> State:
    """Return whether a task is up to date, or how many of its branches are, and the reasons."""
    parts = units(task)
    reasons = [_reasons(leaves(part.output())) for part in parts]
    n_done = sum(not of_part for of_part in reasons)
    return State(n_done, len(parts), parts != [task], Counter(reason for of_part in reasons for reason in of_part))


def _reasons(outputs: Iterable[ProvenanceTarget]) -> list[str]:
    whys = (target.why_stale() if target.is_written() else ABSENT for target in outputs)
    return list(dict.fromkeys(why for why in whys if why is not None))


def _tree(task: ConfigTask, seen: dict[str, State]) -> Tree:
    """Return a task with all that it requires; what was shown before is not opened again."""
    family = task.task_family
    if family in seen:
        return Tree(_line(family, seen[family], f"{seen[family].summary}, see above"))
    seen[family] = state_of(task)
    tree = Tree(_line(family, seen[family], seen[family].words))
    required = (other for other in law.util.flatten(task.requires()) if isinstance(other, ConfigTask))
    for other in {other.task_family: other for other in required}.values():
        tree.children.append(_tree(other, seen))
    return tree


def _line(family: str, state: State, words: str) -> Text:
    return Text.assemble((family, "bold"), " ", (words, _COLOURS[state.word]))
