"""The house itself: floors without circles, sizes of modules and functions, docstrings, tests that mirror the code."""

import ast
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE, TASKS = ROOT / "analysis" / "deepsf", ROOT / "tasks"
PRODUCT = sorted([*PACKAGE.rglob("*.py"), *TASKS.rglob("*.py"), *(ROOT / "scripts").rglob("*.py")])
MODULE_LINES, FUNCTION_LINES = 400, 60
OVERRIDDEN = {
    *("requires", "workflow_requires", "output", "run", "complete", "create_branch_map"),  # of law
    *("config_keys", "own_parameters", "external_files"),  # of ConfigTask
    *("plan", "audit", "results"),  # of PlotTask
}
"""Methods that tasks override: their meaning stands at the base, what a task makes is said at its class."""
ROOT_MODULES = {
    *("__init__.py", "arrays.py", "guards.py", "jets.py", "json_text.py", "lazy.py", "reading.py", "seeds.py"),
    *("parquet_files.py", "tensor_files.py"),
}
"""What everything uses."""
ORDERS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
WHOLE_NUMBER = re.compile(r"n|n_\w+|_n_\w+|\w*count|index|depth|deepest|len|length")
"""Names of what NaN cannot be."""
NAN_MAY_PASS = {
    "analysis/deepsf/generator/luminosity_blocks.py: of_certified": "runs are whole numbers",
    "analysis/deepsf/nanoaod/columns.py: _content": "it compares whole numbers to what they are cast to",
    "analysis/deepsf/nanoaod/columns.py: offsets": "they are whole numbers",
    "analysis/deepsf/nanoaod/events.py: _check_tagger_ran": "jets of score NaN have none, and are counted",
    "analysis/deepsf/skim/acceptance.py: _require_runs": "runs are whole numbers",
}
"""Functions whose guards are not of the form that NaN does not pass, and why they may be."""
NO_MODULE = {
    "analysis/nanoaod/test_real_nanoaod.py": "real files of several NanoAOD versions through the whole skim",
    "analysis/exports/test_agreement.py": "all formats give the same numbers",
    "analysis/exports/test_public_files.py": "public files of CMS",
    "plots/test_reference_plots.py": "a figure of each kind against its reference image",
}
"""Tests of several modules together, and what of."""


def functions(path: Path) -> Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef))


def public(body: list[ast.stmt]) -> Iterator[ast.FunctionDef | ast.ClassDef]:
    """Yield public functions and classes, and the public methods of these."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public(node.body)


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = ["lint-imports", "--no-cache", "--config", str(ROOT / "pyproject.toml")]
    environment = {**os.environ, "PYTHONPATH": f"{folder / 'analysis'}:{folder}"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_imports_go_down_and_never_round():
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("module", "line", "broken"),
    [
        (
            "analysis/deepsf/config/base.py",
            "import deepsf.plots.style",
            "deepsf.config is not allowed to import deepsf.plots",
        ),
        ("analysis/deepsf/binned/kernel.py", "import deepsf.networks.dense", "deepsf.binned is not allowed to import"),
        ("analysis/deepsf/seeds.py", "import tasks.framework.settings", "the physics knows no workflow BROKEN"),
        ("tasks/framework/provenance.py", "import tasks.framework.base", "no circle between modules or folders BROKEN"),
    ],
)
def test_an_import_that_is_turned_around_is_found(tmp_path, module, line, broken):
    for name in ("analysis", "tasks"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / module).write_text(f"{(tmp_path / module).read_text()}\n{line}\n")
    done = lint_imports(tmp_path)
    assert done.returncode == 1
    assert broken in done.stdout


@pytest.mark.parametrize("path", PRODUCT, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_and_functions_fit_a_screen_or_two(path):
    assert len(path.read_text().splitlines()) <= MODULE_LINES
    long = {f.name: f.end_lineno - f.lineno + 1 for f in functions(path) if f.end_lineno - f.lineno >= FUNCTION_LINES}
    assert not long, f"longer than {FUNCTION_LINES} lines: {long}"


def guards(function: ast.FunctionDef) -> Iterator[ast.expr]:
    """Yield the conditions on which a function raises, and what the names in them were assigned."""
    assigned: dict[str, list[ast.expr]] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            assigned.setdefault(node.targets[0].id, []).append(node.value)
    for node in ast.walk(function):
        if isinstance(node, ast.If) and any(isinstance(part, ast.Raise) for part in node.body):
            names = [part.id for part in ast.walk(node.test) if isinstance(part, ast.Name)]
            yield from [node.test, *(value for name in names for value in assigned.get(name, []))]


def is_whole(node: ast.expr) -> bool:
    """Return whether an expression is a whole number by its name: ``n_jets``, ``len(x)``, ``index.max()``."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) if WHOLE_NUMBER.fullmatch(name):
            return True
        case ast.Call(func=ast.Attribute(value=values, attr="min" | "max")):
            return is_whole(values)
        case ast.Call(func=function):
            return is_whole(function)
        case ast.BinOp(left=left, right=right):
            return is_whole(left) or is_whole(right)
    return False


def passed_by_nan(node: ast.AST, negated: bool = False) -> Iterator[str]:
    """Yield the comparisons of a condition that are not negated and not of whole numbers: NaN makes them false."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.Invert):
        yield from passed_by_nan(node.operand, not negated)
        return
    ordered = isinstance(node, ast.Compare) and all(isinstance(op, ORDERS) for op in node.ops)
    if ordered and not negated and not any(map(is_whole, (node.left, *node.comparators))):
        yield ast.unparse(node)
    for child in ast.iter_child_nodes(node):
        yield from passed_by_nan(child, negated)


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("if total <= 0: raise E", ["total <= 0"]),
        ("bad = (w <= 0) | (v > 1)\n if bad.any(): raise E", ["w <= 0", "v > 1"]),
        ("bad = [x for x in xs if x > limit]\n if bad: raise E", ["x > limit"]),
        ("if (bad := np.sum(x < 0)): raise E", ["x < 0"]),
        ("if not total > 0: raise E", []),
        ("bad = ~((w > 0) & (v <= 1))\n if bad.any(): raise E", []),
        ("if any(not low < high for low, high in x): raise E", []),
        ("if len(x) < 2 or n_jets.min() < 1: raise E", []),
        ("if x[index] < 0: raise E", ["x[index] < 0"]),
        ("if x > 1: return 2", []),
    ],
)
def test_a_guard_that_nan_passes_is_found(code, found):
    (function,) = (node for node in ast.walk(ast.parse(f"def f():\n {code}")) if isinstance(node, ast.FunctionDef))
    assert [text for guard in guards(function) for text in passed_by_nan(guard)] == found


def test_nan_passes_no_guard():
    """Values of the configuration are finite: its schema refuses others."""
    paths = [path for path in PRODUCT if not path.is_relative_to(PACKAGE / "config")]
    passed = {
        f"{path.relative_to(ROOT)}: {function.name}": text
        for path in paths
        for function in functions(path)
        for guard in guards(function)
        for text in passed_by_nan(guard)
    }
    assert passed.keys() == NAN_MAY_PASS.keys(), passed


def test_json_is_written_strictly_or_says_why_not():
    """NaN is not JSON: whoever writes a file says what becomes of it; `deepsf.json_text` writes null."""
    calls = [
        (path, node)
        for path in PRODUCT
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("json.dump", "json.dumps")
    ]
    loose = [
        f"{path.relative_to(ROOT)}: {ast.unparse(node)}"
        for path, node in calls
        if "allow_nan" not in {keyword.arg for keyword in node.keywords}
    ]
    assert len(calls) > 10
    assert not loose, "\n".join(loose)


def test_the_package_has_no_loose_modules():
    assert {path.name for path in PACKAGE.glob("*.py")} == ROOT_MODULES


def test_public_names_are_documented():
    nodes = [(path, node) for path in PRODUCT for node in public(ast.parse(path.read_text()).body)]
    nodes = [(path, node) for path, node in nodes if not (path.is_relative_to(TASKS) and node.name in OVERRIDDEN)]
    without = [f"{path.relative_to(ROOT)}: {node.name}" for path, node in nodes if ast.get_docstring(node) is None]
    assert len(without) <= 0.05 * len(nodes), "\n".join(without)


def mirrored() -> list[tuple[Path, Path]]:
    """Return the folders of tests with those of the modules that they test."""
    return [
        (ROOT / "tests" / "analysis", PACKAGE),
        (ROOT / "tests" / "tasks", TASKS),
        (ROOT / "tests" / "plots", PACKAGE / "plots"),
    ]


def test_every_test_lies_where_its_module_lies_and_bears_its_name():
    strays = []
    for tests, code in mirrored():
        for path in sorted(tests.rglob("test_*.py")):
            module = code / path.relative_to(tests).with_name(path.name.removeprefix("test_"))
            if not module.exists() and str(path.relative_to(ROOT / "tests")) not in NO_MODULE:
                strays.append(str(path.relative_to(ROOT)))
    assert not strays, "tests without a module of their name: " + ", ".join(strays)


def test_only_networks_of_deepsf_have_coupled_decay():
    # beside a last layer of zero it can shrink a network to a constant (docs/physics.md)
    coupled = {
        path.relative_to(PACKAGE).as_posix()
        for path in PRODUCT
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in {"Adam", "SGD"}
        if any(keyword.arg == "weight_decay" for keyword in call.keywords)
    }
    assert coupled == {"adversarial/trainer.py"}
