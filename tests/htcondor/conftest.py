"""A real HTCondor pool of two slots, and what an undisturbed local run makes, for the tests of this folder."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "scripts" / "htcondor"
SOFTWARE = Path(os.environ.get("DEEPSF_SOFTWARE") or ROOT / ".software")
INSTALL_SECONDS = 300
START_SECONDS = 120
N_MEMBERS = 4
BEFORE_TRAINING = (
    "TuneGenerator",
    "GenerateNtuples",
    "SkimNtuples",
    "ReportCutFlow",
    "SampleInclusiveJets",
    "MeasureBinnedSF",
)
# what a job is started through; the files beside it are orders of a test, a `mv` takes an order once. Only root can
# mount: the job becomes root in a namespace of its own, and an ordinary user again
JOB_WRAPPER = """#!/bin/sh
PATH=/usr/sbin:/usr/bin:/sbin:/bin
orders="${0%/*}"
inside='
for folder in $1; do mount -t tmpfs -o size=4k none "$folder" || exit 9; done
user="$2" group="$3"; shift 3; exec unshare --user --map-user="$user" --map-group="$group" "$@"'
over() { folders="$(cat "$1")"; shift; user="$(id -u)" group="$(id -g)"
    exec unshare --user --map-root-user --mount sh -c "$inside" sh "$folders" "$user" "$group" "$@"; }
if mv "$orders/full_disk" "$orders/full_disk.taken" 2>/dev/null; then
    over "$orders/full_disk.taken" "$@"
elif [ -e "$orders/hidden" ]; then
    over "$orders/hidden" "$@"
fi
exec "$@"
"""


class HTCondorPool:
    """A running pool; ``folder`` has room for files that its jobs see, ``orders`` is read by every job's start."""

    def __init__(self, env: dict[str, str], folder: Path) -> None:
        self.env = env
        self.folder = folder
        self.orders = folder / "orders"

    def run(self, command: list[str], **kwargs: Any) -> subprocess.CompletedProcess[str]:
        """Run ``command`` as a user of the pool, output captured; keywords as for ``subprocess.run``."""
        options: dict[str, Any] = {"env": self.env, "capture_output": True, "text": True, "check": False}
        return subprocess.run([SCRIPTS / "pool.sh", "run", *command], **(options | kwargs))

    def ask(self, *command: str) -> list[str]:
        """Return the lines that a command of HTCondor prints; it must succeed."""
        done = self.run(list(command))
        assert done.returncode == 0, f"{command}: {done.stderr or done.stdout}"
        return done.stdout.splitlines()

    def queue(self) -> dict[str, int]:
        """Return the jobs that have not left the queue, with their status."""
        lines = self.ask("condor_q", "-allusers", "-af:j", "JobStatus")
        return {job: int(status) for job, status in (line.split() for line in lines)}

    @property
    def master(self) -> int:
        """Number of the process that starts all others of the pool."""
        return int((Path(self.env["HTCONDOR_POOL"]) / "log" / "master.pid").read_text())

    @staticmethod
    def processes(*roots: int) -> dict[int, str]:
        """Return all living descendants of some processes, with their names."""
        parents: dict[int, tuple[int, str]] = {}
        for place in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):  # it ended meanwhile
                head, tail = place.read_text().rsplit(")", 1)
                number, name = head.split(" (", 1)
                state, parent = tail.split()[:2]
                if state != "Z":
                    parents[int(number)] = (int(parent), name)
        found: set[int] = set()
        while new := {n for n, (parent, _) in parents.items() if parent in found.union(roots)} - found:
            found |= new
        return {number: parents[number][1] for number in found}

    @contextmanager
    def occupied(self) -> Iterator[Callable[[], None]]:
        """Keep every slot busy with something else until what is yielded is called: jobs stay idle."""
        slots = int(self.env["HTCONDOR_SLOTS"])
        submit = "executable = /bin/sleep\narguments = 600\nrequest_memory = 10\npriority = 10\nqueue"
        done = self.run(["condor_submit", "-terse", "/dev/stdin"], input=f"{submit} {slots}\n")
        assert done.returncode == 0, done.stderr
        cluster = done.stdout.split(".")[0]

        def release() -> None:
            self.run(["condor_rm", cluster])

        try:
            deadline = time.monotonic() + 60
            while [s for job, s in self.queue().items() if job.startswith(f"{cluster}.")] != [2] * slots:
                assert time.monotonic() < deadline, self.queue()
                time.sleep(0.3)
            yield release
        finally:
            release()


def _unavailable(reason: str) -> None:
    if os.environ.get("DEEPSF_REQUIRE_HTCONDOR") == "1":
        pytest.fail(f"DEEPSF_REQUIRE_HTCONDOR=1, but there is no pool: {reason}")
    pytest.skip(f"no HTCondor pool: {reason}")


def _call(command: list[str | Path], env: dict[str, str], seconds: int) -> None:
    """Run one of our scripts; without success there is no pool, and its words say why."""
    try:
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        _unavailable(f"{Path(command[0]).name} took more than {seconds} s")
    else:
        if done.returncode != 0:
            _unavailable(done.stderr.strip() or done.stdout.strip())


@pytest.fixture(scope="session")
def htcondor_pool() -> Iterator[HTCondorPool]:
    """Start a pool of two slots, installed once below DEEPSF_SOFTWARE.

    Where there can be none, its tests are skipped with the reason, or fail if DEEPSF_REQUIRE_HTCONDOR=1.
    """
    SOFTWARE.mkdir(parents=True, exist_ok=True)
    # not pytest's tmp_path: sockets need a short path
    folder = Path(tempfile.mkdtemp(prefix="deepsf-"))
    env = dict(os.environ)
    env |= {
        "HTCONDOR_PREFIX": str(SOFTWARE / "htcondor"),
        "HTCONDOR_POOL": str(folder / "pool"),
        "HTCONDOR_SLOTS": "2",
    }
    pool = HTCondorPool(env, folder)
    try:
        pool.orders.mkdir()
        wrapper = pool.orders / "job_wrapper"
        wrapper.write_text(JOB_WRAPPER)
        wrapper.chmod(0o755)
        (folder / "pool").mkdir()
        (folder / "pool" / "local.conf").write_text(f"USER_JOB_WRAPPER = {wrapper}\n")
        with (SOFTWARE / ".htcondor.lock").open("w") as lock:  # two test runs at once
            fcntl.flock(lock, fcntl.LOCK_EX)
            _call([SCRIPTS / "install.sh", env["HTCONDOR_PREFIX"]], env, INSTALL_SECONDS)
        try:
            _call([SCRIPTS / "pool.sh", "start"], env, START_SECONDS)
            yield pool
        finally:
            subprocess.run([SCRIPTS / "pool.sh", "stop"], env=env, capture_output=True, check=False)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Undisturbed:
    """A campaign run locally from its start to the ensemble, without faults: what every other run must come to."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._references: dict[str, dict[str, bytes]] = {}
        self.outputs = folder / "all" / "data" / "v1" / "tiny"
        self._run(folder / "all", {"ensemble": {"n_members": N_MEMBERS}}, "ReportCutFlow", "AggregateDeepSF")

    @staticmethod
    def write(path: Path, sections: dict[str, Any]) -> None:
        """Write a configuration that extends tiny.yaml."""
        tree = {"extends": str(ROOT / "tests" / "workflow" / "tiny.yaml"), **sections}
        path.write_text(yaml.safe_dump(tree))

    def link(self, outputs: Path, *tasks: str) -> None:
        """Put the outputs of tasks into another folder; files are replaced and never changed, so links do."""
        for task in tasks:
            shutil.copytree(self.outputs / task, outputs / task, copy_function=os.link, dirs_exist_ok=True)

    def reference(self, n_members: int, sections: dict[str, Any]) -> dict[str, bytes]:
        """Return artefacts of training and ensemble by ``Task/file``, for an ensemble of another size or an edit."""
        name = yaml.safe_dump([n_members, sections])
        if name not in self._references:
            folder = self._folder / str(len(self._references))
            outputs = folder / "data" / "v1" / "tiny"
            self.link(outputs, *BEFORE_TRAINING)
            training = outputs / "TrainDeepSF"
            training.mkdir()
            for member in range(n_members):
                for path in (self.outputs / "TrainDeepSF").glob(f"*_{member}.*"):
                    os.link(path, training / path.name)
            self._run(folder, sections | {"ensemble": {"n_members": n_members}}, "AggregateDeepSF")
            self._references[name] = artefacts(outputs)
        return self._references[name]

    def _run(self, folder: Path, sections: dict[str, Any], *tasks: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.write(folder / "tiny.yaml", sections)
        env = os.environ | {"DEEPSF_DATA": str(folder / "data"), "DEEPSF_WORKERS": "2"}
        for task in tasks:
            command = f'source "{ROOT}/setup.sh" && law run {task} --version v1 --config "{folder}/tiny.yaml"'
            done = subprocess.run(["bash", "-c", command], env=env, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def artefacts(outputs: Path) -> dict[str, bytes]:
    """Return the content of all that training and ensemble made, by ``Task/file``."""
    found = [path for task in ("TrainDeepSF", "AggregateDeepSF") for path in (outputs / task).glob("*")]
    visible = (path for path in found if path.is_file() and not path.name.startswith("."))
    return {f"{path.parent.name}/{path.name}": path.read_bytes() for path in visible}


@pytest.fixture(scope="session")
def undisturbed(htcondor_pool: HTCondorPool) -> Undisturbed:
    """Return the undisturbed campaign, run once."""
    return Undisturbed(htcondor_pool.folder / "undisturbed")
