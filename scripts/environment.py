"""Make DeepSF's virtual environment or bring it up to date; called by setup.sh, needs the standard library only.

    <what setup.sh wants> | python environment.py VENV

Standard input is the stamp that describes the environment: the torch switch in its first line, the place in the second,
then pyproject.toml and constraints.txt. It is written into the environment at the very end, so an environment whose
stamp differs is out of date, and one whose stamp is empty was interrupted.
"""

from __future__ import annotations

import fcntl
import os
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BASE = Path(__file__).resolve().parents[1]
STAMP = "deepsf-environment"
LOG_LINES_SHOWN = 12
FIRST_LINE_MAX = 127


class InstallError(Exception):
    """The environment cannot be made; the message tells the way out."""


def say(message: str) -> None:
    """Print one line for the user; standard output is left to the user's own commands."""
    print(f"DeepSF: {message}", file=sys.stderr, flush=True)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file ``path``; the system frees it when the process ends, however it ends."""
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another shell installs into {path.parent}, waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError as error:  # a file system without locks
            say(f"{path.parent} cannot be locked ({error}); do not set up from two shells at once")
        yield


def requirements() -> list[str]:
    """Return what pyproject.toml asks for: all extras, and development tools, for the tests are part of the product."""
    content = tomllib.loads((BASE / "pyproject.toml").read_text())
    project = content["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values(), content["dependency-groups"]["dev"]]
    # extras name each other as deepsf[...]; the checkout itself is not installed
    return [wanted for group in groups for wanted in group if not wanted.startswith(f"{project['name']}[")]


def run(command: list[str], log: Path) -> None:
    """Run ``command`` with its output in ``log``.

    Raises
    ------
    InstallError
        If it fails: the last lines of its output and what to do.
    """
    private = ("PYTHONPATH", "PYTHONHOME", "PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_CONSTRAINT")
    env = {name: value for name, value in os.environ.items() if name not in private}
    with log.open("a") as output:
        output.write(f"$ {shlex.join(command)}\n")
        output.flush()
        status = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=env, check=False
        ).returncode
    if status != 0:
        tail = "\n".join(f"    {line}" for line in log.read_text().splitlines()[-LOG_LINES_SHOWN:])
        raise InstallError(
            f"the installation failed, with\n{tail}\n(all of it: {log}).\n"
            "Look for no network, a full disk, a package that this Python or machine has no build of; "
            "where Python came without venv (Debian, Ubuntu), install python3-venv. "
            "Then source setup.sh again: it starts over."
        )


def install(venv: Path, torch: str, log: Path) -> None:
    """Install the requirements into the existing environment ``venv``.

    Parameters
    ----------
    venv
        A virtual environment with pip.
    torch
        Empty for the pinned torch; else arguments of ``pip install`` that choose another build.
    log
        File to which pip's output goes.
    """
    pins = (BASE / "constraints.txt").read_text().splitlines()
    if torch:
        pins = [pin for pin in pins if not pin.startswith("torch==")]
    constraints, wanted = venv / "constraints.txt", venv / "requirements.txt"
    constraints.write_text("\n".join(pins) + "\n")
    wanted.write_text("\n".join(requirements()) + "\n")
    pip = [str(venv / "bin" / "python"), "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
    pip += ["--constraint", str(constraints)]
    run([*pip, "pip"], log)
    if torch:
        run([*pip, *shlex.split(torch)], log)
    run([*pip, "--requirement", str(wanted)], log)
    repair_scripts(venv)


def repair_scripts(venv: Path) -> None:
    """Let every script start from a path that is long or has blanks.

    The system reads ``#!/path/of/python`` up to a blank, and some systems up to 127 characters. pip sees to that for
    the scripts that it writes, but not for those that a package brings, such as law's.
    """
    first_line = f"#!{venv / 'bin' / 'python'}"
    if " " not in first_line and len(first_line) <= FIRST_LINE_MAX:
        return
    # the shell runs the second line, in which Python sees a string
    start = f"#!/bin/sh\n'''exec' {shlex.quote(first_line[2:])} \"$0\" \"$@\"\n' '''\n".encode()
    for script in (venv / "bin").iterdir():
        if script.is_file() and not script.is_symlink():
            line, _, rest = script.read_bytes().partition(b"\n")
            if line.startswith(first_line.encode()):
                script.write_bytes(start + rest)


def make(venv: Path, stamp: str) -> None:
    """Make ``venv`` such that it fulfils ``stamp``: update one of the same torch and place, replace any other.

    Raises
    ------
    InstallError
        If the folder is not ours, or a step fails.
    """
    stamp_file, log = venv / STAMP, venv.parent / "install.log"
    if venv.exists() and not stamp_file.exists():
        raise InstallError(f"{venv} is there but was not made by setup.sh; remove it, or set another DEEPSF_SOFTWARE")
    found = stamp_file.read_text() if stamp_file.exists() else ""
    python = venv / "bin" / "python"
    if found == stamp and python.exists():
        return  # another shell was faster
    log.unlink(missing_ok=True)
    if python.exists() and found.splitlines()[:2] == stamp.splitlines()[:2]:
        say(f"bringing the environment in {venv} up to date")
        stamp_file.write_text("")
    else:
        say(f"installing the environment into {venv}, once; this takes some minutes")
        discarded = venv.with_name(f".{venv.name}.discarded")
        shutil.rmtree(discarded, ignore_errors=True)
        if venv.exists():
            venv.rename(discarded)
            shutil.rmtree(discarded)
        venv.mkdir()
        stamp_file.write_text("")
        run([sys.executable, "-m", "venv", str(venv)], log)
    install(venv, stamp.partition("\n")[0], log)
    part = venv / f"{STAMP}.part"
    part.write_text(stamp)
    part.replace(stamp_file)


def main() -> int:
    """Make the environment named on the command line; return the exit status."""
    venv = Path(sys.argv[1])
    stamp = sys.stdin.read()
    try:
        venv.parent.mkdir(parents=True, exist_ok=True)
        with locked(venv.parent / ".lock"):
            make(venv, stamp)
    except InstallError as error:
        say(str(error))
    except OSError as error:
        say(f"cannot write the environment: {error}; free space there or set DEEPSF_SOFTWARE to another folder")
    except KeyboardInterrupt:
        say("interrupted; source setup.sh again: it starts over")
    else:
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
