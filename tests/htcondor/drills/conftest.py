"""A drill: training and ensemble of a small campaign on the real pool, disturbed and compared with the undisturbed run.

Drills run from a copy of the checkout into which `faults.py` is put; the product has no hooks for tests.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
CHECKOUT = ("analysis", "tasks", "configs", "scripts", "setup.sh", "law.cfg", "pyproject.toml", "constraints.txt")
UPSTREAM = ("TuneGenerator", "GenerateNtuples", "SkimNtuples", "SampleInclusiveJets", "MeasureBinnedSF")
SUBMIT = """#!/bin/bash
# condor_submit, after which the driver dies if that was ordered
PATH="${PATH#*:}"
condor_submit "$@" || exit
if mv "$DEEPSF_DATA/faults/kill_after_submit" "$DEEPSF_DATA/faults/killed_after_submit" 2>/dev/null; then
    kill -9 -- "-$DRILL_DRIVER"
fi
"""
Value = TypeVar("Value")


class Driver:
    """A law process that drives a drill, in a session of its own, as a user's shell starts it."""

    def __init__(self, command: list[str | Path], env: dict[str, str], output: Path) -> None:
        self._output = output
        with output.open("w") as stream:
            self.process = subprocess.Popen(
                command, env=env, stdout=stream, stderr=subprocess.STDOUT, start_new_session=True
            )

    @property
    def terminal(self) -> str:
        """What the user has seen so far, without colours."""
        return re.sub(r"\x1b\[[0-9;]*m", "", self._output.read_text(errors="replace"))

    def wait(self, seconds: float = 180) -> int:
        """Return the exit status."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            pytest.fail(f"the driver did not end in {seconds} s:\n{self.terminal[-4000:]}")

    def kill(self, number: int) -> None:
        """Send a signal to the process that the user started, to no other, and see it end."""
        self.process.send_signal(number)
        assert self.wait(20) != 0

    def end(self) -> None:
        """Leave nothing of it behind, whatever happened."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Drill:
    """A campaign of its own on the pool."""

    def __init__(self, pool: Any, undisturbed: Any, checkout: Path, folder: Path) -> None:
        self.pool, self.undisturbed, self.checkout, self.folder = pool, undisturbed, checkout, folder
        self.data = folder / "data"
        self.outputs = self.data / "v1" / "tiny"
        self.n_members = 2
        self.sections: dict[str, Any] = {}
        self.drivers: list[Driver] = []
        (self.data / "faults").mkdir(parents=True)
        undisturbed.link(self.outputs, *UPSTREAM)

    # --- before

    def configure(self, n_members: int = 2, **sections: Any) -> None:
        """Write the configuration; checkpoints are as frequent as can be."""
        self.n_members = n_members
        batch = {"checkpoint_minutes": 0.005, "request_memory_mb": 1500} | sections.get("htcondor", {})
        self.sections = sections | {"htcondor": batch}
        path = self.folder / "tiny.yaml"
        self.undisturbed.write(path, self.sections | {"ensemble": {"n_members": n_members}})

    def fault(self, member: int, kind: str, value: Any = "") -> Path:
        """Order a fault; a kind that ends in _once happens once."""
        place = self.data / "faults" / f"{member}.{kind}"
        place.write_text(str(value))
        return place

    def start(self, *options: str, task: str = "AggregateDeepSF") -> Driver:
        """Start law."""
        path = f'PATH="{self.folder.parent}/bin:$PATH"'
        source = f'source "{self.checkout}/setup.sh" && {path} DRILL_DRIVER=$$ exec law "$@"'
        law = ["run", task, "--version", "v1", "--config", str(self.folder / "tiny.yaml")]
        law += ["--workflow", "htcondor", "--poll-interval", "1sec", *options]
        env = {k: v for k, v in self.pool.env.items() if k != "DEEPSF_BASE"}
        env |= {"DEEPSF_DATA": str(self.data), "DEEPSF_WORKERS": "2"}
        env.setdefault("DEEPSF_SOFTWARE", str(ROOT / ".software"))
        command = [self.checkout / "scripts" / "htcondor" / "pool.sh", "run", "bash", "-c", source, "law", *law]
        driver = Driver(command, env, self.folder / f"terminal_{len(self.drivers)}.txt")
        self.drivers.append(driver)
        return driver

    def run(self, *options: str, task: str = "AggregateDeepSF") -> Driver:
        """Run law to its end, which must be a good one."""
        driver = self.start(*options, task=task)
        assert driver.wait() == 0, driver.terminal[-6000:]
        return driver

    # --- during

    def wait(self, what: str, condition: Callable[[], Value], seconds: float = 90) -> Value:
        """Return the first true value of ``condition``."""
        deadline = time.monotonic() + seconds
        while not (value := condition()):
            if time.monotonic() > deadline:
                seen = self.drivers[-1].terminal[-4000:] if self.drivers else ""
                pytest.fail(f"waited {seconds} s for {what}; {self.record()}; {self.pool.queue()}\n{seen}")
            time.sleep(0.1)
        return value

    def record(self, event: str = "begin", member: int | None = None) -> list[dict[str, Any]]:
        """Return what trainings said."""
        place = self.data / "trainings.log"
        lines = place.read_text().splitlines() if place.exists() else []
        said = [json.loads(line) for line in lines]
        return [line for line in said if line["event"] == event and member in (None, line["member"])]

    def jobs(self, status: int) -> list[str]:
        """Return the drill's jobs of a status (1: idle, 2: running)."""
        lines = self.pool.ask("condor_q", "-constraint", f"JobStatus == {status}", "-af:j", "Iwd")
        return sorted(job for job, folder in (line.split() for line in lines) if folder.startswith(str(self.data)))

    def begun(self, member: int, times: int = 1) -> dict[str, Any]:
        """Wait until a member's training has begun for the n-th time; return process and job."""
        return self.wait(f"training {times} of member {member}", lambda: self.record("begin", member)[times - 1 :])[0]

    def checkpointed(self, member: int) -> dict[str, Any]:
        """Wait until a member has saved its state after some steps; return process and job."""
        place = self.outputs / "TrainDeepSF" / f".checkpoint_{member}.safetensors"
        self.wait(f"checkpoint of member {member}", place.exists)
        return self.record("begin", member)[-1]

    def trainings(self) -> dict[int, int]:
        """Return how often the training of each member was begun."""
        return dict(sorted(Counter(line["member"] for line in self.record()).items()))

    def forget_trainings(self) -> None:
        """Count from here."""
        (self.data / "trainings.log").unlink()

    def resumed(self, member: int) -> list[bool]:
        """Return for each training of a member that came to a step whether it went on from a checkpoint."""
        return [line["step"] > 1 for line in self.record("first_step", member)]

    # --- after

    def wrong(self, *tasks: str) -> list[str]:
        """Return the artefacts (of all tasks or some) that count as complete and are not as in the undisturbed run."""
        reference = self.undisturbed.reference(self.n_members, self._for_reference())
        found = []
        for name, content in reference.items():
            if tasks and name.partition("/")[0] not in tasks:
                continue
            path = self.outputs / name
            manifest = path.with_name(f".{path.name}.manifest.json")
            if manifest.exists() and path.exists():
                sealed, status = json.loads(manifest.read_text()), path.stat()
                is_sealed = (sealed["size"], sealed["mtime_ns"]) == (status.st_size, status.st_mtime_ns)
                if is_sealed and path.read_bytes() != content:
                    found.append(name)
        return found

    def assert_as_undisturbed(self) -> None:
        """All artefacts are there and are those of the undisturbed run, no part is left, and no job."""
        reference = self.undisturbed.reference(self.n_members, self._for_reference())
        made = {
            f"{path.parent.name}/{path.name}": path.read_bytes()
            for task in ("TrainDeepSF", "AggregateDeepSF")
            for path in (self.outputs / task).glob("*")
            if path.is_file() and not path.name.startswith(".")
        }
        assert sorted(made) == sorted(reference)
        assert [name for name in made if made[name] != reference[name]] == []
        left = [path.name for path in self.outputs.rglob(".*") if re.match(r"\.(part-|checkpoint_)", path.name)]
        assert left == []
        self.wait("an empty queue", lambda: not self.pool.queue(), 20)

    def _for_reference(self) -> dict[str, Any]:
        return {name: values for name, values in self.sections.items() if name != "htcondor"}

    def end(self) -> None:
        """Stop what still runs."""
        for number, driver in enumerate(self.drivers):
            driver.end()
            print(f"--- what driver {number} said\n{driver.terminal}")  # pytest shows it if the drill failed
        self.pool.run(["condor_rm", "-all"])
        for order in ("full_disk", "hidden"):
            (self.pool.orders / order).unlink(missing_ok=True)
        self.wait("an empty queue", lambda: not self.pool.queue(), 60)


@pytest.fixture(scope="session")
def checkout(htcondor_pool: Any) -> Path:
    """Return a copy of the checkout with faults on demand."""
    copy = htcondor_pool.folder / "checkout"
    copy.mkdir()
    for name in CHECKOUT:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, copy / name)
    shutil.copy2(HERE / "faults.py", copy / "sitecustomize.py")
    return copy


@pytest.fixture(scope="session")
def new_drill(htcondor_pool: Any, undisturbed: Any, checkout: Path) -> Callable[[str], Drill]:
    """Return a function that makes a drill of a name."""
    drills = htcondor_pool.folder / "drills"
    (drills / "bin").mkdir(parents=True)
    submit = drills / "bin" / "condor_submit"
    submit.write_text(SUBMIT)
    submit.chmod(0o755)
    return lambda name: Drill(htcondor_pool, undisturbed, checkout, drills / name)


def _name(item: pytest.Item) -> str:
    """Return a drill's name: test_job[condor_rm] is condor_rm, test_driver[sigterm] is driver_sigterm."""
    return re.sub(r"^test_(job\[)?|\]$", "", item.name).replace("[", "_")


@pytest.fixture
def drill(new_drill: Callable[[str], Drill], request: pytest.FixtureRequest) -> Iterator[Drill]:
    """Return a campaign of two members on the pool; nothing of it is left afterwards."""
    made = new_drill(_name(request.node))
    made.configure()
    yield made
    made.end()
    request.node.user_properties.append(("trainings", sum(made.trainings().values())))
    shutil.rmtree(made.folder)


# --- drills.json

_report: dict[str, dict[str, Any]] = {}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Note what became of each drill."""
    report = yield
    if item.get_closest_marker("drills"):
        entry = _report.setdefault(_name(item), {"passed": True, "seconds": 0, "trainings": 0})
        entry["passed"] &= report.passed
        entry["trainings"] = dict(item.user_properties).get("trainings", 0)
        if call.when == "call":
            entry["seconds"] = round(call.duration, 1)
    return report


def pytest_sessionfinish() -> None:
    """Write $DEEPSF_DATA/drills.json."""
    if _report:
        place = Path(os.environ.get("DEEPSF_DATA") or ROOT / "data") / "drills.json"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps(_report, indent=1) + "\n")
