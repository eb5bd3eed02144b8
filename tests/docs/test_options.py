"""docs/options.md is what scripts/options.py makes of the schema, and has every key of the shipped campaigns."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "options.md").read_text(encoding="utf-8")
KEYS = re.findall(r"^\| `([^`]+)` \|", PAGE.split("## Rows of the audit")[0], re.MULTILINE)
SECTIONS = re.findall(r"^## `([^`]+)`$", PAGE, re.MULTILINE)
ELSEWHERE = dict(re.findall(r"^## `([^`]+)`\n\nThe keys are those of `([^`]+)`\.$", PAGE, re.MULTILINE))


def row(key):
    return next(line for line in PAGE.splitlines() if line.startswith(f"| `{key}` |"))


def test_the_page_is_what_the_schema_says():
    spec = importlib.util.spec_from_file_location("deepsf_options", ROOT / "scripts" / "options.py")
    options = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(options)
    assert options.text() == PAGE, "docs/options.md is not that of the schema: python scripts/options.py"


def test_rows_say_kind_limits_and_default():
    assert row("samples.<name>.kind").startswith("| `samples.<name>.kind` | data or simulation | required | ")
    assert " | number > 0, < 1 | `0.25` | " in row("efficiency.split.test_fraction")
    assert " | list (number), rising | `[20, 50.5263, ..., 600]`, 20 values | " in row("efficiency.maps.pt_gev")
    assert " | whole number >= 1 or null | `null` | " in row("efficiency.truth_tagging.taggable.n_leading")
    assert row("selection.jet_columns").startswith("| `selection.jet_columns` | by name: text | ")
    assert r"stat\<k>: number of" in row("shifts.eigenvectors")
    assert r"supercluster \|eta\|, vetoed" in row("selection.electron.crack_abseta")


def test_every_key_has_a_description():
    assert not [key for key in KEYS if row(key).endswith("|  |")]


def test_descriptions_come_from_the_field_its_type_or_its_section():
    assert row("training.layers").endswith("| hidden layers of each network |")
    assert row("htcondor.tasks.<name>.request_cpus").endswith("| CPU cores of a job |")
    assert row("selection.muon").endswith("| Muon selection. |")
    assert row("samples.<name>.pileup").endswith("| pile-up weights of the era, instead of the campaign's |")


def test_no_key_is_there_twice():
    assert len(KEYS) == len(set(KEYS))
    assert len(SECTIONS) == len(set(SECTIONS))


def leaves(tree, path=()):
    """Yield the path of every value of a file."""
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, (*path, str(key)))
        else:
            yield (*path, str(key))


def is_documented(path):
    """Whether the path is a key of the page, or lies in one of those that hold values by name."""
    patterns = {re.escape(key).replace("<name>", "[^.]+") for key in (*KEYS, *SECTIONS)}
    patterns |= {re.escape(key).replace("<name>", "[^.]+") + r"\..+" for key in KEYS if f"| `{key}` | by " in PAGE}
    for name, place in ELSEWHERE.items():
        own = re.escape(place), re.escape(name).replace("<name>", "[^.]+")
        patterns |= {pattern.replace(*own, 1) for pattern in patterns if pattern.startswith(own[0])}
    return any(re.fullmatch(pattern, ".".join(path)) for pattern in patterns)


def test_a_key_that_is_not_on_the_page_is_found():
    assert is_documented(("samples", "ttbar", "pileup", "file"))
    assert is_documented(("efficiency", "toy", "neighbours", "amplitude", "b", "c"))
    assert not is_documented(("efficiency", "toy", "neighbours", "amplitudes"))
    assert not is_documented(("samples", "ttbar", "pileup", "files"))


@pytest.mark.parametrize("path", sorted((ROOT / "configs").rglob("*.yaml")), ids=lambda path: path.stem)
def test_every_key_of_shipped_campaigns_is_on_the_page(path):
    tree = yaml.safe_load(path.read_text())
    tree.pop("extends", None)
    assert not [".".join(found) for found in leaves(tree) if not is_documented(found)]
