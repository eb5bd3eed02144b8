"""Public names: imported when they are first used, what they need is said in a line."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import deepsf
import deepsf.efficiency

PACKAGES = [deepsf, deepsf.efficiency]


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package with a name of its own, one that lacks a module, one that lacks a module of its own."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    (folder / "__init__.pyi").write_text(
        "from shelf.books import read as read_book\nfrom shelf.graph import draw\nfrom shelf.broken import gone\n"
        "from . import lower\n\n__all__ = ['draw', 'gone', 'lower', 'read_book']\n"
    )
    (folder / "__init__.py").write_text(
        "from deepsf.lazy import public_names\n\n__getattr__, __dir__, __all__ = public_names(__name__)\n"
    )
    (folder / "books.py").write_text("def read():\n    return 'read'\n")
    (folder / "graph.py").write_text("import onnxruntime_of_nobody\n")
    (folder / "broken.py").write_text("import shelf.nothing\n")
    (folder / "lower.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("shelf")
    for name in [name for name in sys.modules if name.partition(".")[0] == "shelf"]:
        del sys.modules[name]


def test_a_name_is_imported_when_it_is_used(package):
    assert "shelf.books" not in sys.modules
    assert package.read_book() == "read"
    assert vars(package)["read_book"] is sys.modules["shelf.books"].read
    assert package.lower is sys.modules["shelf.lower"]
    assert package.__all__ == ["draw", "gone", "lower", "read_book"]
    assert {"draw", "gone", "lower", "read_book"} <= set(dir(package))


def test_what_is_missing_and_the_way_to_get_it_stand_in_one_line(package, monkeypatch):
    message = r'^shelf\.draw needs onnxruntime_of_nobody, which is not installed: pip install "deepsf\[measure\]"$'
    with pytest.raises(ModuleNotFoundError, match=message):
        _ = package.draw
    for missing, extra in (("onnxruntime", "onnx"), ("law", "workflow")):
        monkeypatch.setitem(sys.modules, missing, None)
        Path(package.__path__[0], "graph.py").write_text(f"import {missing}.x\n")
        importlib.invalidate_caches()
        with pytest.raises(ModuleNotFoundError, match=rf"needs {missing}, .*deepsf\[{extra}\]"):
            _ = package.draw


def test_a_mistake_inside_the_package_is_not_taken_for_a_missing_extra(package):
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'shelf\.nothing'$"):
        _ = package.gone
    with pytest.raises(AttributeError, match="module 'shelf' has no attribute 'reads'"):
        _ = package.reads


@pytest.mark.parametrize("of", PACKAGES, ids=lambda module: module.__name__)
def test_every_name_that_is_promised_is_there(of):
    assert len(of.__all__) > 5
    for name in of.__all__:
        assert getattr(of, name) is not None
    assert set(of.__all__) <= set(dir(of))
    assert sorted(of.__all__) == of.__all__


@pytest.mark.parametrize("of", PACKAGES, ids=lambda module: module.__name__)
def test_every_name_of_a_stub_is_promised(of):
    stub = ast.parse(Path(of.__file__).with_suffix(".pyi").read_text())
    imported = [alias for node in stub.body if isinstance(node, ast.ImportFrom) for alias in node.names]
    assert {alias.asname or alias.name for alias in imported} == set(of.__all__) - {"__version__"}


def test_the_package_loads_nothing_before_it_is_used():
    code = "import sys, deepsf, deepsf.efficiency; print(sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(ast.literal_eval(done.stdout))
    assert "deepsf" in loaded
    assert not loaded & {"numpy", "awkward", "torch", "law", "luigi", "pydantic"}
