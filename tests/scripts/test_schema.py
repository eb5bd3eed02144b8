"""configs/schema.json is what scripts/schema.py makes of the schema, and every shipped campaign follows it."""

import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from scripts import schema

CONFIGS = sorted(schema.SCHEMA.parent.glob("*.yaml"))


def validator():
    return Draft202012Validator(json.loads(schema.SCHEMA.read_text()))


def test_the_file_is_that_of_the_schema():
    assert schema.SCHEMA.read_text() == schema.text(), "configs/schema.json is old: python scripts/schema.py"


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_shipped_campaigns_follow_it(path: Path):
    assert not [error.message for error in validator().iter_errors(yaml.safe_load(path.read_text()))]


def test_misspelt_keys_and_wrong_types_are_found_at_any_depth():
    tree = {"selection": {"jett": {}}, "samples": {"a": {"kind": "date"}, "b": None}, "campaign": {"era": 2017}}
    found = {"/".join(map(str, error.absolute_path)) for error in validator().iter_errors(tree)}
    assert found == {"selection", "samples/a", "campaign/era"}
