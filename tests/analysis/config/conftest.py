"""A shipped campaign as a tree, and the message that a changed one gets."""

from pathlib import Path

import pytest
import yaml

from deepsf.config import ConfigError, load

CONFIGS = Path(__file__).parents[3] / "configs"


@pytest.fixture
def tree():
    return yaml.safe_load((CONFIGS / "toy.yaml").read_text())


@pytest.fixture
def message(tmp_path):
    def of(tree) -> str:
        path = tmp_path / "bad.yaml"
        path.write_text(yaml.safe_dump(tree))
        with pytest.raises(ConfigError) as error:
            load(path)
        return str(error.value)

    return of
