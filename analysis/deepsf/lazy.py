"""Public names of a package that are imported when they are first used, from the places that its stub names."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import sys
from collections.abc import Callable
from typing import Any

_EXTRA = {"onnxruntime": "onnx", "law": "workflow", "luigi": "workflow"}
"""Extra of pyproject.toml that brings a module; all others are brought by ``measure``."""


def public_names(package: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return ``__getattr__``, ``__dir__`` (PEP 562) and ``__all__`` of a package from its ``__init__.pyi``.

    The stub is what editors and type checkers read, so that each name has its place there alone. It has imports of the
    form ``from package.module import name`` and ``from . import subpackage``, and ``__all__``.
    """
    stub = ast.parse(pkgutil.get_data(package, "__init__.pyi") or b"").body
    places = {
        alias.asname or alias.name: (node.module, alias.name) if node.module else (f"{package}.{alias.name}", "")
        for node in stub
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    promised = next(node.value for node in stub if isinstance(node, ast.Assign))

    def load(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, attribute = places[name]
        try:
            imported = importlib.import_module(module)
        except ModuleNotFoundError as error:
            missing = (error.name or "").partition(".")[0]
            if missing == package.partition(".")[0]:
                raise
            extra = _EXTRA.get(missing, "measure")
            raise ModuleNotFoundError(
                f'{package}.{name} needs {missing}, which is not installed: pip install "deepsf[{extra}]"',
                name=error.name,
            ) from None
        value = getattr(imported, attribute) if attribute else imported
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *places})

    return load, names, ast.literal_eval(promised)
