"""What the wheel says that it needs, against what the code imports."""

from __future__ import annotations

import ast
import re
import sys
import zipfile
from collections import Counter
from email import message_from_bytes
from importlib.metadata import packages_distributions

import pytest

import deepsf
from tests.package.conftest import ROOT


@pytest.fixture(scope="module")
def content(wheel):
    with zipfile.ZipFile(wheel) as archive:
        yield archive


@pytest.fixture(scope="module")
def metadata(content):
    (name,) = (name for name in content.namelist() if name.endswith(".dist-info/METADATA"))
    return message_from_bytes(content.read(name))


@pytest.fixture(scope="module")
def needed(metadata):
    """Distributions by extra, those of plain deepsf under no name; extras name each other."""
    by_extra = {}
    for line in metadata.get_all("Requires-Dist"):
        name = re.match(r"[\w.-]+(\[\w+\])?", line)[0]
        extra = re.search(r'extra == "(\w+)"', line)
        by_extra.setdefault(extra[1] if extra else "", []).append(normalised(name))
    return by_extra


def normalised(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def imported(folder):
    """Distributions that the modules below a folder import, wherever in them."""
    distributions = {**packages_distributions(), "deepsf": ["deepsf"], "tasks": ["deepsf"]}
    found = set()
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules = [node.module]
            found |= {module.partition(".")[0] for module in modules}
    return {normalised(distributions[name][0]) for name in found - sys.stdlib_module_names}


def test_plain_deepsf_needs_three_packages(needed):
    assert needed[""] == ["numpy", "awkward", "correctionlib"]
    assert needed["onnx"] == ["onnxruntime"]


def test_extras_contain_each_other_and_only_a_tighter_bound_stands_twice(needed, metadata):
    assert set(metadata.get_all("Provides-Extra")) == {"onnx", "measure", "workflow"} == set(needed) - {""}
    assert "deepsf[onnx]" in needed["measure"]
    assert "deepsf[measure]" in needed["workflow"]
    counts = Counter(name for names in needed.values() for name in names)
    assert {name for name, count in counts.items() if count > 1} == {"correctionlib"}  # networks need a newer one


def test_what_is_imported_is_what_is_needed(needed):
    own = {"deepsf", "deepsf[onnx]", "deepsf[measure]"}
    to_measure = {*needed[""], *needed["onnx"], *needed["measure"]} - own
    by_name = {"fsspec-xrootd"}  # fsspec finds it by its scheme
    assert imported("analysis/deepsf") - own == to_measure - by_name
    of_tasks = imported("tasks") - own
    assert of_tasks <= to_measure | set(needed["workflow"])
    assert set(needed["workflow"]) - own <= of_tasks


def test_the_version_stands_in_one_place(metadata):
    assert metadata["Version"] == deepsf.__version__
    pattern = re.compile(rf'"{re.escape(deepsf.__version__)}"')
    files = [ROOT / "pyproject.toml", *(ROOT / "analysis").rglob("*.py"), *(ROOT / "tasks").rglob("*.py")]
    assert [path.name for path in files if pattern.search(path.read_text())] == ["__init__.py"]


def test_the_wheel_has_all_modules_stubs_and_the_licence_and_nothing_else(content):
    files = {name for name in content.namelist() if ".dist-info/" not in name}
    source = ROOT / "analysis"
    assert files == {
        str(path.relative_to(source)) for path in source.rglob("*") if path.suffix in (".py", ".pyi", ".typed")
    }
    assert "deepsf/efficiency/__init__.pyi" in files
    assert any(name.endswith("licenses/LICENSE") for name in content.namelist())
