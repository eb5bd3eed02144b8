"""The wheel, and clean environments outside of the checkout that it is installed into."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*command: object, reason: str = "", **options: object) -> str:
    """Run a command as in a shell that knows nothing of the checkout; return its output.

    If it fails, so does the test: ``reason`` says what the command needs.
    """
    private = "PYTHON", "DEEPSF", "VIRTUAL_ENV"
    env = {name: value for name, value in os.environ.items() if not name.startswith(private)}
    done = subprocess.run(
        [str(part) for part in command], env=env, capture_output=True, text=True, check=False, timeout=600, **options
    )
    if done.returncode != 0:
        said = (done.stdout + done.stderr)[-3000:]
        pytest.fail(f"{reason}{' '.join(map(str, command))[:300]} failed with\n{said}", pytrace=False)
    return done.stdout


def pip(python: Path | str, *arguments: object) -> None:
    """Run pip with the versions of constraints.txt, for what it installs and for what it builds with."""
    options = "--no-input", "--disable-pip-version-check", "--quiet"
    pins = f"PIP_CONSTRAINT={ROOT / 'constraints.txt'}"
    command = "env", pins, python, "-m", "pip", *arguments[:1], *options, *arguments[1:]
    run(*command, reason="whether the package installs can be said with a package index alone, which pip must reach; ")


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy: building leaves folders in the source."""
    source, place = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    shutil.copytree(ROOT / "analysis", source / "analysis", ignore=shutil.ignore_patterns("__pycache__"))
    pip(sys.executable, "wheel", "--no-deps", "--wheel-dir", place, source)
    (built,) = place.iterdir()
    return built


def environment(folder: Path, requirement: str) -> Path:
    """Return the Python of a new environment with one requirement and what it asks for."""
    run(sys.executable, "-m", "venv", folder)
    python = folder / "bin" / "python"
    pip(python, "install", requirement)
    return python


@pytest.fixture(scope="session")
def client(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python of an environment with the package alone."""
    return environment(tmp_path_factory.mktemp("client"), str(wheel))


@pytest.fixture(scope="session")
def client_with_onnx(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python of an environment with the package and its extra onnx."""
    return environment(tmp_path_factory.mktemp("onnx"), f"{wheel}[onnx]")
