"""Faults on demand, and a record of every training; copied as ``sitecustomize.py`` into the root of a checkout.

setup.sh puts the checkout on the Python path, so every Python of drivers and jobs imports this at its start; the
product has no hooks for tests. A fault of a member is a file ``$DEEPSF_DATA/faults/<member>.<kind>`` that holds its
value; one whose name ends in ``_once`` is taken by the first training that finds it. ``$DEEPSF_DATA/trainings.log``
has a JSON line when a training begins, at its first step, and at its end.

=============  ===========================================================================
raise          the training raises
no_output      the process ends with exit code 0 before anything is written
sleep          seconds to wait before the training
memory_mb      memory to hold for as long as the fault ``memory_s`` says, before the training
slow_step      seconds to wait after each step
=============  ===========================================================================
"""

from __future__ import annotations

import functools
import importlib.abc
import importlib.machinery
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

DATA = Path(os.environ.get("DEEPSF_DATA", "/nonexistent"))


class Training:
    """The training that runs in this process."""

    def __init__(self, member: int) -> None:
        self.member = member
        self.stepped = False
        self.say("begin", job=_job_id(), credential=_credential())
        self.pause_s = float(self.order("slow_step") or 0)

    def say(self, event: str, **values: Any) -> None:
        """Add a line to the record, in one write: several processes do so at once."""
        line = json.dumps({"event": event, "member": self.member, "pid": os.getpid(), **values})
        with (DATA / "trainings.log").open("a") as record:
            record.write(line + "\n")

    def order(self, kind: str) -> str | None:
        """Return the value of a fault, None if it is not ordered."""
        place = DATA / "faults" / f"{self.member}.{kind}"
        once = place.with_name(f"{place.name}_once")
        taken = once.with_name(f"{once.name}.{os.getpid()}")
        try:
            once.rename(taken)
        except FileNotFoundError:
            return place.read_text() if place.exists() else None
        return taken.read_text()

    def before(self) -> None:
        """Do what is ordered for the start of the training."""
        time.sleep(float(self.order("sleep") or 0))
        megabytes = self.order("memory_mb")
        if megabytes is not None:
            held = bytearray(os.urandom(1 << 20) * int(megabytes))
            time.sleep(float(self.order("memory_s") or 0))
            del held
        if self.order("no_output") is not None:
            os._exit(0)
        words = self.order("raise")
        if words is not None:
            raise RuntimeError(words)

    def after_step(self, step: int) -> None:
        """Say at which step a training started: above 1 it was resumed."""
        if not self.stepped:
            self.stepped = True
            self.say("first_step", step=step)
        if self.pause_s:
            time.sleep(self.pause_s)


_running: list[Training] = []


def _job_id() -> str:
    ad = os.environ.get("_CONDOR_JOB_AD")
    if ad is None:
        return ""
    values = dict(line.split(" = ", 1) for line in Path(ad).read_text().splitlines() if " = " in line)
    return f"{values['ClusterId']}.{values['ProcId']}"


def _credential() -> str:
    proxy = os.environ.get("X509_USER_PROXY")
    return Path(proxy).read_text() if proxy and Path(proxy).is_file() else ""


def _watch_tasks(module: ModuleType) -> None:
    trained = module.TrainDeepSF.run

    @functools.wraps(trained)
    def run(self: Any) -> Any:
        if self.complete():
            return trained(self)
        training = Training(self.branch)
        _running[:] = [training]
        training.before()
        result = trained(self)
        training.say("end")
        return result

    module.TrainDeepSF.run = run


def _watch_steps(module: ModuleType) -> None:
    class Progress(module.Progress):  # the engine makes one at every step
        def __new__(cls, *args: Any, **kwargs: Any) -> Any:
            made = super().__new__(cls, *args, **kwargs)
            if _running:
                _running[0].after_step(made.step)
            return made

    module.Progress = Progress


CHANGES: dict[str, Callable[[ModuleType], None]] = {
    "tasks.deepsf": _watch_tasks,
    "deepsf.training.engine": _watch_steps,
}


class _AfterImport(importlib.abc.MetaPathFinder):
    """Change modules as soon as they are imported."""

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        if name not in CHANGES:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        assert spec is not None
        assert spec.loader is not None
        execute = spec.loader.exec_module

        def execute_and_change(module: ModuleType) -> None:
            execute(module)
            CHANGES[name](module)

        spec.loader.exec_module = execute_and_change  # type: ignore[method-assign]
        return spec


if DATA.is_dir():
    sys.meta_path.insert(0, _AfterImport())
