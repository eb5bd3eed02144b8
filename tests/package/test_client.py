"""The package as analyses get it: alone, in an environment of its own, with the code of the documents."""

from __future__ import annotations

import contextlib
import json
import shutil

import awkward as ak
import numpy as np
import pytest

import deepsf
import deepsf.efficiency
from tests.docs.documents import DOCUMENTS, blocks, write_efficiency_files, write_networks, write_scale_factors
from tests.docs.documents import run as run_blocks
from tests.package.conftest import run

CLIENT = {
    "deepsf": {"NormalisationMap", "ShapeCorrection", "__version__", "efficiency", "event_weight", "normalisation_map",
               "write_normalisation_maps"},
    "deepsf.efficiency": {"JetEvents", "at_least", "closest_jet", "draw_bins", "draw_pattern", "event_numbers",
                          "events_of_jets", "exactly", "replica_weight", "taggable_jets", "tagged_pair_mass_gev",
                          "truth_tagged_yields"},
}  # fmt: skip
WITH_ONNX = {"OnnxEfficiencies"}
IMPORT_CPU_S = 0.7

WITH_CLIENT_CODE = [document for document in DOCUMENTS if blocks(document, "client")]
WITH_ONNX_CODE = [document for document in DOCUMENTS if blocks(document, "onnx")]

# Runs blocks of code; prints where deepsf is, what each block has loaded, and the numbers that they leave.
RUNNER = """
import json, sys
names, loaded = {}, []
for code in json.load(sys.stdin):
    exec(compile(code, "block", "exec"), names)
    loaded.append(sorted({name.partition(".")[0] for name in sys.modules}))
import awkward as ak, numpy as np
numbers = {name: ak.to_list(v) for name, v in names.items() if isinstance(v, (float, np.ndarray, ak.Array))}
print(json.dumps({"loaded": loaded, "numbers": numbers, "deepsf": sys.modules["deepsf"].__file__}))
"""

# Prints the CPU time that it takes to import all names of a client, and what that has loaded.
IMPORTS = """
import json, sys, time
start = time.process_time()
import correctionlib, deepsf, deepsf.efficiency
for package, names in json.load(sys.stdin).items():
    for name in names:
        getattr(sys.modules[package], name)
seconds = time.process_time() - start
print(json.dumps({"seconds": seconds, "loaded": sorted({name.partition(".")[0] for name in sys.modules})}))
"""


def isolated(python, code, given, **options):
    return json.loads(run(python, "-I", "-c", code, input=json.dumps(given), **options))


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """A folder with everything that the documents read."""
    folder = tmp_path_factory.mktemp("inputs")
    write_scale_factors(folder)
    write_networks(folder)
    write_efficiency_files(folder)
    return folder


def flat(value):
    """Return the numbers of nested lists and dictionaries."""
    if isinstance(value, dict | list):
        return [number for part in (value.values() if isinstance(value, dict) else value) for number in flat(part)]
    return [np.nan if value is None else value]


def check_document(python, document, marks, inputs, tmp_path):
    """Run blocks of a document there and here: nothing heavy is loaded, and the numbers are the same."""
    there, here = (shutil.copytree(inputs, tmp_path / place) for place in ("there", "here"))
    parts = blocks(document, *marks)
    result = isolated(python, RUNNER, [block.code for block in parts], cwd=there)
    assert str(python.parents[1]) in result["deepsf"]
    for block, loaded in zip(parts, result["loaded"], strict=True):
        assert not {"torch", "law", "luigi", "numba", "scipy", "hist", "pyarrow"} & set(loaded), block.code
        # what is written is checked against correctionlib's schema, which is made of pydantic's models
        if not any("write_" in earlier.code for earlier in parts[: parts.index(block) + 1]):
            assert "pydantic" not in loaded, block.code
    with contextlib.chdir(here):
        names = run_blocks(document, *marks)
    numbers = {name: v for name, v in names.items() if isinstance(v, float | np.ndarray | ak.Array)}
    assert result["numbers"].keys() == numbers.keys()
    for name, value in numbers.items():
        np.testing.assert_allclose(flat(result["numbers"][name]), flat(ak.to_list(value)), rtol=1e-12, err_msg=name)


@pytest.mark.parametrize("document", WITH_CLIENT_CODE, ids=lambda document: document.name)
def test_client_code_of_the_documents_runs_with_the_package_alone(client, document, inputs, tmp_path):
    check_document(client, document, ("client",), inputs, tmp_path)


@pytest.mark.parametrize("document", WITH_ONNX_CODE, ids=lambda document: document.name)
def test_code_for_onnx_runs_with_that_extra_alone(client_with_onnx, document, inputs, tmp_path):
    check_document(client_with_onnx, document, ("client", "onnx"), inputs, tmp_path)


def test_the_documents_show_client_code():
    shown = {document.name for document in WITH_CLIENT_CODE}
    assert {"README.md", "using-scale-factors.md", "using-efficiencies.md"} <= shown
    assert "using-efficiencies.md" in {document.name for document in WITH_ONNX_CODE}


def test_the_client_is_imported_within_its_time_and_loads_nothing_heavy(client):
    given = {package: sorted(names) for package, names in CLIENT.items()}
    results = [isolated(client, IMPORTS, given) for _ in range(3)]
    for module in ("torch", "law", "luigi", "pydantic"):
        assert all(module not in result["loaded"] for result in results)
    assert min(result["seconds"] for result in results) < IMPORT_CPU_S


def test_the_client_brings_its_three_packages_and_what_they_ask_for(client):
    installed = {entry["name"].lower() for entry in json.loads(run(client, "-m", "pip", "list", "--format=json"))}
    assert {"deepsf", "numpy", "awkward", "correctionlib"} <= installed
    heavy = {"torch", "law", "luigi", "numba", "scipy", "hist", "pyarrow", "uproot", "onnxruntime", "matplotlib"}
    assert not heavy & installed


def test_what_needs_an_extra_says_so_in_one_line(client):
    code = """
import importlib, json, sys
said = {}
for package, names in json.load(sys.stdin).items():
    for name in names:
        try:
            getattr(importlib.import_module(package), name)
        except ImportError as error:
            said[f"{package}.{name}"] = str(error)
print(json.dumps(said))
"""
    promised = {"deepsf": deepsf.__all__, "deepsf.efficiency": deepsf.efficiency.__all__}
    said = isolated(client, code, promised)
    expected = {f"{package}.{name}" for package, names in promised.items() for name in set(names) - CLIENT[package]}
    assert said.keys() == expected
    for name, message in said.items():
        extra = "onnx" if name.rpartition(".")[2] in WITH_ONNX else "measure"
        assert message.startswith(f"{name} needs ")
        assert message.endswith(f', which is not installed: pip install "deepsf[{extra}]"')
        assert "\n" not in message
