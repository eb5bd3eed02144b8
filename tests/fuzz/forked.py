"""Readers in processes of their own, which may neither crash, nor hang, nor fill the memory."""

from __future__ import annotations

import os
import resource
import select
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

MEMORY_BYTES = 1 << 30
"""Address space beyond what the libraries have mapped, which is another 1 GB."""
CPU_S = 10
WALL_S = 60.0
"""For readers that wait; those that work are stopped by their CPU time, which a busy machine does not lengthen."""
N_AT_ONCE = 2

Read = Callable[[Path], str]


class Outcome(NamedTuple):
    """What a reader made of a file: a digest of its result, or an error in words, or an end that no reader may have."""

    kind: str
    """``result``, ``error`` (documented: a ValueError that names the file in its first line), or what went wrong."""
    words: str


def outcomes(read: Read, paths: Iterable[Path]) -> Iterator[tuple[Path, Outcome]]:
    """Yield what ``read`` makes of each file, in any order."""
    running: dict[int, tuple[Path, int, float]] = {}  # by the pipe: file, process, when it has to be done
    for path in paths:
        if len(running) == N_AT_ONCE:
            yield _next(running)
        pipe, process = _start(read, path)
        running[pipe] = path, process, time.monotonic() + WALL_S
    while running:
        yield _next(running)


def _next(running: dict[int, tuple[Path, int, float]]) -> tuple[Path, Outcome]:
    left_s = min(end for *_, end in running.values()) - time.monotonic()
    ready, _, _ = select.select(list(running), [], [], max(0.0, left_s))
    pipe = ready[0] if ready else min(running, key=lambda pipe: running[pipe][2])
    path, process, _ = running.pop(pipe)
    if not ready:
        os.kill(process, signal.SIGKILL)
    with os.fdopen(pipe, "rb") as stream:
        said = stream.read().decode()
    _, status = os.waitpid(process, 0)
    ended_by = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
    if not ready or ended_by == signal.SIGXCPU:
        return path, Outcome("hang", f"longer than {CPU_S} s of CPU time or {WALL_S:g} s")
    if ended_by is not None:
        return path, Outcome("signal", signal.Signals(ended_by).name)
    kind, _, words = said.partition(" ")
    return path, Outcome(kind, words)


def _start(read: Read, path: Path) -> tuple[int, int]:
    reading, writing = os.pipe()
    process = os.fork()
    if process:
        os.close(writing)
        return reading, process
    try:
        os.close(reading)
        # what the libraries have mapped already does not count
        mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        used = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
        resource.setrlimit(resource.RLIMIT_CPU, (int(used) + CPU_S,) * 2)
        resource.setrlimit(resource.RLIMIT_AS, (mapped + MEMORY_BYTES,) * 2)
        with os.fdopen(writing, "wb") as stream:
            stream.write(_said(read, path).encode(errors="replace"))
    finally:
        os._exit(0)


def _said(read: Read, path: Path) -> str:
    try:
        return f"result {read(path)}"
    except ValueError as error:
        first = next(iter(str(error).splitlines()), "")
        return f"{'error' if path.name in first else 'unnamed'} {type(error).__name__}: {first}"
    except BaseException as error:
        return f"raw {type(error).__name__}: {error}"
