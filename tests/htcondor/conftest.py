"""A real HTCondor pool of two slots for the tests of this folder."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "scripts" / "htcondor"
INSTALL_SECONDS = 300
START_SECONDS = 120


class HTCondorPool:
    """A running pool; ``folder`` has room for files that its jobs see."""

    def __init__(self, env: dict[str, str], folder: Path) -> None:
        self.env = env
        self.folder = folder

    def run(self, command: list[str], **kwargs: Any) -> subprocess.CompletedProcess[str]:
        """Run ``command`` as a user of the pool, output captured; keywords as for ``subprocess.run``."""
        options: dict[str, Any] = {"env": self.env, "capture_output": True, "text": True, "check": False}
        return subprocess.run([SCRIPTS / "pool.sh", "run", *command], **(options | kwargs))


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
    software = Path(os.environ.get("DEEPSF_SOFTWARE") or ROOT / ".software")
    software.mkdir(parents=True, exist_ok=True)
    # not pytest's tmp_path: sockets need a short path
    folder = Path(tempfile.mkdtemp(prefix="deepsf-"))
    env = dict(os.environ)
    env |= {
        "HTCONDOR_PREFIX": str(software / "htcondor"),
        "HTCONDOR_POOL": str(folder / "pool"),
        "HTCONDOR_SLOTS": "2",
    }
    try:
        with (software / ".htcondor.lock").open("w") as lock:  # two test runs at once
            fcntl.flock(lock, fcntl.LOCK_EX)
            _call([SCRIPTS / "install.sh", env["HTCONDOR_PREFIX"]], env, INSTALL_SECONDS)
        try:
            _call([SCRIPTS / "pool.sh", "start"], env, START_SECONDS)
            yield HTCondorPool(env, folder)
        finally:
            subprocess.run([SCRIPTS / "pool.sh", "stop"], env=env, capture_output=True, check=False)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
