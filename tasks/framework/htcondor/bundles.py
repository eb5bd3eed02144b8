"""Repository and environment as archives, for jobs on nodes that share no file system with us."""

from __future__ import annotations

import fcntl
import hashlib
import os
import sys
import sysconfig
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

REPOSITORY = ("analysis", "tasks", "configs", "scripts", "setup.sh", "law.cfg", "pyproject.toml", "constraints.txt")
STAMP = "deepsf-environment"
_NOT_SHIPPED = {"__pycache__", "test", "tests", "idlelib", "tkinter", "lib2to3", "ensurepip"}
_NOT_SHIPPED_PACKAGES = {"mypy", "mypyc", "ruff", "pip", "jedi", "torch/include", "torch/share"}

Members = Iterator[tuple[Path, str]]


def repository_bundle(base: Path, folder: Path) -> Path:
    """Return an archive with what a job needs of the repository at ``base``; equal content gives the same file."""
    members = sorted(_files(base, REPOSITORY, lambda name: name in _NOT_SHIPPED), key=lambda member: member[1])
    hashed = hashlib.sha256()
    for path, name in members:
        hashed.update(f"{name}\n".encode() + path.read_bytes())
    return _bundle(folder / f"repository-{hashed.hexdigest()[:12]}.tar.gz", iter(members))


def environment_bundle(venv: Path, folder: Path) -> Path:
    """Return an archive with the packages of a virtual environment and the Python it stands on.

    Its folders: ``site-packages``; ``python/bin`` and ``python/lib`` with interpreter, standard library and, if it is a
    library of its own, libpython. Made once for each state of the environment.
    """
    stamp = (venv / STAMP).read_bytes()
    name = hashlib.sha256(stamp + sys.version.encode()).hexdigest()[:12]
    return _bundle(folder / f"environment-{name}.tar.gz", _environment(venv))


def _environment(venv: Path) -> Members:
    paths, version = sysconfig.get_paths(), f"python{sys.version_info[0]}.{sys.version_info[1]}"
    packages = Path(paths["purelib"])
    for path, name in _files(packages, ("",), lambda name: name in _NOT_SHIPPED):
        if not any(name == skipped or name.startswith(f"{skipped}/") for skipped in _NOT_SHIPPED_PACKAGES):
            yield path, f"site-packages/{name}"
    standard = Path(paths["stdlib"])
    for path, name in _files(standard, ("",), lambda name: name in {*_NOT_SHIPPED, "site-packages", "dist-packages"}):
        yield path, f"python/lib/{version}/{name}"
    yield Path(sys.executable).resolve(), f"python/bin/{version}"
    library = Path(sysconfig.get_config_var("LIBDIR") or "") / str(sysconfig.get_config_var("INSTSONAME") or "")
    if sysconfig.get_config_var("Py_ENABLE_SHARED") and library.is_file():
        yield library, f"python/lib/{library.name}"
    yield venv / STAMP, STAMP


def _files(base: Path, roots: tuple[str, ...], skipped: Callable[[str], bool]) -> Members:
    for root in roots:
        start = base / root
        if start.is_file():
            yield start, root
            continue
        for folder, folders, names in os.walk(start):
            folders[:] = sorted(name for name in folders if not skipped(name))
            for name in sorted(names):
                path = Path(folder, name)
                yield path, str(path.relative_to(base))


def _bundle(path: Path, members: Members) -> Path:
    """Write an archive once; a second process waits for it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with (path.parent / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            part = path.with_name(f".part-{path.name}")
            with tarfile.open(part, "w:gz", compresslevel=1, dereference=True) as archive:
                for member, name in members:
                    archive.add(member, name, recursive=False)
            part.replace(path)
    return path
