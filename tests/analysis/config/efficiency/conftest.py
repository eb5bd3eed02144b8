"""Shipped configurations with other efficiencies, loaded or refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from deepsf.config import ConfigError, load

CONFIGS = Path(__file__).parents[4] / "configs"


@pytest.fixture
def loaded(tmp_path):
    """Return a function that loads a shipped configuration with other efficiencies."""

    def of(base, **efficiency):
        path = tmp_path / "mine.yaml"
        path.write_text(yaml.safe_dump({"extends": str(CONFIGS / f"{base}.yaml"), "efficiency": efficiency}))
        return load(path)

    return of


@pytest.fixture
def message(loaded):
    def of(base, **efficiency) -> str:
        with pytest.raises(ConfigError) as error:
            loaded(base, **efficiency)
        return str(error.value)

    return of
