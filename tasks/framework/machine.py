"""Which code ran on which machine, for reports; digests leave it out."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path

from tasks.framework import settings


def made_on() -> dict[str, str | int]:
    """Return ``commit``, ``cpu`` and ``cores``, as every report carries them."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return {"commit": commit(), "cpu": cpu_name(), "cores": cores}


def commit() -> str:
    """Return the commit of the code, with ``+`` if files were changed since; ``unknown`` outside of a repository."""
    git = ("git", "-C", str(settings.base()))
    try:
        head = subprocess.run([*git, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=True)
        state = subprocess.run([*git, "status", "--porcelain"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return head.stdout.strip() + ("+" if state.stdout.strip() else "")


def cpu_name() -> str:
    """Return the name of the CPU."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
